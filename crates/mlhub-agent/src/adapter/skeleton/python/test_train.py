"""Tests of this adapter: `mlhub adapter exec . -- python3 -m unittest`."""

from __future__ import annotations

import signal
import tempfile
import unittest
from pathlib import Path

from mlhub_adapter.testing import RunDirectory, interpreter

HERE = Path(__file__).resolve().parent
PARAMS = {"epochs": 60, "learning_rate": 0.1, "checkpoint_every": 5}


class Training(unittest.TestCase):
    """Every test runs the program as the hub does, in a run directory of its own."""

    def run_directory(self, name: str, **params: object) -> RunDirectory:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return RunDirectory(
            Path(folder.name) / name,
            [interpreter(), str(HERE / "train.py")],
            params={**PARAMS, **params},
            text=(HERE / "smoke.csv").read_text(encoding="utf-8"),
            target="label",
            task="binary",
        )

    def test_it_learns(self) -> None:
        run = self.run_directory("learns").succeed()
        self.assertGreater(run.accuracy(), 0.8)
        self.assertLess(run.metrics()[-1][1]["train/loss"], run.metrics()[0][1]["train/loss"])

    def test_a_killed_run_ends_as_if_it_had_not_been(self) -> None:
        alone = self.run_directory("alone", epochs=300).succeed()
        killed = self.run_directory("killed", epochs=300)
        killed.stop_after_checkpoint(5, signal.SIGKILL)
        step = killed.resume()
        killed.succeed()
        self.assertEqual(killed.predictions(), alone.predictions())
        self.assertEqual(killed.metrics(), [told for told in alone.metrics() if told[0] > step])

    def test_a_wrong_param_is_refused_by_name(self) -> None:
        code, field, _ = self.run_directory("wrong", epochs=0).refusal()
        self.assertEqual((code, field), (64, "params.epochs"))


if __name__ == "__main__":
    unittest.main()
