"""The smoke run: softmax regression on iris with the standard library alone.

It shows all that a program may do for the hub and nothing that it must: it
reads the splits from ``run.json``, prints a line per epoch that a regular
expression reads, and leaves predictions.
"""

import csv
import json
import math
import os
import random
import sys

EPOCHS = 15
LEARNING_RATE = 0.05


def read(path, target):
    """Features and labels of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = [row.pop(target) for row in rows]
    return [[float(cell) for cell in row.values()] for row in rows], labels


def probabilities(weights, row):
    """Softmax of the scores of one row."""
    scores = [sum(w * x for w, x in zip(own, [*row, 1.0])) for own in weights]
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return [value / sum(exponentials) for value in exponentials]


def train(rows, labels, classes, seed):
    """Weights after some epochs of stochastic gradient descent."""
    generator = random.Random(seed)
    weights = [[0.0] * (len(rows[0]) + 1) for _ in classes]
    order = list(range(len(rows)))
    for epoch in range(1, EPOCHS + 1):
        generator.shuffle(order)
        loss = correct = 0.0
        for index in order:
            answer = probabilities(weights, rows[index])
            truth = classes.index(labels[index])
            loss -= math.log(max(answer[truth], 1e-15))
            correct += answer.index(max(answer)) == truth
            for number, own in enumerate(weights):
                slope = LEARNING_RATE * (answer[number] - (number == truth))
                for column, value in enumerate([*rows[index], 1.0]):
                    own[column] -= slope * value
        print(f"epoch {epoch} loss={loss / len(rows)} accuracy={correct / len(rows)}", flush=True)
    return weights


def main(run_dir):
    """Trains and predicts what the run directory asks for."""
    with open(os.path.join(run_dir, "run.json"), encoding="utf-8") as file:
        run = json.load(file)
    data = run["dataset"]
    rows, labels = read(data["splits"]["train"]["path"], data["target"])
    classes = sorted(set(labels))
    weights = train(rows, labels, classes, run["seed"])
    os.makedirs(os.path.join(run_dir, "predictions"), exist_ok=True)
    for split in run["predict_splits"]:
        rows, labels = read(data["splits"][split]["path"], data["target"])
        path = os.path.join("predictions", f"{split}.csv")
        temporary = os.path.join(run_dir, path + ".tmp")
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "y_true", "y_pred", *(f"y_score_{label}" for label in classes)])
            for index, (row, label) in enumerate(zip(rows, labels)):
                answer = probabilities(weights, row)
                writer.writerow([index, label, classes[answer.index(max(answer))], *answer])
        os.replace(temporary, os.path.join(run_dir, path))
        print(json.dumps({"predictions": {"split": split, "path": path}}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
