"""Trains a softmax regression. Replace the model; what stays is how a run is read and told.

`mlhub_adapter` is there in every run that the hub starts. Import frameworks inside the
methods: a typo in the params then answers at once.
"""

from __future__ import annotations

import json
import math
import random

from mlhub_adapter import Adapter, Run, main


class Softmax(Adapter):
    """One linear score per class, trained example by example."""

    def train(self, run: Run) -> None:
        """Trains, or goes on from a checkpoint; then predicts."""
        data = run.tables()
        run.entry(data)
        scale = Scale(data.train.rows)
        rows, classes = scale(data.train.rows), data.numbers("train")
        # All that later epochs depend on is in the checkpoint.
        saved = run.resume(may_change=("epochs", "checkpoint_every"))
        if saved:
            weights = json.loads(saved.read())
        else:
            weights = [[0.0] * (len(data.train.names) + 1) for _ in data.classes]
        for epoch in run.steps(run.params["epochs"], after=saved):
            order = random.Random(f"{run.seed}/{epoch}").sample(range(len(rows)), len(rows))
            loss = train_epoch(weights, rows, classes, order, run.params["learning_rate"])
            run.log({"train/loss": loss}, step=epoch)
            if run.checkpoint_due(every=run.params["checkpoint_every"]):
                run.checkpoint(json.dumps(weights), step=epoch)
        for split, table in data.predict.items():
            scores = [probabilities(weights, row) for row in scale(table.rows)]
            run.predictions(
                split, ids=table.ids, y_true=table.target, y_score=scores, labels=data.classes
            )
        model = {"features": data.train.names, "classes": data.classes, "weights": weights}
        run.artifact("model.json", json.dumps(model), kind="model")


class Scale:
    """Shifts and stretches features as the training rows ask for."""

    def __init__(self, rows: list[tuple[float, ...]]) -> None:
        columns = list(zip(*rows))
        self.means = [math.fsum(column) / len(rows) for column in columns]
        self.spreads = [
            math.sqrt(math.fsum((value - mean) ** 2 for value in column) / len(rows)) or 1.0
            for column, mean in zip(columns, self.means)
        ]

    def __call__(self, rows: list[tuple[float, ...]]) -> list[list[float]]:
        """Scaled rows with a constant at the end."""
        return [
            [(value - mean) / spread for value, mean, spread in zip(row, self.means, self.spreads)]
            + [1.0]
            for row in rows
        ]


def probabilities(weights: list[list[float]], row: list[float]) -> list[float]:
    """One per class."""
    raw = [sum(weight * value for weight, value in zip(line, row)) for line in weights]
    powers = [math.exp(score - max(raw)) for score in raw]
    return [power / sum(powers) for power in powers]


def train_epoch(
    weights: list[list[float]],
    rows: list[list[float]],
    classes: list[int],
    order: list[int],
    rate: float,
) -> float:
    """One pass over the rows in the order given; returns the mean loss."""
    loss = 0.0
    for index in order:
        row, truth = rows[index], classes[index]
        scores = probabilities(weights, row)
        loss -= math.log(max(scores[truth], 1e-300))
        for label, score in enumerate(scores):
            error = score - (label == truth)
            weights[label] = [w - rate * error * value for w, value in zip(weights[label], row)]
    return loss / len(rows)


if __name__ == "__main__":
    main(Softmax())
