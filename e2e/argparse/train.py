"""Fits a line to points by gradient descent; configured by argparse."""

import argparse
import csv
import os
import random


def read_points(path):
    """The two columns of a CSV file as numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        return [(float(row["x"]), float(row["y"])) for row in csv.DictReader(file)]


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CSV file with the columns x and y")
    parser.add_argument(
        "--lr",
        type=float,
        default=0.02,
        help="step size of the "
        "gradient descent",
    )
    parser.add_argument("-e", "--epochs", type=int, default=40)
    parser.add_argument("--optimizer", choices=["sgd", "batch"], default="sgd")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="print the weights, too")
    parser.add_argument("--out-dir", required=True)
    parser.add_argument("--resume", default=None)
    parser.add_argument("--api-token", default="not-a-real-one")
    return parser.parse_args()


def epoch_of(points, weights, options):
    """One pass over the points; the new weights and the mean squared error."""
    slope, offset = weights
    total = 0.0
    for x, y in points:
        error = slope * x + offset - y
        total += error * error
        slope -= options.lr * error * x
        offset -= options.lr * error
    return (slope, offset), total / len(points)


def main():
    """Trains and leaves the weights."""
    options = parse()
    points = read_points(options.data)
    generator = random.Random(options.seed)
    weights = (generator.uniform(-1, 1), generator.uniform(-1, 1))
    for epoch in range(options.epochs):
        if options.optimizer == "sgd":
            generator.shuffle(points)
        weights, loss = epoch_of(points, weights, options)
        print(f"epoch {epoch + 1}/{options.epochs}: loss={loss:.6f}")
        if options.verbose:
            print(weights)
    os.makedirs(options.out_dir, exist_ok=True)
    with open(os.path.join(options.out_dir, "weights.txt"), "w", encoding="utf-8") as file:
        file.write(f"{weights}\n")


if __name__ == "__main__":
    main()
