"""Softmax regression on a table of numbers, by stochastic gradient descent.

Standard library only. On its own::

    python3 train_script.py --train train.csv --test test.csv --predictions out.csv

As an experiment, ``--run`` names the run directory, whose ``run.json`` says
where the splits are; predictions then go to the run directory.
"""

import argparse
import csv
import json
import math
import os
import random
from operator import mul


def read(path, target):
    """Feature rows (with a constant 1 at the end) and labels of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = next(reader)
        place = header.index(target)
        rows, labels = [], []
        for record in reader:
            labels.append(record.pop(place))
            rows.append([float(cell) for cell in record])
    return rows, labels


def scaler(rows):
    """A function that scales columns by the greatest magnitude seen in ``rows``."""
    tops = [max(map(abs, column)) or 1.0 for column in zip(*rows)]
    return lambda row: [value / top for value, top in zip(row, tops)] + [1.0]


def probabilities(weights, row):
    """Softmax of the scores of one row."""
    scores = [sum(map(mul, own, row)) for own in weights]
    top = max(scores)
    exponentials = [math.exp(score - top) for score in scores]
    total = sum(exponentials)
    return [value / total for value in exponentials]


def train(rows, truths, classes, *, seed, epochs, learning_rate):
    """Weights ``[classes][features + 1]``; prints how each epoch went."""
    generator = random.Random(seed)
    weights = [[generator.gauss(0.0, 0.01) for _ in rows[0]] for _ in range(classes)]
    order = list(range(len(rows)))
    for epoch in range(1, epochs + 1):
        rate = learning_rate / (1.0 + 0.05 * (epoch - 1))
        generator.shuffle(order)
        loss = correct = 0.0
        for index in order:
            row, truth = rows[index], truths[index]
            answer = probabilities(weights, row)
            loss -= math.log(max(answer[truth], 1e-15))
            correct += answer.index(max(answer)) == truth
            for number, own in enumerate(weights):
                step = rate * (answer[number] - (number == truth))
                weights[number] = [weight - step * value for weight, value in zip(own, row)]
        print(f"epoch {epoch}: learning_rate={rate:.6g}")
        metrics = {"train/loss": loss / len(rows), "train/accuracy": correct / len(rows)}
        print(json.dumps({"step": epoch, "metrics": metrics}), flush=True)
    return weights


def write_predictions(path, weights, rows, labels, classes):
    """Writes one line per row; complete first, then under its name."""
    temporary = path + ".tmp"
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "y_true", "y_pred", *(f"y_score_{label}" for label in classes)])
        for index, (row, label) in enumerate(zip(rows, labels)):
            answer = probabilities(weights, row)
            writer.writerow([index, label, classes[answer.index(max(answer))], *answer])
    os.replace(temporary, path)


def arguments():
    """The command line; a run directory fills in the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="run directory to read from and write to")
    parser.add_argument("--train", help="CSV file to learn from")
    parser.add_argument("--test", help="CSV file to predict")
    parser.add_argument("--predictions", help="CSV file to write")
    parser.add_argument("--target", default="label")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--learning-rate", type=float, default=0.05)
    given = parser.parse_args()
    if given.run:
        with open(os.path.join(given.run, "run.json"), encoding="utf-8") as file:
            dataset = json.load(file)["dataset"]
        given.target = dataset["target"]
        given.train = dataset["splits"]["train"]["path"]
        given.test = dataset["splits"]["test"]["path"]
        given.predictions = os.path.join(given.run, "predictions", "test.csv")
        os.makedirs(os.path.dirname(given.predictions), exist_ok=True)
    elif not (given.train and given.test and given.predictions):
        parser.error("give --run, or --train, --test and --predictions")
    return given


def main():
    """Trains, then predicts the test rows."""
    given = arguments()
    rows, labels = read(given.train, given.target)
    classes = sorted(set(labels))
    facts = {"shape": [len(rows), len(rows[0])], "dtype": "float64"}
    print(json.dumps({"entry": {"device": "cpu", "n_classes": len(classes), "train": facts}}))
    scale = scaler(rows)
    weights = train(
        [scale(row) for row in rows],
        [classes.index(label) for label in labels],
        len(classes),
        seed=given.seed,
        epochs=given.epochs,
        learning_rate=given.learning_rate,
    )
    rows, labels = read(given.test, given.target)
    write_predictions(given.predictions, weights, [scale(row) for row in rows], labels, classes)
    if given.run:
        model = os.path.join(given.run, "artifacts", "model.json")
        with open(model, "w", encoding="utf-8") as file:
            json.dump({"classes": classes, "weights": weights}, file)
        print(json.dumps({"artifact": {"path": "artifacts/model.json", "kind": "model"}}))
        told = {"split": "test", "path": "predictions/test.csv"}
        print(json.dumps({"predictions": told}), flush=True)


if __name__ == "__main__":
    main()
