"""The xgboost adapter keeps what all boosting adapters promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from boosting_contract import BoostingContract


class TestXGBoost(BoostingContract):
    folder = Path(__file__).resolve().parent.parent
    model_file = "model.ubj"
    sampling: dict[str, Any] = {"subsample": 0.7, "colsample_bytree": 0.6}
    refused: dict[str, Any] = {"grow_policy": "sideways"}
    refused_part = "sideways"
    binary_objective = "binary:logistic"

    def test_dropping_trees_resumes_too_and_is_exported(self, tmp_path: Path) -> None:
        params = {
            "exclude": ["species", "island", "sex"],
            "arguments": {"booster": "dart", "rate_drop": 0.3},
            "checkpoint_every": 10,
            "rounds": 30,
        }
        alone = self.weights(tmp_path / "alone", **params).succeed()
        resumed = self.weights(tmp_path / "resumed", **params).succeed()
        assert resumed.resume(at=10) == 10
        assert resumed.succeed().predictions() == alone.predictions()
        report = resumed.export("onnx") / "export.json"
        assert json.loads(report.read_text(encoding="utf-8"))["compared_rows"] == 256
