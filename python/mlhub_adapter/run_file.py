"""Reads ``run.json`` without importing anything heavy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlhub_adapter import failure

RUN_DIR_VERSION = 1
"""The greatest version of the run directory this package reads."""


@dataclass(frozen=True)
class Split:
    """One part of the dataset."""

    path: Path
    rows: int | None
    fingerprint: str


@dataclass(frozen=True)
class Dataset:
    """The dataset to read."""

    name: str
    fingerprint: str
    format: str
    target: str | None
    id: str | None
    splits: dict[str, Split]

    def split(self, name: str) -> Split:
        """A split by name; refuses one that is not there."""
        found = self.splits.get(name)
        if found is None:
            known = ", ".join(sorted(self.splits))
            raise failure.dataset(
                f"dataset.splits.{name}", f"there is no split {name}; there are: {known}"
            )
        return found


@dataclass(frozen=True)
class Resources:
    """What the program may use; None and 0 stand for no bound and no GPU."""

    cpus: float | None
    memory_bytes: int | None
    gpus: int


@dataclass(frozen=True)
class ResumePoint:
    """Where to go on."""

    step: int
    path: Path


@dataclass(frozen=True)
class RunFile:
    """What is to be done, as ``run.json`` says it."""

    id: str
    name: str
    attempt: int
    seed: int
    smoke: bool
    params: dict[str, Any]
    task: str | None
    dataset: Dataset | None
    predict_splits: list[str]
    resume: ResumePoint | None
    resources: Resources
    model_path: Path | None = None
    """The folder of a trained model's files, for programs that serve or export it."""
    export_format: str | None = None
    """The format to export to."""


def read(run_dir: Path) -> RunFile:
    """Reads and checks ``run.json``; the params are not looked at."""
    try:
        run = json.loads((run_dir / "run.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise failure.config("run.json", f"cannot be read: {error.strerror}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise failure.config("run.json", f"is not JSON ({place})") from None
    version = run.get("version", 0)
    if version > RUN_DIR_VERSION:
        raise failure.unsupported(
            "version",
            f"the run directory has version {version}; "
            f"this adapter reads up to {RUN_DIR_VERSION}; use a newer version of the adapter",
        )
    identity, resume = run.get("run", {}), run.get("resume")
    resources = run.get("resources") or {}
    model = (run.get("model") or {}).get("path")
    return RunFile(
        id=identity.get("id", ""),
        name=identity.get("name", ""),
        attempt=run.get("attempt", 1),
        seed=run["seed"],
        smoke=bool(run.get("smoke")),
        params=run.get("params", {}),
        task=run.get("task"),
        dataset=_dataset(run.get("dataset")),
        predict_splits=run.get("predict_splits", []),
        resume=ResumePoint(resume["step"], Path(resume["checkpoint"])) if resume else None,
        resources=Resources(
            resources.get("cpus"), resources.get("memory_bytes"), resources.get("gpus") or 0
        ),
        model_path=Path(model) if model else None,
        export_format=(run.get("export") or {}).get("format"),
    )


def _dataset(dataset: Mapping[str, Any] | None) -> Dataset | None:
    if dataset is None:
        return None
    return Dataset(
        name=dataset.get("name", ""),
        fingerprint=dataset.get("fingerprint", ""),
        format=dataset["format"],
        target=dataset.get("target"),
        id=dataset.get("id"),
        splits={
            name: Split(Path(split["path"]), split.get("rows"), split.get("fingerprint", ""))
            for name, split in dataset["splits"].items()
        },
    )
