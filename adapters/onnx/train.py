"""Takes and evaluates the model that a run directory names: ``python train.py RUN_DIR``."""

from __future__ import annotations

from mlhub_adapter import main

from mlhub_onnx import Onnx

if __name__ == "__main__":
    main(Onnx())
