"""Real models on real rows: taken, evaluated, served and refused."""

from __future__ import annotations

import base64
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory, interpreter

ADAPTER = Path(__file__).resolve().parent.parent
SMOKE = ADAPTER / "smoke.csv"
IRIS = SMOKE.read_text(encoding="utf-8")
PENGUINS = (ADAPTER.parent / "xgboost" / "smoke.csv").read_text(encoding="utf-8")
SPECIES = ["setosa", "versicolor", "virginica"]
SETOSA = {
    "sepal_length_cm": 5.1,
    "sepal_width_cm": 3.5,
    "petal_length_cm": 1.4,
    "petal_width_cm": 0.2,
}


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("make_models.py")
    subprocess.run([interpreter(), str(script), str(folder), str(SMOKE)], check=True)
    return folder


def taken(
    folder: Path,
    model: Path | str,
    *,
    text: str = IRIS,
    target: str | None = "species",
    task: str | None = "multiclass",
    **params: Any,
) -> RunDirectory:
    command = [interpreter(), str(ADAPTER / "train.py")]
    params = {"model": str(model), **params}
    return RunDirectory(folder, command, params=params, text=text, target=target, task=task)


def test_a_pipeline_of_scikit_learn_is_evaluated_and_served(tmp_path: Path) -> None:
    run = taken(tmp_path, "{adapter}/smoke.onnx").succeed()
    assert run.accuracy() >= 0.95
    (entry,) = run.told("entry")
    assert entry["provider"] == "CPUExecutionProvider"
    assert entry["inputs"]["X"] == {"shape": [None, 4], "dtype": "tensor(float)"}
    assert entry["opsets"]["ai.onnx"] >= 9
    assert entry["splits"]["test"]["X"]["shape"] == [30, 4]
    ((_, metrics),) = run.metrics()
    assert metrics["model/size_bytes"] == (ADAPTER / "smoke.onnx").stat().st_size
    assert metrics["time/latency_ms/test"] > 0
    again = taken(tmp_path / "again", "{adapter}/smoke.onnx").succeed()
    assert again.predictions() == run.predictions()
    with run.serve() as conversation:
        (answer,) = conversation.predict([SETOSA])
        assert answer["label"] == "setosa"
        assert list(answer["scores"]) == SPECIES
        assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)
        with pytest.raises(RequestError) as wrong:
            conversation.predict([SETOSA, {**SETOSA, "petal_width_cm": "wide"}])
        assert wrong.value.field == "inputs.1.petal_width_cm"
        assert conversation.predict([SETOSA]) == [answer]


def test_served_answers_are_those_of_the_predictions_file(tmp_path: Path, models: Path) -> None:
    # Logits, and a model that takes just four rows at a time: neither shows.
    run = taken(tmp_path, models / "logits-of-four-rows.onnx", labels=SPECIES).succeed()
    assert run.accuracy() >= 0.75
    rows = IRIS.splitlines()[1::5]
    inputs = [dict(zip(SETOSA, map(float, row.split(",")[:4]), strict=True)) for row in rows]
    written = run.predictions()[1:]
    assert len(written) == 30
    with run.serve() as conversation:
        answers = conversation.predict(inputs)
    for row, answer in zip(written, answers, strict=True):
        assert row[2] == answer["label"]
        assert list(map(float, row[3:])) == list(answer["scores"].values())


def test_values_are_evaluated(tmp_path: Path, models: Path) -> None:
    run = taken(
        tmp_path,
        models / "petal-width.onnx",
        target="petal_width_cm",
        task="regression",
        exclude=["species"],
    ).succeed()
    errors = [abs(float(row[1]) - float(row[2])) for row in run.predictions()[1:]]
    assert sum(errors) / len(errors) < 0.2
    with run.serve() as conversation:
        row = {name: value for name, value in SETOSA.items() if name != "petal_width_cm"}
        (answer,) = conversation.predict([row])
        assert answer["value"] == pytest.approx(0.2, abs=0.2)


def test_columns_with_text_have_an_input_each(tmp_path: Path, models: Path) -> None:
    lines = PENGUINS.splitlines()
    text = "\n".join([lines[0], *(f"{row.rsplit(',', 1)[0]},{_gentoo(row)}" for row in lines[1:])])
    run = taken(tmp_path, models / "columns.onnx", text=text, task="binary").succeed()
    assert run.accuracy() >= 0.85
    with run.serve() as conversation:
        heavy, light = conversation.predict(
            [
                {"island": "Biscoe", "body_mass_g": 5400},
                {"island": "Dream", "body_mass_g": 3200},
            ]
        )
        assert (heavy["label"], light["label"]) == ("Gentoo", "other")
        with pytest.raises(RequestError) as wrong:
            conversation.predict([{"island": 5, "body_mass_g": 5400}])
        assert wrong.value.field == "inputs.0.island"


def _gentoo(row: str) -> str:
    return "Gentoo" if row.endswith(",Gentoo") else "other"


def test_images_are_evaluated_and_served(tmp_path: Path, models: Path) -> None:
    colours = {"red": (220, 20, 20), "green": (10, 200, 30), "blue": (30, 30, 240)}
    for split in ("train", "test"):
        for name, colour in colours.items():
            path = tmp_path / split / name / "a.png"
            path.parent.mkdir(parents=True)
            path.write_bytes(png(colour, 9, 5))
    run = taken(
        tmp_path / "run", models / "mean-colour.onnx", labels=list(colours), image_size=[8, 6]
    )
    splits = {
        split: {"path": str(tmp_path / split), "rows": 3, "fingerprint": split}
        for split in ("train", "test")
    }
    run.file["dataset"] |= {"format": "image_folder", "splits": splits, "target": None}
    assert run.succeed().accuracy() == 1
    with run.serve() as conversation:
        content = base64.b64encode(png(colours["blue"], 20, 30)).decode()
        image = {"base64": content, "media_type": "image/png"}
        assert conversation.predict([image])[0]["label"] == "blue"
        with pytest.raises(RequestError) as wrong:
            conversation.predict([image, {**image, "base64": content[:24]}])
        assert wrong.value.field == "inputs.1.base64"


def png(colour: tuple[int, int, int], width: int, height: int) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_model_without_dataset_takes_vectors(tmp_path: Path) -> None:
    run = taken(tmp_path, "{adapter}/smoke.onnx", text="", target=None, task=None).succeed()
    with run.serve() as conversation:
        assert conversation.predict([list(SETOSA.values())])[0]["label"] == "setosa"
        with pytest.raises(RequestError) as wrong:
            conversation.predict([[1.0, 2.0]])
        assert wrong.value.field == "inputs.0"


@pytest.mark.parametrize(
    ("params", "code", "field", "part"),
    [
        ({"model": "nowhere.onnx"}, 64, "params.model", "No such file"),
        ({"model": str(SMOKE)}, 64, "params.model", "no valid ONNX model"),
        ({"exclude": ["petal_width_cm"]}, 64, "params.model", "takes 4 numbers"),
        ({"labels": ["a", "b"]}, 64, "params.labels", "2 classes"),
        ({"output": "probability"}, 64, "params.output", "output_probability"),
        ({"labels": ["Setosa", "versicolor", "virginica"]}, 65, "dataset.target", "row 0"),
        ({"modle": "x"}, 64, "params.modle", "model"),
    ],
)
def test_refusals_name_the_field(
    tmp_path: Path, params: dict[str, Any], code: int, field: str, part: str
) -> None:
    run = taken(tmp_path, "{adapter}/smoke.onnx")
    run.file["params"] |= params
    if field == "params.labels" or field == "dataset.target":
        # A tensor of scores has no names of its own that the labels would contradict.
        run.file["params"]["model"] = str(_tensor_scores(tmp_path))
    found = run.refusal()
    assert found[:2] == (code, field)
    assert part in found[2]


def _tensor_scores(folder: Path) -> Path:
    script = Path(__file__).with_name("make_models.py")
    subprocess.run([interpreter(), str(script), str(folder), str(SMOKE)], check=True)
    return folder / "logits-of-four-rows.onnx"


def test_a_cell_that_is_no_number_is_refused(tmp_path: Path) -> None:
    lines = IRIS.splitlines()
    lines[1] = "wide" + lines[1][3:]
    run = taken(tmp_path, "{adapter}/smoke.onnx", text="\n".join(lines))
    code, field, message = run.refusal()
    assert (code, field) == (65, "dataset.splits.test")
    assert "sepal_length_cm" in message
    assert "wide" not in message
