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

from mlhub_adapter.testing import TIME_LIMIT_SECONDS, RunDirectory, interpreter

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

TOGETHER = """
import json, pathlib, sys
folder, kit, *runs = sys.argv[1:]
sys.path[:0] = [folder, kit]
from mlhub_adapter.adapter import execute
from mlhub_huggingface import HuggingFace
codes = [execute(HuggingFace(), ["train", run]) for run in runs]
print(json.dumps(codes))
"""

ANSWER = """
import json, pathlib, sys
folder, kit, *runs = sys.argv[1:]
sys.path[:0] = [folder, kit]
from mlhub_adapter import Model, schema
from mlhub_huggingface import HuggingFace
described = schema.read(pathlib.Path(folder) / "schema.json")
answers = []
for run in map(pathlib.Path, runs):
    asked = json.loads((run / "asked.json").read_text())
    said = json.loads((run / "run.json").read_text())
    about = json.loads((run / "artifacts" / "model.json").read_text())
    params = schema.complete(described, said["params"])
    model = Model(run / "artifacts", about, params, said["seed"], said["task"])
    served = HuggingFace().load(model)
    answers.append([served.predict(asked["inputs"], asked["options"]) for _ in range(2)])
print(json.dumps(answers))
"""
"""Loads models one after the other in one process, which imports the libraries once."""


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


def translated(folder: Path, **params: Any) -> RunDirectory:
    """From a docstring its module, as a text."""
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    given = {**PARAMS, "problem": "seq2seq", "model_config": T5, **params}
    return RunDirectory(folder, COMMAND, params=given, text=text, target="module")


def together(runs: Sequence[RunDirectory]) -> list[int]:
    """Trains in one process; returns the exit codes."""
    for run in runs:
        run.write()
    codes: list[int] = _said(TOGETHER, runs)
    return codes


def answers(asked: Sequence[tuple[RunDirectory, list[Any], dict[str, Any]]]) -> list[Any]:
    """By model: what it answers to inputs with options, asked twice."""
    for run, inputs, options in asked:
        request = {"inputs": inputs, "options": options}
        (run.dir / "asked.json").write_text(json.dumps(request), encoding="utf-8")
    found = _said(ANSWER, [run for run, _, _ in asked])
    for once, again in found:
        assert once == again
    return [once for once, _ in found]


def _said(script: str, runs: Sequence[RunDirectory]) -> Any:
    kit = str(Path(__file__).resolve().parents[3] / "python")
    program = runs[0].start(
        [interpreter(), "-c", script, str(FOLDER), kit], [str(run.dir) for run in runs]
    )
    said, problems = program.communicate(timeout=2 * TIME_LIMIT_SECONDS)
    assert program.returncode == 0, problems
    return json.loads(said.splitlines()[-1])


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
