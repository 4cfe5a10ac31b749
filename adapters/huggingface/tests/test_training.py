"""The five problems learn, give the same bits for the same seed, and answer single inputs."""

from __future__ import annotations

import base64
import json
import math

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory

import support
from nursery import Nursery


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
    assert train["shape"] == [128, 32]
    assert (train["dtype"], entry["device"], entry["n_classes"]) == ("int64", "cpu", 4)
    assert sum(train["class_counts"]) == 128
    assert train["tokens"] > 128
    (pictures,) = trained["digits"].told("entry")
    assert pictures["splits"]["test"]["shape"] == [40, 3, 8, 8]
    said = "".join(map(json.dumps, run.events()))
    assert not [text for text, _ in support.docstrings() if text in said]


def test_tags_are_learned(trained: dict[str, RunDirectory]) -> None:
    metrics = trained["tagged"].metrics()[-1][1]
    # Words beyond max_length are wrong, which bounds it.
    assert 0.9 <= metrics["test/tag_accuracy"] < 1
    assert metrics["test/tag_f1"] >= 0.9
    rows = support.lines(trained["tagged"], "tags.jsonl")
    pairs = [
        pair for row in rows for pair in zip(row["prediction"], row["references"][0], strict=True)
    ]
    right = sum(told == truth for told, truth in pairs) / len(pairs)
    assert metrics["test/tag_accuracy"] == pytest.approx(right)


def test_language_models_learn_and_generate(trained: dict[str, RunDirectory]) -> None:
    run = trained["continued"]
    curve = [metrics["train/loss"] for _, metrics in run.metrics() if "train/loss" in metrics]
    last = run.metrics()[-1][1]
    assert curve[-1] < curve[0]
    # A model that knows nothing is as unsure as the vocabulary of 600 is large.
    assert last["test/perplexity"] < 250
    assert last["test/perplexity"] == pytest.approx(math.exp(last["test/loss"]))
    rows = support.lines(run, "generations.jsonl")
    assert len(rows) == 12, "generate_rows"
    assert set(rows[0]) == {"split", "id", "prediction", "references"}
    assert not run.told("predictions")


def test_texts_are_made_from_texts(trained: dict[str, RunDirectory]) -> None:
    modules = set(support_labels())
    for name, least in (("translated", 0.4), ("answered", 0.0)):
        run = trained[name]
        header, *rows = run.predictions()
        assert header == ["id", "y_true", "y_pred"]
        assert len(rows) == 40, "each row of the split"
        assert {row[1] for row in rows} == modules
        assert run.accuracy() >= least, "one of four by chance is 0.25"
        (told,) = run.told("predictions")
        assert told["task"] == "text"
        last = run.metrics()[-1][1]
        assert set(last) == {"test/loss", "test/perplexity"}, "the rest is the hub's"
    assert trained["translated"].metrics()[-1][1]["test/loss"] < 2


def test_images_are_learned(trained: dict[str, RunDirectory]) -> None:
    assert trained["digits"].accuracy() >= 0.9, "half by chance"


def test_lora_trains_few_weights_and_leaves_a_whole_model(
    trained: dict[str, RunDirectory],
) -> None:
    run = trained["lora"]
    whole = support.artifact(run, "model/model.safetensors").stat().st_size
    (adapter,) = [
        run.dir / told["path"] for told in run.told("artifact") if "adapter_model" in told["path"]
    ]
    assert adapter.parent.name == "lora"
    assert adapter.stat().st_size < whole / 3
    losses = [metrics["train/loss"] for _, metrics in run.metrics() if "train/loss" in metrics]
    assert len(losses) == 3, "after 3, 6 and the last 8 steps"
    assert all(map(math.isfinite, losses))


def test_it_ends_early_with_the_best_weights(trained: dict[str, RunDirectory]) -> None:
    run = trained["early"]
    told = [
        (step, said["validation/loss"]) for step, said in run.metrics() if "validation/loss" in said
    ]
    losses = [loss for _, loss in told]
    assert losses.index(min(losses)) == len(losses) - 3
    assert told[-1][0] < 30 * 7, "steps of all epochs"


def test_models_answer_as_they_predicted(
    trained: dict[str, RunDirectory], nursery: Nursery
) -> None:
    text = support.docstrings()[0][0]
    image = sorted((trained["digits"].folder / "test").rglob("*.png"))[0]
    content = base64.b64encode(image.read_bytes()).decode()
    picture = {"base64": content, "media_type": "image/png"}
    for name, asked in (("digits", picture), ("lora", text)):
        (found,) = nursery.answer(trained[name], [asked], {})
        _, _, label, *scores = trained[name].predictions()[1]
        assert found["label"] == label
        said = list(found["scores"].values())
        assert said == pytest.approx(list(map(float, scores)), abs=1e-5)
    for name in ("translated", "answered"):
        (found,) = nursery.answer(trained[name], [text], {})
        assert found["text"] == trained[name].predictions()[1][2]


def test_tokens_and_texts_are_answered(trained: dict[str, RunDirectory], nursery: Nursery) -> None:
    said, nothing = nursery.answer(trained["tagged"], ["Return  the Number", ""], {})
    assert nothing == {"tokens": []}
    tokens = said["tokens"]
    assert [token["text"] for token in tokens] == ["Return", "the", "Number"]
    assert (tokens[1]["start"], tokens[1]["end"]) == (8, 11)
    assert [token["label"] for token in tokens] == ["CAPITAL", "O", "CAPITAL"]
    options = {"max_new_tokens": 3, "temperature": 0.7}
    (found,) = nursery.answer(trained["continued"], ["Return the"], options)
    assert isinstance(found["text"], str)


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
