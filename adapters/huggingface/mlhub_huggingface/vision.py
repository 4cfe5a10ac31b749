"""Reads the images of an image folder when they are needed, and makes tensors of them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

from mlhub_huggingface.examples import IGNORED, Examples, class_labels, set_aside

if TYPE_CHECKING:
    from mlhub_adapter import Run
    from mlhub_adapter.images import Image


class Pictures(Sequence[Any]):
    """Rows that are decoded each time they are asked for."""

    def __init__(self, images: list[Image], processor: Any, number: dict[str, int]) -> None:
        self.images, self.processor, self.number = images, processor, number

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, at: Any) -> Any:
        image = self.images[at]
        try:
            pixels = tensor(image.path.read_bytes(), self.processor)
        except (OSError, ValueError) as error:
            kind = type(error).__name__
            raise failure.dataset(
                "dataset.splits", f"image {image.id} cannot be decoded ({kind})"
            ) from None
        return {"pixel_values": pixels, "labels": self.number.get(image.label, IGNORED)}


def tensor(content: bytes, processor: Any) -> Any:
    """An image file as the model takes it: float32 ``[channels, height, width]``."""
    from PIL import Image as Decoder

    with Decoder.open(io.BytesIO(content)) as picture:
        decoded = picture.convert("RGB")
    return processor(images=decoded, return_tensors="pt")["pixel_values"][0]


class ImageData:
    """The splits of an image folder."""

    def __init__(self, run: Run) -> None:
        names = dict.fromkeys(["train", "validation", *run.predict_splits])
        there = [name for name in names if name in run.dataset.splits or name != "validation"]
        self.images = {name: run.images(name) for name in there}
        self.in_training = self.images["train"]
        if "validation" not in self.images:
            kept, aside = set_aside(run, len(self.in_training))
            if aside:
                self.images["validation"] = [self.in_training[at] for at in aside]
            self.in_training = [self.in_training[at] for at in kept]
        self.labels = class_labels(run, [image.label for image in self.in_training], "dataset")

    @property
    def splits(self) -> list[str]:
        """The splits that there are."""
        return list(self.images)

    def encode(self, split: str, processor: Any, *, training: bool = False) -> Examples:
        """A split's rows; of ``train``, for training, those not set aside."""
        images = self.in_training if training else self.images[split]
        number = {label: at for at, label in enumerate(self.labels)}
        rows = Pictures(images, processor, number)
        return Examples(
            rows,
            [image.id for image in images],
            [image.label for image in images],
            shape=list(rows[0]["pixel_values"].shape),
        )


def new_processor(config: Any) -> Any:
    """What scales images for a model made of a configuration."""
    from transformers import ViTImageProcessor

    size = getattr(config, "image_size", None)
    if getattr(config, "num_channels", 3) != 3:
        raise failure.config(
            "params.model_config.num_channels", "must be 3: images enter as red, green and blue"
        )
    if size is None:
        size = 224
    height, width = (size, size) if isinstance(size, int) else size
    return ViTImageProcessor(size={"height": height, "width": width})


def opened_processor(where: str | Path, **how: Any) -> Any:
    """What scales images for a model in a folder or on the hub."""
    from transformers import AutoImageProcessor

    from mlhub_huggingface.models import opened

    return opened(AutoImageProcessor.from_pretrained, str(where), **how)
