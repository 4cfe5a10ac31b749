"""What a hit tells of a row of the gallery: its id, its label, and its text or image.

The files are part of the model and hold cells of the training split, unless ``keep_content``
is off: then ids and labels alone.
"""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

from mlhub_retrieval.rows import MAX_PIXEL, Rows

if TYPE_CHECKING:
    from mlhub_adapter import Model, Run

FILE = "content.json"
PIXELS = "content_pixels.npy"


def write(run: Run, rows: Rows, shape: tuple[int, int, int]) -> None:
    """Writes the rows' content beside the index."""
    import numpy as np

    said: dict[str, Any] = {"version": 1, "ids": rows.ids, "labels": rows.labels}
    keeps = run.params["keep_content"]
    if keeps and "text" in rows.views:
        said["texts"] = rows.views["text"]
    run.artifact(FILE, json.dumps(said), kind="model")
    if keeps and "image" in rows.views:
        pixels = np.clip(np.rint(rows.views["image"] * MAX_PIXEL), 0, MAX_PIXEL)
        whole = pixels.astype(np.uint8).reshape(len(pixels), *shape)
        run.artifact(PIXELS, lambda path: np.save(path, whole, allow_pickle=False), kind="model")


class Content:
    """Reads it back, row by row."""

    def __init__(self, model: Model) -> None:
        import numpy as np

        said = json.loads(model.file(FILE).read_text(encoding="utf-8"))
        self.ids: list[str] = said["ids"]
        self.labels: list[str] = said["labels"]
        self.texts: list[str] | None = said.get("texts")
        path = model.dir / PIXELS
        self.pixels: Any = np.load(path, allow_pickle=False) if path.exists() else None

    def hit(self, row: int, score: float) -> dict[str, Any]:
        """A row as the answer to a query."""
        hit: dict[str, Any] = {"id": self.ids[row], "score": score, "label": self.labels[row]}
        if self.texts is not None:
            hit["text"] = self.texts[row]
        if self.pixels is not None:
            hit["image"] = {"base64": _png(self.pixels[row]), "media_type": "image/png"}
        return hit


def _png(pixels: Any) -> str:
    from PIL import Image

    channels = pixels.shape[-1]
    image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    file = io.BytesIO()
    image.save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
