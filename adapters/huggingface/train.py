"""Trains or serves what a run directory asks for: ``python train.py [COMMAND] RUN_DIR``."""

from __future__ import annotations

from mlhub_adapter import main

from mlhub_huggingface import HuggingFace

if __name__ == "__main__":
    main(HuggingFace())
