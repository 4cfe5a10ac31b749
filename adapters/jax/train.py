"""Trains what a run directory asks for: ``python train.py RUN_DIR``."""

from __future__ import annotations

from mlhub_adapter import main

from mlhub_jax import Jax

if __name__ == "__main__":
    main(Jax())
