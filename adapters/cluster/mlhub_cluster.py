"""The ``cluster`` adapter: clusterers and outlier detectors with scikit-learn's interface.

Two steps: the fit, with a checkpoint, and what is made of it. A target is only looked at
after the fit, to say how well groups or scores agree with it.
"""

from __future__ import annotations

import csv
import io
import math
import pickle
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, Served, failure, serving
from mlhub_adapter.table import class_order, label, to_float

from mlhub_cluster_model import Fitted, fit

if TYPE_CHECKING:
    from mlhub_adapter import Model

FIT, MEASURES = 1, 2
"""The steps."""

TASKS = (None, "binary", "multiclass")
MODEL = "model.pkl"


class Cluster(Adapter):
    """Groups rows, or finds those that are unlike the others."""

    def train(self, run: Run) -> None:
        """Fits, or goes on from a checkpoint; measures; leaves the model."""
        from importlib.metadata import version

        if run.task not in TASKS:
            run.refuse("task", f"{run.task} is not supported; binary and multiclass are")
        checkpoint = run.resume(scikit_learn=version("scikit-learn"))
        splits = _Splits(run)
        run.entry({split: splits.features[split] for split in splits.features})
        fitted: Fitted | None = checkpoint.unpickle() if checkpoint else None
        for step in run.steps(MEASURES, after=checkpoint):
            if step == FIT:
                fitted = fit(run, splits.features["train"])
                run.log(fitted.told(), step=step)
                run.checkpoint(pickle.dumps(fitted), step=step)
            elif fitted is not None:
                told = _measured(run, fitted, splits)
                run.log(told, step=step)
        if fitted is not None:
            _leave(run, fitted, splits.names)

    def load(self, model: Model) -> Served:
        """The fitted model, for groups and scores of single rows."""
        return _Served(model)


class _Splits:
    """Numbers by split, and labels where the dataset names a target."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.names: list[str] = []
        self.features: dict[str, Any] = {}
        self.labels: dict[str, list[str]] = {}
        self.ids: dict[str, list[str]] = {}
        for split in dict.fromkeys(["train", *run.predict_splits]):
            self._read(split)

    def _read(self, split: str) -> None:
        import numpy as np

        dataset, exclude = self.run.dataset, self.run.params["exclude"]
        cells = self.run.columns(split)
        for name in exclude:
            if name not in cells:
                self.run.refuse("params.exclude", f"the dataset has no column {name!r}")
        if not self.names:
            apart = {dataset.target, dataset.id, *exclude}
            self.names = [name for name in cells if name not in apart]
        if not self.names:
            self._refuse(split, "has no column left to learn from")
        for name in [*self.names, *([dataset.target] if dataset.target else [])]:
            if name not in cells:
                self._refuse(split, f"has no column {name!r}")
        columns = [self._numbers(cells[name], name, split) for name in self.names]
        self.features[split] = np.array(columns).T
        self.ids[split] = self.run.ids(cells)
        if dataset.target:
            self.labels[split] = [label(cell) for cell in cells[dataset.target]]
            if "" in self.labels[split]:
                self._refuse(split, f"has no target in row {self.labels[split].index('')}")

    def _numbers(self, cells: list[Any], name: str, split: str) -> list[float]:
        values = []
        for row, cell in enumerate(cells):
            value = to_float(cell)
            if value is None or not math.isfinite(value):
                advice = "encode it, or name the column in params.exclude"
                self._refuse(split, f"has no finite number in column {name!r}, row {row}; {advice}")
            else:
                values.append(value)
        return values

    def _refuse(self, split: str, message: str) -> None:
        field = f"dataset.splits.{split}"
        self.run.refuse(field, f"split {split} {message}", code=failure.DATASET)


def _measured(run: Run, fitted: Fitted, splits: _Splits) -> dict[str, float]:
    """Metrics of every split; writes groups or scores, and predictions where there is a target."""
    told: dict[str, float] = {}
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(
        ["split", "id", "score", "anomaly"] if fitted.detects else ["split", "id", "cluster"]
    )
    for split, features in splits.features.items():
        known = splits.labels.get(split)
        found = fitted.apply(features, training=split == "train")
        measures = fitted.measures(
            features, found, known, rows=run.params["silhouette_rows"], seed=run.small_seed
        )
        told |= {f"{split}/{name}": value for name, value in measures.items()}
        writer.writerows(
            [split, *row] for row in zip(splits.ids[split], *found.columns, strict=True)
        )
    run.artifact("assignments.csv", lines.getvalue())
    if not fitted.detects:
        counts = Counter(fitted.training_groups)
        run.table("cluster_sizes", ["cluster", "rows"], sorted(counts.items()))
        sizes = {f"cluster {group}": float(count) for group, count in counts.items()}
        run.bar_plot("cluster_sizes", sizes, title="Training rows by cluster")
    if splits.labels:
        _predict(run, fitted, splits)
    return told


def _predict(run: Run, fitted: Fitted, splits: _Splits) -> None:
    """What the groups or scores would answer where the labels were asked for."""
    labels = class_order(splits.labels["train"], run.task)
    index = {name: at for at, name in enumerate(labels)}
    if fitted.detects and len(labels) != 2:
        run.refuse("dataset.target", "outliers are told from the others: two labels", code=65)
    anomalous = run.params["anomaly_label"] or labels[-1]
    if anomalous not in labels:
        run.refuse("params.anomaly_label", "the training split has no such label")
    shares = None if fitted.detects else _shares(fitted, splits.labels["train"], labels)
    for split in run.predict_splits:
        for row, name in enumerate(splits.labels[split]):
            if name not in index:
                message = f"split {split} has in row {row} a label the training split does not have"
                run.refuse("dataset.target", message, code=failure.DATASET)
        found = fitted.apply(splits.features[split], training=split == "train")
        if shares is None:
            scores = [
                [score, 1 - score] if anomalous == labels[0] else [1 - score, score]
                for score in found.scores
            ]
        else:
            scores = [shares[group] for group in found.groups]
        run.predictions(
            split,
            ids=splits.ids[split],
            y_true=splits.labels[split],
            y_score=scores,
            labels=labels,
            task=run.task or ("binary" if len(labels) == 2 else "multiclass"),
        )


def _shares(fitted: Fitted, known: list[str], labels: list[str]) -> dict[int, list[float]]:
    """Shares of the labels among the training rows of each group; of all for an empty one."""
    pairs = Counter(zip(fitted.training_groups, known, strict=True))
    whole = [known.count(name) / len(known) for name in labels]
    shares = {group: whole for group in range(-1, max(fitted.training_groups) + 1)}
    for group, size in Counter(fitted.training_groups).items():
        shares[group] = [pairs[group, name] / size for name in labels]
    return shares


def _leave(run: Run, fitted: Fitted, names: list[str]) -> None:
    run.artifact(MODEL, pickle.dumps(fitted), kind="model")
    columns = [{"name": name, "type": "number"} for name in names]
    run.model(
        input={"kind": "table", "columns": columns},
        output={"kind": "anomaly" if fitted.detects else "cluster"},
    )


class _Served(Served):
    def __init__(self, model: Model) -> None:
        self.model = model
        # Written by this adapter, in a run that the hub keeps.
        self.fitted: Fitted = pickle.loads(model.file(MODEL).read_bytes())

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """The group, or the score, of each row."""
        serving.check_options(options)
        found = self.fitted.apply(serving.table(self.model.input, inputs).features)
        if self.fitted.detects:
            pairs = zip(found.flags, found.scores, strict=True)
            return [{"anomaly": flag, "score": score} for flag, score in pairs]
        return [{"label": str(group)} for group in found.groups]
