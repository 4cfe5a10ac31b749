"""The runs that the tests look at: real texts and images, models small enough for tests.

They are made, not started.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlhub_adapter.testing import RunDirectory

import support

# Steps within an epoch, dropout, accumulation that does not divide the epoch (8
# batches by 3), and points of the curve that checkpoints fall between.
INTERRUPTED: dict[str, Any] = {
    "epochs": 8,
    "learning_rate": 0.02,
    "gradient_accumulation": 3,
    "checkpoint_every": 5,
    "log_every": 3,
    "validation_fraction": 0.2,
}
LORA: dict[str, Any] = {
    **INTERRUPTED,
    "max_steps": 8,
    "lora": {"rank": 4, "target_modules": ["q_lin", "v_lin"]},
    "early_stopping_patience": 50,
    "evaluate_every": 4,
}
EARLY: dict[str, Any] = {
    "epochs": 30,
    "learning_rate": 0.02,
    "validation_fraction": 0.3,
    "evaluate_every": 4,
    "early_stopping_patience": 2,
}
LEARNING: dict[str, Any] = {"learning_rate": 0.02}

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAMED = {"model_config": None, "model": "nobody/nothing"}


def own(**changes: Any) -> dict[str, Any]:
    """The small model's configuration, changed."""
    return {"model_config": {**support.BERT, **changes}}


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
    ({"lora": {"rank": 2, "target_modules": ["none"]}}, "params.lora.target_modules", "no layer"),
    ({"problem": "causal_lm"}, "params.problem", "say text"),
    ({"problem": "token_classification"}, "params.problem", "leave the task out"),
]
"""Params, the field that is blamed for them, and what is said."""


def finished(folder: Path) -> dict[str, RunDirectory]:
    """A run of each problem and more."""
    return {
        "texts": support.texts(folder / "texts", **INTERRUPTED),
        "lora": support.texts(folder / "lora", **LORA),
        "again": support.texts(folder / "again", **LORA),
        "early": support.texts(folder / "early", **EARLY),
        "tagged": support.tagged(folder / "tagged", epochs=3, max_length=64, **LEARNING),
        "continued": support.continued(
            folder / "continued", epochs=2, generate_rows=12, **LEARNING
        ),
        "answered": support.answered(folder / "answered", max_steps=4, **LEARNING),
        "translated": support.translated(folder / "translated", epochs=5, **LEARNING),
        "digits": support.digits(folder / "digits", epochs=4, batch_size=8),
    }


def unreadable(folder: Path) -> dict[str, RunDirectory]:
    """Runs with datasets and models that are refused."""
    ragged = support.tagged(folder / "ragged")
    path = Path(ragged.file["dataset"]["splits"]["train"]["path"])
    rows = path.read_text("utf-8").splitlines()
    rows[2] = '"[""secret"", ""word""]","[""O""]"'
    path.write_text("\n".join(rows) + "\n", "utf-8")
    alone = support.texts(folder / "alone")
    path = Path(alone.file["dataset"]["splits"]["train"]["path"])
    path.write_text("text,module\na,same\nb,same\n", "utf-8")
    images = support.texts(folder / "images", problem="image_classification")
    compared = support.continued(folder / "compared")
    compared.file["task"] = "text"
    place = folder / "pickled"
    place.mkdir()
    (place / "config.json").write_text(json.dumps({"model_type": "gpt2"}), "utf-8")
    (place / "pytorch_model.bin").write_bytes(b"never read")
    pickled = support.texts(folder / "model", model_config=None, model=str(place))
    return {
        "ragged": ragged,
        "alone": alone,
        "images": images,
        "pickled": pickled,
        "compared": compared,
    }
