"""The five problems learn, give the same bits for the same seed, and answer single inputs."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory
from sklearn.datasets import load_digits

import support


def digits(folder: Path, **params: Any) -> RunDirectory:
    """scikit-learn's digits as PNG files, the first four kinds."""
    given = {**support.PARAMS, "problem": "image_classification", "model_config": support.VIT}
    run = RunDirectory(folder, support.COMMAND, params={**given, **params}, task="multiclass")
    images, labels = load_digits(n_class=4, return_X_y=True)
    splits = {}
    for split, chosen in (("train", range(240)), ("test", range(240, 320))):
        place = folder / split
        for at in chosen:
            path = place / f"digit-{labels[at]}" / f"{at:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = [
                [min(int(cell) * 16, 255) for cell in row] for row in images[at].reshape(8, 8)
            ]
            path.write_bytes(support.png(pixels))
        splits[split] = {"path": str(place), "rows": len(chosen), "fingerprint": f"{split}-1"}
    run.file["dataset"] = {
        "name": "digits", "version": 1, "fingerprint": "f", "format": "image_folder",
        "target": None, "splits": splits,
    }  # fmt: skip
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """A run of each problem; in one process, which imports the libraries once."""
    folder = tmp_path_factory.mktemp("runs")
    fitted = {"learning_rate": 0.01}
    runs = {
        "texts": support.texts(folder / "texts", epochs=6, validation_fraction=0.1),
        "again": support.texts(folder / "again", epochs=6, validation_fraction=0.1),
        "tagged": support.tagged(folder / "tagged", epochs=5, **fitted),
        "continued": support.continued(folder / "continued", epochs=2, **fitted),
        "translated": support.translated(
            folder / "translated", epochs=4, **fitted, generate_rows=20
        ),
        "digits": digits(folder / "digits", epochs=6),
        "lora": support.texts(
            folder / "lora", max_steps=12, lora={"rank": 4, "target_modules": ["q_lin", "v_lin"]}
        ),
        "early": support.texts(
            folder / "early", epochs=30, learning_rate=0.02, validation_fraction=0.3,
            evaluate_every=4, early_stopping_patience=2,
        ),
    }  # fmt: skip
    assert support.together(list(runs.values())) == [0] * len(runs)
    return runs


def test_classes_of_texts_are_learned(trained: dict[str, RunDirectory]) -> None:
    run = trained["texts"]
    assert run.accuracy() >= 0.5, "one of four classes by chance is 0.25"
    header, *rows = run.predictions()
    assert header[3:] == [f"y_score_{name}" for name in support_labels()]
    assert len(rows) == 40
    for row in rows:
        assert sum(map(float, row[3:])) == pytest.approx(1)
    curve = [metrics["train/loss"] for _, metrics in run.metrics() if "train/loss" in metrics]
    assert curve[-1] < 0.8 * curve[0]
    last = run.metrics()[-1][1]
    assert {"validation/loss", "validation/accuracy", "train/learning_rate"} <= last.keys()
    assert last["train/gradient_norm"] > 0


def support_labels() -> list[str]:
    """The modules of the smoke dataset."""
    return sorted({module for _, module in support.docstrings()})


def test_the_entry_has_sizes_and_no_text(trained: dict[str, RunDirectory]) -> None:
    run = trained["texts"]
    (entry,) = run.told("entry")
    train = entry["splits"]["train"]
    assert train["shape"] == [144, 32]
    assert (train["dtype"], entry["device"], entry["n_classes"]) == ("int64", "cpu", 4)
    assert sum(train["class_counts"]) == 144
    assert train["tokens"] > 144
    (pictures,) = trained["digits"].told("entry")
    assert pictures["splits"]["test"]["shape"] == [80, 3, 8, 8]
    said = "".join(map(json.dumps, run.events()))
    assert not [text for text, _ in support.docstrings() if text in said]


def test_the_same_seed_gives_the_same_bits(trained: dict[str, RunDirectory]) -> None:
    one, other = trained["texts"], trained["again"]
    assert one.metrics() == other.metrics()
    assert one.predictions() == other.predictions()
    weights = "model/model.safetensors"
    assert (
        support.artifact(one, weights).read_bytes() == support.artifact(other, weights).read_bytes()
    )


def test_tags_are_learned(trained: dict[str, RunDirectory]) -> None:
    metrics = trained["tagged"].metrics()[-1][1]
    # Words beyond max_length are wrong, which bounds it.
    assert metrics["test/token_accuracy"] >= 0.8
    assert metrics["test/token_f1"] >= 0.5
    lines = support.artifact(trained["tagged"], "tags.jsonl").read_text("utf-8").splitlines()
    row = json.loads(lines[0])
    assert len(row["prediction"]) == len(row["references"][0])


def test_language_models_learn_and_generate(trained: dict[str, RunDirectory]) -> None:
    run = trained["continued"]
    curve = [metrics["train/loss"] for _, metrics in run.metrics() if "train/loss" in metrics]
    last = run.metrics()[-1][1]
    assert curve[-1] < curve[0]
    # A model that knows nothing is as unsure as the vocabulary is large.
    assert last["test/perplexity"] < 300
    assert last["test/perplexity"] == pytest.approx(math.exp(last["test/loss"]))
    lines = support.artifact(run, "generations.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 40
    assert set(json.loads(lines[0])) == {"split", "id", "prediction", "references"}


def test_texts_are_made_from_texts(trained: dict[str, RunDirectory]) -> None:
    run = trained["translated"]
    last = run.metrics()[-1][1]
    rows = [
        json.loads(line)
        for line in support.artifact(run, "generations.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(rows) == 20
    right = sum(row["prediction"] == row["references"][0] for row in rows) / len(rows)
    assert last["test/exact_match"] == pytest.approx(right)
    assert last["test/exact_match"] <= last["test/token_f1"]
    assert last["test/loss"] < 3


def test_images_are_learned(trained: dict[str, RunDirectory]) -> None:
    assert trained["digits"].accuracy() >= 0.8


def test_lora_trains_few_weights_and_leaves_a_whole_model(
    trained: dict[str, RunDirectory],
) -> None:
    run = trained["lora"]
    assert support.artifact(run, "model/model.safetensors").stat().st_size > 50_000
    adapter = [told["path"] for told in run.told("artifact") if "/lora/" in told["path"]]
    assert any("adapter_model" in path for path in adapter)
    losses = [metrics["train/loss"] for _, metrics in run.metrics()]
    assert all(map(math.isfinite, losses))


def test_it_ends_early_with_the_best_weights(trained: dict[str, RunDirectory]) -> None:
    run = trained["early"]
    told = [
        (step, said["validation/loss"]) for step, said in run.metrics() if "validation/loss" in said
    ]
    losses = [loss for _, loss in told]
    assert losses.index(min(losses)) == len(losses) - 3
    assert told[-1][0] < 30 * 7


def test_models_answer_as_they_predicted(trained: dict[str, RunDirectory]) -> None:
    names = ("digits", "lora", "tagged", "continued", "translated")
    path = sorted((trained["digits"].folder / "test").rglob("*.png"))[0]
    image = {
        "base64": base64.b64encode(path.read_bytes()).decode(),
        "media_type": "image/png",
    }
    text = support.docstrings()[0][0]
    asked: list[tuple[RunDirectory, list[Any], dict[str, Any]]] = [
        (trained["digits"], [image], {}),
        (trained["lora"], [text], {}),
        (trained["tagged"], ["Return  the Number", ""], {}),
        (trained["continued"], ["Return the"], {"max_new_tokens": 3, "temperature": 0.7}),
        (trained["translated"], [text], {}),
    ]
    found = dict(zip(names, support.answers(asked), strict=True))
    predicted = trained["digits"].predictions()[1]
    assert found["digits"][0]["label"] == predicted[2]
    scores = list(found["lora"][0]["scores"].values())
    assert scores == pytest.approx(list(map(float, trained["lora"].predictions()[1][3:])), abs=1e-5)
    tokens = found["tagged"][0]["tokens"]
    assert [token["text"] for token in tokens] == ["Return", "the", "Number"]
    assert (tokens[1]["start"], tokens[1]["end"]) == (8, 11)
    assert {token["label"] for token in tokens} <= {"CAPITAL", "O"}
    assert found["tagged"][1] == {"tokens": []}
    assert isinstance(found["continued"][0]["text"], str)
    rows = support.artifact(trained["translated"], "generations.jsonl").read_text("utf-8")
    assert found["translated"][0]["text"] == json.loads(rows.splitlines()[0])["prediction"]


def test_it_serves_the_model(trained: dict[str, RunDirectory]) -> None:
    run = trained["texts"]
    rows = [text for text, _ in support.docstrings()][::5][:3]
    with run.serve() as served:
        answers = served.predict(rows)
        with pytest.raises(RequestError) as refused:
            served.predict(["a text", 3])
        with pytest.raises(RequestError) as unknown:
            served.predict(["a text"], {"beams": 2})
    assert (refused.value.code, refused.value.field) == ("invalid", "inputs.1")
    assert unknown.value.field == "options.beams"
    for answer, row in zip(answers, run.predictions()[1:], strict=False):
        assert answer["label"] == row[2]
        assert list(answer["scores"].values()) == pytest.approx(list(map(float, row[3:])), abs=1e-5)
