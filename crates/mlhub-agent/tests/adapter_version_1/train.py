"""Trains a softmax regression as an ML Experiment Hub adapter (protocol 1).

Reads `run.json` in the run directory given as the only argument. Writes event
lines to `events/main.jsonl`, checkpoints, and one prediction file per split
asked for. Writes no data values anywhere but in predictions and checkpoints.
"""

import csv
import json
import math
import os
import random
import sys
from pathlib import Path

EXIT_CONFIG = 64
EXIT_DATASET = 65


class Refused(Exception):
    """The input cannot be used; carries the exit code and the field to blame."""

    def __init__(self, code, field, message):
        super().__init__(message)
        self.code, self.field, self.message = code, field, message


class Events:
    """Appends event lines; each is complete on disk when `write` returns."""

    def __init__(self, run_dir):
        folder = run_dir / "events"
        folder.mkdir(exist_ok=True)
        self.file = open(folder / "main.jsonl", "a", encoding="utf-8")

    def write(self, **event):
        self.file.write(json.dumps(event) + "\n")
        self.file.flush()


def write_whole(path, text):
    """Writes a file so that a reader sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with open(partial, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def read_params(run):
    """The params, checked again: `run.json` may not come from the hub."""

    def number(name, kind, least):
        value = run["params"].get(name)
        if isinstance(value, bool) or not isinstance(value, kind) or value < least:
            raise Refused(EXIT_CONFIG, name, f"`{name}` must be a number of at least {least}")
        return value

    return {
        "epochs": number("epochs", int, 1),
        "learning_rate": number("learning_rate", (int, float), 0),
        "checkpoint_every": number("checkpoint_every", int, 1),
    }


def read_split(dataset, split, features=None):
    """Rows of a split as (feature names, feature rows, targets)."""
    target = dataset["target"]
    with open(dataset["splits"][split]["path"], newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        names = features or [n for n in reader.fieldnames if n not in (target, dataset.get("id"))]
        rows, targets = [], []
        for number, row in enumerate(reader, start=1):
            try:
                rows.append([float(row[name]) for name in names])
            except (TypeError, ValueError, KeyError):
                # The row's number is told, never its content.
                raise Refused(EXIT_DATASET, None, f"row {number} of split {split} has a feature that is no number") from None
            targets.append(row[target])
    return names, rows, targets


def scale(rows, means, deviations):
    return [[(value - m) / d for value, m, d in zip(row, means, deviations)] for row in rows]


def scores(weights, row):
    """Probability of each class for one scaled row."""
    raw = [w[-1] + sum(a * b for a, b in zip(w, row)) for w in weights]
    top = max(raw)
    powers = [math.exp(value - top) for value in raw]
    total = sum(powers)
    return [power / total for power in powers]


def train(run, run_dir, events):
    params = read_params(run)
    dataset = run["dataset"]
    names, rows, targets = read_split(dataset, "train")
    events.write(entry={"train": {"shape": [len(rows), len(names)], "dtype": "float64", "device": "cpu"}})
    classes = sorted(set(targets))
    means = [sum(column) / len(rows) for column in zip(*rows)]
    deviations = [math.sqrt(sum((v - m) ** 2 for v in column) / len(rows)) or 1.0 for column, m in zip(zip(*rows), means)]
    rows = scale(rows, means, deviations)
    weights = [[0.0] * (len(names) + 1) for _ in classes]
    first = 1
    if run.get("resume"):
        # All that later epochs depend on is in the checkpoint.
        with open(run["resume"]["checkpoint"], encoding="utf-8") as file:
            weights = json.load(file)["weights"]
        first = run["resume"]["step"] + 1
    for epoch in range(first, params["epochs"] + 1):
        loss = train_epoch(rows, targets, classes, weights, params["learning_rate"], f"{run['seed']}/{epoch}")
        events.write(step=epoch, metrics={"train/loss": loss}, progress={"done": epoch, "total": params["epochs"]})
        if epoch % params["checkpoint_every"] == 0:
            path = f"checkpoints/epoch-{epoch}.json"
            write_whole(run_dir / path, json.dumps({"weights": weights}))
            events.write(checkpoint={"step": epoch, "path": path})
    for split in run.get("predict_splits", []):
        predict(run, run_dir, events, split, names, classes, weights, means, deviations)


def train_epoch(rows, targets, classes, weights, rate, seed):
    """One pass in an order that depends on the seed and the epoch alone."""
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    loss = 0.0
    for index in order:
        row, truth = rows[index], classes.index(targets[index])
        probabilities = scores(weights, row)
        loss -= math.log(max(probabilities[truth], 1e-300))
        for label, probability in enumerate(probabilities):
            error = probability - (label == truth)
            for feature, value in enumerate(row):
                weights[label][feature] -= rate * error * value
            weights[label][-1] -= rate * error
    return loss / len(rows)


def predict(run, run_dir, events, split, names, classes, weights, means, deviations):
    """Writes `id,y_true,y_pred,y_score_<class>...`, one row per row of the split."""
    id_column = run["dataset"].get("id")
    _, rows, targets = read_split(run["dataset"], split, names)
    ids = list(range(len(rows)))
    if id_column:
        with open(run["dataset"]["splits"][split]["path"], newline="", encoding="utf-8") as file:
            ids = [row[id_column] for row in csv.DictReader(file)]
    path = run_dir / "predictions" / f"{split}.csv"
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    with open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "y_true", "y_pred"] + [f"y_score_{name}" for name in classes])
        for row_id, row, truth in zip(ids, scale(rows, means, deviations), targets):
            probabilities = scores(weights, row)
            best = classes[probabilities.index(max(probabilities))]
            writer.writerow([row_id, truth, best] + probabilities)
    os.replace(partial, path)
    events.write(predictions={"split": split, "path": f"predictions/{split}.csv"})


def main():
    run_dir = Path(sys.argv[1])
    with open(run_dir / "run.json", encoding="utf-8") as file:
        run = json.load(file)
    events = Events(run_dir)
    try:
        train(run, run_dir, events)
    except Refused as refused:
        events.write(error={"field": refused.field, "message": refused.message})
        sys.exit(refused.code)


if __name__ == "__main__":
    main()
