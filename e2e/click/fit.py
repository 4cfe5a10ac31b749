"""Fits a regressor; configured by click."""

import click
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import train_test_split


@click.command()
@click.option("--rounds", default=200, help="trees")
@click.option("--rate", "-r", type=float, default=0.05, show_default=True)
@click.option("--loss", type=click.Choice(["squared_error", "huber"]), default="huber")
@click.option("--shuffle/--no-shuffle", default=True)
@click.option("--random-state", default=0)
def main(rounds, rate, loss, shuffle, random_state):
    """Trains and prints the score."""
    data = train_test_split(*load_diabetes(return_X_y=True), shuffle=shuffle, random_state=None)
    model = GradientBoostingRegressor(
        n_estimators=rounds, learning_rate=rate, loss=loss, random_state=random_state
    )
    model.fit(data[0], data[2])
    print("test r2: {:.4f}".format(model.score(data[1], data[3])))


if __name__ == "__main__":
    main()
