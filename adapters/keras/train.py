"""Trains what a run directory asks for: ``python train.py RUN_DIR``."""

from __future__ import annotations

from mlhub_adapter import main

from mlhub_keras import Keras

if __name__ == "__main__":
    main(Keras())
