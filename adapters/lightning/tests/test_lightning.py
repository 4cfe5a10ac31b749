"""The adapter keeps its promises with a LightningModule that knows no hub."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RunDirectory, interpreter

FOLDER = Path(__file__).resolve().parent.parent
PROJECT = Path(__file__).resolve().parent / "project"


def _usable(module: str) -> bool:
    command = [interpreter(), "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


MODULES = {"lightning.pytorch": "lit_new", "pytorch_lightning": "lit_old"}
USABLE = [MODULES[name] for name in MODULES if _usable(name)]
pytestmark = pytest.mark.skipif(not USABLE, reason="no Lightning can be imported in this Python")


def run_of(folder: Path, code: str | None = None, **params: Any) -> RunDirectory:
    code = code or USABLE[0]
    command = [interpreter(), str(FOLDER / "train.py"), "--project", str(PROJECT)]
    data = {"train": "{splits.train}", "test": "{splits.test}"}
    given: dict[str, Any] = {
        "model": {"class_path": f"{code}.Classifier", "init_args": {"width": 24}},
        "data": {"class_path": f"{code}.Penguins", "init_args": data},
        "trainer": {"accelerator": "cpu", "gradient_clip_val": 1.0},
        "epochs": 8,
        **params,
    }
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    return RunDirectory(
        folder, command, params=given, text=text, target="species", task="multiclass"
    )


@pytest.mark.parametrize("code", MODULES.values())
def test_a_module_trains_unchanged(tmp_path: Path, code: str) -> None:
    if code not in USABLE:
        pytest.skip("this Python does not have that Lightning")
    run = run_of(tmp_path, code).succeed()
    assert run.accuracy() >= 0.9
    losses = [told["train/loss"] for _, told in run.metrics() if "train/loss" in told]
    assert len(losses) == 8
    assert losses[-1] < losses[0] / 3
    assert any("validation/accuracy" in told for _, told in run.metrics())
    (entry,) = run.told("entry")
    assert entry["splits"]["train"]["0"] == {"shape": [16, 4], "dtype": "float32", "device": "cpu"}
    assert entry["splits"]["train"]["1"]["dtype"] == "int64"
    assert run.told("artifact") == [{"path": "artifacts/model.ckpt", "kind": "model"}]


def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    alone = run_of(tmp_path / "alone").succeed()
    killed = run_of(tmp_path / "killed")
    assert killed.stop_after_checkpoint(20, signal.SIGKILL) == -signal.SIGKILL
    step = killed.resume()
    assert step < alone.metrics()[-1][0], "it was to be killed on its way"
    killed.succeed()
    assert killed.predictions() == alone.predictions()
    assert killed.metrics() == [told for told in alone.metrics() if told[0] >= step]


def test_sigterm_ends_it_with_a_checkpoint(tmp_path: Path) -> None:
    run = run_of(tmp_path, epochs=100_000, checkpoint_every=3)
    assert run.stop_after_checkpoint(20, signal.SIGTERM) == 143
    assert run.resume() >= 20
    last = len(run.told("checkpoint"))
    assert last == 0
    # The progress of the attempt before says how many epochs are done.
    before = run.folder / "attempt-1" / "events" / "main.jsonl"
    done = max(
        int(line.split('"done":')[1].split(",")[0])
        for line in before.read_text(encoding="utf-8").splitlines()
        if '"done":' in line
    )
    run.file["params"]["epochs"] = done + 1
    assert len([1 for _, told in run.succeed().metrics() if "train/loss" in told]) == 1


def test_callbacks_and_gathered_gradients_are_taken(tmp_path: Path) -> None:
    library = {"lit_new": "lightning.pytorch", "lit_old": "pytorch_lightning"}[USABLE[0]]
    stopping = {
        "class_path": f"{library}.callbacks.EarlyStopping",
        "init_args": {"monitor": "val_loss", "patience": 1, "min_delta": 100.0},
    }
    trainer = {"accelerator": "cpu", "accumulate_grad_batches": 2}
    run = run_of(tmp_path, callbacks=[stopping], trainer=trainer).succeed()
    # Nothing is better by 100: it ends after the second epoch.
    assert len([1 for _, told in run.metrics() if "train/loss" in told]) == 2
    assert len(run.predictions()) == 68


@pytest.mark.parametrize(
    ("params", "field", "part"),
    [
        ({"model": {"class_path": "lit_common.SIZES"}}, "params.model.class_path", "Lightning"),
        ({"model": {"class_path": "lit_no.Net"}}, "params.model.class_path", "cannot be imported"),
        ({"trainer": {"acelerator": "cpu"}}, "params.trainer.acelerator", "accelerator"),
        ({"trainer": {"max_epochs": 3}}, "params.trainer.max_epochs", "params.epochs"),
        ({"epochs": 0}, "params.epochs", "whole number from 1"),
    ],
)
def test_wrong_params_are_refused_by_name(
    tmp_path: Path, params: dict[str, Any], field: str, part: str
) -> None:
    code, blamed, message = run_of(tmp_path, **params).refusal()
    assert (code, blamed) == (64, field)
    assert part in message


def test_arguments_that_the_module_refuses_are_blamed(tmp_path: Path) -> None:
    model = {"class_path": f"{USABLE[0]}.Classifier", "init_args": {"wdith": 3}}
    code, field, message = run_of(tmp_path, model=model).refusal()
    assert (code, field) == (64, "params.model.init_args")
    assert "wdith" in message


def test_rows_that_are_not_the_splits_are_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path, epochs=1)
    run.file["dataset"]["splits"]["test"]["rows"] = 3
    code, field, _ = run.refusal()
    assert (code, field) == (65, "dataset.splits.test")
