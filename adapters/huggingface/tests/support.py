"""Runs of the adapter on real texts and images, with models small enough for tests."""

from __future__ import annotations

import csv
import io
import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import RunDirectory, interpreter
from sklearn.datasets import load_digits

FOLDER = Path(__file__).resolve().parent.parent
COMMAND = [interpreter(), str(FOLDER / "train.py")]
BERT = {
    "model_type": "distilbert",
    "dim": 32,
    "n_layers": 1,
    "n_heads": 2,
    "hidden_dim": 64,
    "max_position_embeddings": 64,
}
GPT2 = {
    "model_type": "gpt2",
    "n_embd": 32,
    "n_layer": 1,
    "n_head": 2,
    "n_positions": 64,
    "resid_pdrop": 0.0,
}
T5 = {
    "model_type": "t5",
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 64,
    "num_layers": 1,
    "num_heads": 2,
    "dropout_rate": 0.0,
}
VIT = {
    "model_type": "vit",
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 8,
    "patch_size": 2,
}
PARAMS = {
    "learning_rate": 0.005,
    "batch_size": 16,
    "max_length": 32,
    "max_target_length": 8,
    "max_new_tokens": 8,
    "vocabulary_size": 600,
}


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def docstrings() -> list[list[str]]:
    """Text and module of the smoke dataset."""
    with open(FOLDER / "smoke.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def texts(folder: Path, **params: Any) -> RunDirectory:
    """Which module a docstring is of."""
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    given = {**PARAMS, "model_config": BERT, **params}
    return RunDirectory(
        folder, COMMAND, params=given, text=text, target="module", task="multiclass"
    )


def tagged(folder: Path, **params: Any) -> RunDirectory:
    """Which words begin with a capital: JSON lists of tokens and tags."""
    rows = []
    for text, _ in docstrings():
        words = text.split()
        tags = ["CAPITAL" if word[0].isupper() else "O" for word in words]
        rows.append([json.dumps(words), json.dumps(tags)])
    given = {**PARAMS, "problem": "token_classification", "model_config": BERT, **params}
    return RunDirectory(
        folder, COMMAND, params=given, text=table(["tokens", "tags"], rows), target="tags"
    )


def continued(folder: Path, **params: Any) -> RunDirectory:
    """A language model of docstrings."""
    rows = [[text] for text, _ in docstrings()]
    given = {**PARAMS, "problem": "causal_lm", "model_config": GPT2, **params}
    return RunDirectory(folder, COMMAND, params=given, text=table(["text"], rows))


def answered(folder: Path, **params: Any) -> RunDirectory:
    """The module is what follows a docstring."""
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    given = {**PARAMS, "problem": "causal_lm", "model_config": GPT2, **params}
    return RunDirectory(folder, COMMAND, params=given, text=text, target="module", task="text")


def translated(folder: Path, **params: Any) -> RunDirectory:
    """From a docstring its module, as a text."""
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    given = {**PARAMS, "problem": "seq2seq", "model_config": T5, **params}
    return RunDirectory(folder, COMMAND, params=given, text=text, target="module", task="text")


def digits(folder: Path, **params: Any) -> RunDirectory:
    """scikit-learn's digits as PNG files, noughts and ones."""
    given = {**PARAMS, "problem": "image_classification", "model_config": VIT}
    run = RunDirectory(folder, COMMAND, params={**given, **params}, task="multiclass")
    images, labels = load_digits(n_class=2, return_X_y=True)
    splits = {}
    for split, chosen in (("train", range(80)), ("test", range(80, 120))):
        place = folder / split
        for at in chosen:
            path = place / f"digit-{labels[at]}" / f"{at:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = [
                [min(int(cell) * 16, 255) for cell in row] for row in images[at].reshape(8, 8)
            ]
            path.write_bytes(png(pixels))
        splits[split] = {"path": str(place), "rows": len(chosen), "fingerprint": f"{split}-1"}
    run.file["dataset"] = {
        "name": "digits", "version": 1, "fingerprint": "f", "format": "image_folder",
        "target": None, "splits": splits,
    }  # fmt: skip
    return run


def go_on(run: RunDirectory, other: RunDirectory, step: int) -> RunDirectory:
    """The run, which is to go on from a checkpoint of another."""
    (saved,) = [told for told in other.told("checkpoint") if told["step"] == step]
    run.file["attempt"] = 2
    run.file["resume"] = {"step": step, "checkpoint": str(other.dir / saved["path"])}
    return run


def lines(run: RunDirectory, name: str) -> list[Any]:
    """Rows of a JSON Lines artifact."""
    return [json.loads(line) for line in artifact(run, name).read_text("utf-8").splitlines()]


def artifact(run: RunDirectory, name: str) -> Path:
    """A file that was told of."""
    assert f"artifacts/{name}" in [told["path"] for told in run.told("artifact")]
    return run.dir / "artifacts" / name


def png(rows: Sequence[Sequence[int]]) -> bytes:
    """Grey levels from 0 to 255 as a PNG, with the standard library only."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    size = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", size) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")
