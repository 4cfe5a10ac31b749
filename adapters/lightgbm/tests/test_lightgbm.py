"""The lightgbm adapter keeps what all boosting adapters promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boosting_contract import BoostingContract


class TestLightGBM(BoostingContract):
    folder = Path(__file__).resolve().parent.parent
    model_file = "model.txt"
    sampling: dict[str, Any] = {
        "bagging_fraction": 0.7,
        "feature_fraction": 0.6,
    }
    refused: dict[str, Any] = {"min_data_in_bin": -3}
    refused_part = "min_data_in_bin"
    binary_objective = "binary"
