"""The catboost adapter keeps what all boosting adapters promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from boosting_contract import BoostingContract


class TestCatBoost(BoostingContract):
    folder = Path(__file__).resolve().parent.parent
    model_file = "model.cbm"
    sampling: dict[str, Any] = {"subsample": 0.7, "rsm": 0.6}
    refused: dict[str, Any] = {"grow_policy": "Sideways"}
    refused_part = "Sideways"
    binary_objective = "Logloss"

    def test_its_own_files_are_gone_in_the_end(self, tmp_path: Path) -> None:
        run = self.weights(tmp_path, rounds=3).succeed()
        kept = {"artifacts", "events", "predictions", "run.json"}
        assert {path.name for path in run.dir.iterdir()} == kept
