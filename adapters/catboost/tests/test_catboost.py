"""The catboost adapter keeps what all boosting adapters promise."""

from __future__ import annotations

import json
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

    def test_trees_that_are_not_symmetric_are_exported_too(self, tmp_path: Path) -> None:
        params = {"arguments": {"grow_policy": "Depthwise"}, "rounds": 10}
        run = self.weights(tmp_path, exclude=["species", "island", "sex"], **params).succeed()
        report = run.export("onnx") / "export.json"
        assert json.loads(report.read_text(encoding="utf-8"))["compared_rows"] == 256
