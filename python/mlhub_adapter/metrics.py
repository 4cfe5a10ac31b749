"""Metrics that an adapter defines, each as one function; the program of the command
``metrics``.

    from mlhub_adapter.metrics import serve

    def cost(y_true, y_pred, weight, params):
        wrong = (w for t, p, w in zip(y_true, y_pred, weight) if t != p)
        return params["per_error"] * sum(wrong) / sum(weight)

    if __name__ == "__main__":
        serve(cost)

It runs twice in a sandbox, without network and in an empty folder, and both runs must give
the same bits: nothing may depend on the time, on hash order or on where it runs.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NoReturn

from mlhub_adapter import events, failure, files

VERSION = 1
REQUEST = "metric.json"
VALUE = "value.json"
NAME_FIELD = "metric.name"

GIVEN = ("y_true", "y_pred", "y_score", "weight", "group", "ids", "labels", "task", "params")
"""What a function may name as parameters, in any order. ``y_score`` has one list per row;
``weight`` is 1.0 for every row where the predictions have none."""

Metric = Callable[..., float]


def serve(*metrics: Metric, arguments: Sequence[str] | None = None) -> NoReturn:
    """Computes the metric that the hub asks for and ends the process with the protocol's exit
    code. A function's name is its metric's; the argument is the run directory, else
    ``$MLHUB_RUN_DIR``."""
    sys.exit(execute(metrics, sys.argv[1:] if arguments is None else arguments))


def execute(metrics: Sequence[Metric], arguments: Sequence[str]) -> int:
    """As :func:`serve`; returns the exit code."""
    place = arguments[0] if arguments else os.environ.get("MLHUB_RUN_DIR")
    if len(arguments) > 1 or not place or not Path(place).is_dir():
        print("usage: PROGRAM [RUN_DIRECTORY], which must be there", file=sys.stderr)
        return failure.CONFIG
    run_dir = Path(place)
    try:
        value = _compute({of.__name__: of for of in metrics}, run_dir)
    except failure.Refused as refusal:
        print(f"error: {refusal.field}: {refusal.message}", file=sys.stderr)
        told = {"field": refusal.field, "message": refusal.message}
        events.EventWriter(run_dir).write(error=told)
        return refusal.code
    with files.whole_text(run_dir / VALUE) as file:
        json.dump({"version": VERSION, "value": events.number(value)}, file)
    return 0


def _compute(metrics: dict[str, Metric], run_dir: Path) -> float:
    request = _read(run_dir / REQUEST)
    name = str(request["metric"]["name"])
    if name not in metrics:
        near = failure.nearest(name, metrics)
        raise failure.unsupported(NAME_FIELD, f"{name} is not a metric of this program; {near}")
    given = _given(request)
    function = metrics[name]
    asked = inspect.signature(function).parameters
    for parameter in asked.values():
        known = parameter.name in given
        if not known and parameter.default is parameter.empty:
            near = failure.nearest(parameter.name, GIVEN)
            raise failure.config(
                NAME_FIELD, f"{name} asks for {parameter.name}, which is not given; {near}"
            )
        if known and given[parameter.name] is None and parameter.default is parameter.empty:
            raise failure.dataset(parameter.name, f"{name} needs it and the predictions have none")
    values = {of: given[of] for of in asked if given.get(of) is not None}
    return float(function(**values))


def _given(request: dict[str, Any]) -> dict[str, Any]:
    predictions = _read(Path(request["predictions"]["path"]))
    weight = predictions["weight"]
    return {
        "y_true": predictions["y_true"],
        "y_pred": predictions["y_pred"],
        "y_score": predictions["y_score"],
        "weight": [1.0] * len(predictions["id"]) if weight is None else weight,
        "group": predictions["group"],
        "ids": predictions["id"],
        "labels": predictions["labels"],
        "task": predictions["task"],
        "params": request["metric"]["params"],
    }


def _read(path: Path) -> dict[str, Any]:
    with open(path, encoding="utf-8") as file:
        found: dict[str, Any] = json.load(file)
    if found["version"] > VERSION:
        raise failure.unsupported(
            "version", f"{path.name} has version {found['version']}; a newer kit reads it"
        )
    return found
