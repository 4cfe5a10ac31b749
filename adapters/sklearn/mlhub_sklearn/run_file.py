"""Reads ``run.json`` and checks the params without importing anything heavy."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlhub_sklearn import failure

RUN_DIR_VERSION = 1
"""The greatest version of the run directory this adapter reads."""

DEFAULT_EPOCHS = 50
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Params:
    """The adapter's params; defaults are those of ``schema.json``."""

    estimator: str
    arguments: dict[str, Any]
    preprocess: str = "none"
    exclude: tuple[str, ...] = ()
    training: str = "auto"
    epochs: int | None = None
    stages: int = 20
    validation_fraction: float = 0.0
    checkpoint_every: int = 5

    def identity(self, *, grows: str | None) -> dict[str, Any]:
        """What must not change on resuming; ``grows`` may, it only says how far."""
        arguments = {name: value for name, value in self.arguments.items() if name != grows}
        return {
            "estimator": self.estimator,
            "arguments": arguments,
            "preprocess": self.preprocess,
            "exclude": list(self.exclude),
            "training": self.training,
            "validation_fraction": self.validation_fraction,
        }


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The dataset to read: files and row counts by split."""

    format: str
    target: str
    id: str | None
    paths: dict[str, Path]
    fingerprints: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is to be done."""

    seed: int
    task: str | None
    params: Params
    dataset: Dataset
    predict_splits: list[str]
    checkpoint: Path | None


def read(run_dir: Path) -> Run:
    """Reads and checks ``run.json``."""
    try:
        run = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise failure.config("run.json", f"is not JSON ({place})") from None
    if run.get("version", 0) > RUN_DIR_VERSION:
        raise failure.config(
            "version",
            f"the run directory has version {run['version']}; "
            f"this adapter reads up to {RUN_DIR_VERSION}",
        )
    params = _params(run.get("params", {}))
    resume = run.get("resume")
    return Run(
        seed=run["seed"],
        task=_task(run.get("task")),
        params=params,
        dataset=_dataset(run.get("dataset")),
        predict_splits=run.get("predict_splits", []),
        checkpoint=Path(resume["checkpoint"]) if resume else None,
    )


def _task(task: str | None) -> str | None:
    if task not in (None, "binary", "multiclass", "regression"):
        raise failure.config(
            "task", f"{task} is not supported; binary, multiclass and regression are"
        )
    return task


def _dataset(dataset: Mapping[str, Any] | None) -> Dataset:
    if dataset is None:
        raise failure.config("dataset", "this adapter needs a dataset")
    if not dataset.get("target"):
        raise failure.config("dataset.target", "name the column or array to predict")
    splits = dataset["splits"]
    return Dataset(
        format=dataset["format"],
        target=dataset["target"],
        id=dataset.get("id"),
        paths={name: Path(split["path"]) for name, split in splits.items()},
        fingerprints={name: split.get("fingerprint", "") for name, split in splits.items()},
    )


def _is_count(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_fraction(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value <= 0.5


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "estimator": (
        lambda value: isinstance(value, str) and _PATH.fullmatch(value) is not None,
        "must be an import path such as sklearn.linear_model.LogisticRegression",
    ),
    "arguments": (lambda value: isinstance(value, dict), "must be a mapping of arguments"),
    "preprocess": (
        lambda value: value in ("none", "standardize", "minmax"),
        "must be none, standardize or minmax",
    ),
    "exclude": (_is_names, "must be a list of column names"),
    "training": (
        lambda value: value in ("auto", "whole", "epochs", "stages"),
        "must be auto, whole, epochs or stages",
    ),
    "epochs": (
        lambda value: value is None or _is_count(value, 1, 100_000),
        "must be a whole number from 1 to 100000, or null",
    ),
    "stages": (
        lambda value: _is_count(value, 1, 10_000),
        "must be a whole number from 1 to 10000",
    ),
    "validation_fraction": (_is_fraction, "must be a number from 0 to 0.5"),
    "checkpoint_every": (
        lambda value: _is_count(value, 0, 100_000),
        "must be a whole number from 0 to 100000",
    ),
}


def _params(given: Mapping[str, Any]) -> Params:
    for name, value in given.items():
        if name not in _CHECKS:
            raise failure.unknown(f"params.{name}", name, _CHECKS, "a param of this adapter")
        is_valid, rule = _CHECKS[name]
        if not is_valid(value):
            raise failure.config(f"params.{name}", rule)
    if "estimator" not in given:
        raise failure.config("params.estimator", "is missing; it " + _CHECKS["estimator"][1])
    values = {"arguments": {}, **given}
    return Params(**{**values, "exclude": tuple(values.get("exclude", ()))})
