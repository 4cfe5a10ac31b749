"""What is wrong is refused by its name, before anything is trained or fetched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import RunDirectory

import support

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def own(**changes: Any) -> dict[str, Any]:
    """The small model's configuration, changed."""
    return {"model_config": {**support.BERT, **changes}}


NAMED = {"model_config": None, "model": "nobody/nothing"}

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"learning_rat": 1}, "params.learning_rat", "did you mean learning_rate?"),
    ({"epochs": 0}, "params.epochs", "above 0"),
    ({"model_config": None}, "params.model", "model_config"),
    (NAMED, "params.revision", "commit"),
    ({**NAMED, "revision": "main"}, "params.revision", "matches"),
    ({**NAMED, "revision": COMMIT}, "params.model", "params.download"),
    (own(model_type="no-such"), "params.model_config.model_type", "no-such"),
    (own(dims=3), "params.model_config.dims", "did you mean dim?"),
    (own(vocab_size=3), "params.model_config.vocab_size", "vocabulary_size"),
    (own(n_heads=5), "params.model_config", "5"),
    ({"max_length": 100}, "params.max_length", "64 tokens"),
    ({"text": "colour"}, "params.text", "no column"),
    ({"text_pair": "colour"}, "params.text_pair", "no column"),
    ({"arguments": {"seed": 1}}, "params.arguments.seed", "seeds"),
    ({"arguments": {"report_to": ["wandb"]}}, "params.arguments.report_to", "hub records"),
    ({"arguments": {"save_steps": 1}}, "params.arguments.save_steps", "checkpoint_every"),
    ({"arguments": {"adam_beta": 1}}, "params.arguments.adam_beta", "did you mean adam_beta"),
    ({"arguments": {"optim": "no-such"}}, "params.arguments", "no-such"),
    ({"early_stopping_patience": 2}, "params.early_stopping_patience", "validation"),
    ({"validation_fraction": 0.999}, "params.validation_fraction", "no row to train"),
    ({"lora": {"rank": 2, "target_modules": ["none"]}}, "params.lora.target_modules", "none"),
    ({"problem": "causal_lm"}, "params.problem", "task"),
]


def test_wrong_params_are_refused_by_name(tmp_path: Path) -> None:
    runs = [
        support.texts(tmp_path / str(at), max_steps=1, **params)
        for at, (params, _, _) in enumerate(WRONG)
    ]
    codes = support.together(runs)
    for run, (_, field, part), code in zip(runs, WRONG, codes, strict=True):
        (error,) = run.told("error") or [{"field": None, "message": "nothing was refused"}]
        assert (code, error["field"]) == (64, field), error
        assert part in error["message"]
        assert len(error["message"].splitlines()) == 1


def test_wrong_datasets_and_pickled_models_are_refused(tmp_path: Path) -> None:
    ragged = support.tagged(tmp_path / "ragged")
    path = Path(ragged.file["dataset"]["splits"]["train"]["path"])
    rows = path.read_text("utf-8").splitlines()
    rows[2] = '"[""secret"", ""word""]","[""O""]"'
    path.write_text("\n".join(rows) + "\n", "utf-8")
    alone = support.texts(tmp_path / "alone")
    path = Path(alone.file["dataset"]["splits"]["train"]["path"])
    path.write_text("text,module\na,same\nb,same\n", "utf-8")
    images = support.texts(tmp_path / "images", problem="image_classification")
    folder = tmp_path / "pickled"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}), "utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    pickled = support.texts(tmp_path / "model", model_config=None, model=str(folder))
    runs = [ragged, alone, images, pickled]
    assert support.together(runs) == [65, 65, 65, 64]
    assert fields(runs) == [
        "dataset.splits.train", "dataset.target", "dataset.format", "params.model",
    ]  # fmt: skip
    assert "row 1" in ragged.told("error")[0]["message"]
    assert "secret" not in json.dumps(ragged.events())


def fields(runs: list[RunDirectory]) -> list[str]:
    """What each run was refused for."""
    return [run.told("error")[0]["field"] for run in runs]
