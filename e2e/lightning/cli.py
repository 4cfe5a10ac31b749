"""A LightningCLI over a model and its data."""

from lightning.pytorch.cli import LightningCLI

from model import Classifier, Digits


def main():
    """Everything is in the config."""
    LightningCLI(Classifier, Digits)


if __name__ == "__main__":
    main()
