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

    def test_trees_that_onnx_does_not_know_are_not_exported(self, tmp_path: Path) -> None:
        numbers = ["species", "island", "sex"]
        wrong = {"linear_tree": "linear leaves", "zero_as_missing": "arguments.zero_as_missing"}
        runs = [
            self.weights(tmp_path / name, arguments={name: True}, rounds=3, exclude=numbers)
            for name in wrong
        ]
        assert self.together(runs) == [0, 0]
        exports = [run.export_directory("onnx") for run in runs]
        assert self.together(runs, exports) == [69, 69]
        for folder, part in zip(exports, wrong.values(), strict=True):
            said = (folder / "events" / "main.jsonl").read_text(encoding="utf-8")
            assert "export.format" in said
            assert part in said
