"""The adapter keeps its promises, with real models on the Palmer penguins and on digits.

Runs that need no process of their own share one, since loading torch is most of their time.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import (
    TIME_LIMIT_SECONDS,
    NotServed,
    RequestError,
    RunDirectory,
    interpreter,
)

FOLDER = Path(__file__).resolve().parent.parent
PROJECT = Path(__file__).resolve().parent / "project"
TOGETHER = Path(__file__).resolve().parent / "train_together.py"
PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": 50.0,
    "bill_depth_mm": 15.0,
    "flipper_length_mm": 220.0,
    "body_mass_g": 5200.0,
    "sex": "male",
}
HARD: dict[str, Any] = {
    "model": "usercode:Noisy",
    "validation_fraction": 0.2,
    "scheduler": "OneCycleLR",
    "scheduler_args": {"max_lr": 0.05, "total_steps": 120},
    "scheduler_interval": "step",
    "accumulate": 2,
    "gradient_clip": 1.0,
    "batch_size": 16,
    "epochs": 12,
}
"""All that a resumed run must take up again: dropout, batch norm, moments, schedule, best."""

EARLY: dict[str, Any] = {
    **HARD,
    "early_stopping_epochs": 3,
    "epochs": 200,
    "scheduler": "ReduceLROnPlateau",
    "scheduler_args": {"patience": 1},
    "scheduler_interval": "epoch",
}
OWN: dict[str, Any] = {
    "model": "usercode:Noisy",
    "dataset_function": "usercode:sizes",
    "dataset_args": {"noise": 0.2},
    "train_function": "usercode:smoothed",
    "num_workers": 2,
    "precision": "bf16",
    "epochs": 8,
}
RANKS: dict[str, Any] = {
    "model": "usercode:Noisy",
    "train_function": "usercode:mortal",
    "validation_fraction": 0.2,
    "accumulate": 2,
    "batch_size": 16,
    "epochs": 4,
}
"""7 batches an epoch for each of two ranks."""

THIRD_EPOCH_OF_RANK_1 = {"KILL_RANK_AT_CALL": "1:17"}


def run_of(folder: Path, target: str = "species", task: str = "multiclass", **params: Any) -> Any:
    command = [interpreter(), str(FOLDER / "train.py"), "--project", str(PROJECT)]
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    params = {"learning_rate": 0.01, **params}
    return RunDirectory(folder, command, params=params, text=text, target=target, task=task)


def together(runs: Sequence[RunDirectory]) -> list[int]:
    """Trains in one process, one after the other; returns the exit codes."""
    for run in runs:
        run.write()
    program = runs[0].start(
        [interpreter(), str(TOGETHER), str(FOLDER), str(PROJECT)], [str(run.dir) for run in runs]
    )
    try:
        said, problems = program.communicate(timeout=TIME_LIMIT_SECONDS)
    finally:
        program.kill()
    assert program.returncode == 0, problems
    codes: list[int] = json.loads(said.splitlines()[-1])
    return codes


def untimed(run: RunDirectory) -> list[Any]:
    return [
        (step, {name: value for name, value in told.items() if not name.startswith("time/")})
        for step, told in run.metrics()
    ]


def has(*modules: str) -> bool:
    """Whether the Python of the adapter has them."""
    command = [interpreter(), "-c", f"import {', '.join(modules)}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def images_of(folder: Path) -> Any:
    subprocess.run([interpreter(), str(TOGETHER), "--digits", str(folder)], check=True)
    run = run_of(folder, epochs=15, image_size=8)
    run.file["dataset"].update(format="image_folder", target=None)
    for name, split in run.file["dataset"]["splits"].items():
        split["path"] = str(folder / name)
    return run


Runs = dict[str, Any]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Runs that nothing disturbs."""
    at = tmp_path_factory.mktemp("trained")
    runs = {
        "penguins": run_of(at / "1", epochs=12, validation_fraction=0.2, checkpoint_every=5),
        "mass": run_of(at / "2", "body_mass_g", "regression", epochs=40, keep="last"),
        "hard": run_of(at / "3", **HARD),
        "early": run_of(at / "4", **EARLY),
        "own": run_of(at / "5", **OWN),
    }
    if has("PIL", "sklearn"):
        runs["images"] = images_of(at / "6")
    assert together(list(runs.values())) == [0] * len(runs)
    return runs


@pytest.fixture(scope="module")
def again(trained: Runs, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The same in another process: again, or going on after an end that came too early."""
    at = tmp_path_factory.mktemp("again")
    killed = run_of(at / "1", **HARD)
    assert killed.stop_after_checkpoint(2, signal.SIGKILL) == -signal.SIGKILL
    told = run_of(at / "2", epochs=100_000, checkpoint_every=5)
    assert told.stop_after_checkpoint(5, signal.SIGTERM) == 143
    last = told.metrics()[-1][0]
    assert told.resume() == last, "it was to leave a checkpoint of its last epoch"
    told.file["params"]["epochs"] = last + 2
    early = run_of(at / "3", **EARLY)
    # The directory of a run that ended is not touched by one that goes on from it.
    best = best_of(trained["early"])
    saved = trained["early"].dir / f"checkpoints/step-{best + 2}"
    early.file["resume"] = {"step": best + 2, "checkpoint": str(saved)}
    runs = {"hard": killed, "told": told, "early": early, "own": run_of(at / "4", **OWN)}
    killed.resume()
    assert together(list(runs.values())) == [0] * len(runs)
    return runs


def best_of(run: RunDirectory) -> int:
    losses = [metrics["validation/loss"] for _, metrics in run.metrics()]
    return losses.index(min(losses)) + 1


def rows_of(run: RunDirectory) -> list[dict[str, str]]:
    """The rows of the test split, by column."""
    with open(run.folder / "test.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row_as_input(row: dict[str, str]) -> dict[str, Any]:
    """A row as the hub is given it: without the target, numbers as such."""
    return {
        name: row[name] if isinstance(cell, str) else float(row[name])
        for name, cell in PENGUIN.items()
    }


def check_answers(run: RunDirectory, answers: Sequence[Any]) -> None:
    """Served answers are those of the prediction file, but for the last digits."""
    header, *rows = run.predictions()
    assert [answer["label"] for answer in answers] == [row[header.index("y_pred")] for row in rows]
    for label in ("Adelie", "Chinstrap", "Gentoo"):
        expected = [float(row[header.index(f"y_score_{label}")]) for row in rows]
        assert [answer["scores"][label] for answer in answers] == pytest.approx(expected, abs=1e-6)


def test_the_built_in_model_learns_and_is_served(trained: Runs) -> None:
    run = trained["penguins"]
    assert run.accuracy() >= 0.95
    metrics = dict(run.metrics())
    last = metrics[max(metrics)]
    assert last["train/loss"] < metrics[1]["train/loss"] / 4
    assert last["validation/accuracy"] >= 0.95
    assert last["train/learning_rate"] == 0.01
    assert last["train/gradient_norm"] > 0
    assert [saved["step"] for saved in run.told("checkpoint")] == [5, 10, 12]
    rows = rows_of(run)
    with run.serve() as conversation:
        check_answers(run, conversation.predict([row_as_input(row) for row in rows]))
        gentoo, unknown = conversation.predict([PENGUIN, {**PENGUIN, "bill_depth_mm": None}])
        assert gentoo["label"] == unknown["label"] == "Gentoo"
        assert sum(gentoo["scores"].values()) == pytest.approx(1, abs=1e-5)
        with pytest.raises(RequestError) as refused:
            conversation.predict([{**PENGUIN, "body_mass_g": "heavy"}])
        assert refused.value.field == "inputs.0.body_mass_g"


def test_what_goes_in_is_told(trained: Runs) -> None:
    (entry,) = trained["penguins"].told("entry")
    assert entry["device"] == "cpu"
    assert entry["library"].startswith("torch ")
    assert entry["splits"]["train"]["shape"] == [213, 6]
    assert entry["splits"]["train"]["features"]["std"] > 0
    assert entry["example"] == {"shape": [2, 6], "dtype": "float32", "device": "cpu"}
    (entry,) = trained["own"].told("entry")
    assert entry["splits"]["train"]["shape"] == [266, 3]
    assert entry["splits"]["test"]["dtype"] == "float32"


def test_values_are_learned_in_their_own_unit(trained: Runs) -> None:
    rows = [(float(row[1]), float(row[2])) for row in trained["mass"].predictions()[1:]]
    error = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
    assert error < 450, "grams; the spread of the weights is 800"


def test_killed_and_resumed_equals_uninterrupted(trained: Runs, again: Runs) -> None:
    alone, killed = trained["hard"], again["hard"]
    step = killed.file["resume"]["step"]
    assert step < HARD["epochs"], "it was to be killed on its way"
    assert killed.predictions() == alone.predictions()
    assert untimed(killed) == [told for told in untimed(alone) if told[0] > step]
    weights = [run.dir / "artifacts" / "state_dict.pt" for run in (alone, killed)]
    same = "import sys, torch; a, b = map(torch.load, sys.argv[1:]); print(all(map(torch.equal, "
    same += "a.values(), b.values())))"
    said = subprocess.run([interpreter(), "-c", same, *weights], capture_output=True, check=True)
    assert said.stdout.strip() == b"True"


def test_the_best_model_is_kept_after_resuming_behind_it(trained: Runs, again: Runs) -> None:
    alone, resumed = trained["early"], again["early"]
    best = best_of(alone)
    assert len(alone.metrics()) == best + 3, "it was to end early"
    assert [step for step, _ in resumed.metrics()] == [best + 3]
    assert untimed(resumed) == untimed(alone)[-1:]
    assert resumed.predictions() == alone.predictions()


def test_sigterm_ends_it_with_a_checkpoint(again: Runs) -> None:
    step = again["told"].file["resume"]["step"]
    assert [told for told, _ in again["told"].metrics()] == [step + 1, step + 2]


def test_user_code_workers_and_bf16_repeat_bit_by_bit(trained: Runs, again: Runs) -> None:
    assert trained["own"].accuracy() >= 0.9
    assert trained["own"].predictions() == again["own"].predictions()
    assert untimed(trained["own"]) == untimed(again["own"])


def test_a_model_of_user_code_is_served_without_it(trained: Runs) -> None:
    run = trained["own"]
    run.command = [interpreter(), str(FOLDER / "train.py")]
    names = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
    inputs = [[float(row[name]) for name in names] for row in rows_of(run)]
    with run.serve() as conversation:
        check_answers(run, conversation.predict(inputs))
        assert conversation.predict([]) == []
        with pytest.raises(RequestError, match="shape"):
            conversation.predict([[1.0]])


def test_image_folders_are_decoded_and_served(trained: Runs) -> None:
    if "images" not in trained:
        assert os.environ.get("CI") != "true", "CI skips nothing: install Pillow and scikit-learn"
        pytest.skip("this Python has no Pillow or no scikit-learn")
    run = trained["images"]
    assert run.accuracy() >= 0.95
    model = json.loads((run.dir / "artifacts" / "model.json").read_text(encoding="utf-8"))
    assert model["input"] == {"kind": "image", "channels": 3, "height": 8, "width": 8}
    images = sorted((run.folder / "test" / "2").iterdir())[:3]
    coded = [base64.b64encode(image.read_bytes()).decode() for image in images]
    with run.serve() as conversation:
        given = [{"base64": text, "media_type": "image/png"} for text in coded]
        assert [answer["label"] for answer in conversation.predict(given)] == ["2"] * 3
        broken = {**given[0], "base64": base64.b64encode(images[0].read_bytes()[:30]).decode()}
        with pytest.raises(RequestError) as refused:
            conversation.predict([given[0], broken])
        assert refused.value.field == "inputs.1"


def test_export_is_compared_or_says_what_it_needs(trained: Runs) -> None:
    run = trained["mass"]
    if not has("onnx", "onnxruntime"):
        with pytest.raises(NotServed) as refused:
            run.export("onnx")
        assert (refused.value.code, refused.value.field) == (69, "export.format")
        assert "onnxruntime" in refused.value.message
        return
    folder = run.export("onnx")
    report = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    assert report["compared_rows"] == 64
    assert 0 <= report["max_abs_difference"] <= report["tolerance"]
    # In grams, where values are some thousand.
    assert report["tolerance"] <= 1e-4 * 100_000
    assert (folder / "model.onnx").stat().st_size > 1000


def test_a_damaged_model_is_refused(trained: Runs, tmp_path: Path) -> None:
    run = run_of(tmp_path, "body_mass_g", "regression")
    run.dir = trained["mass"].dir
    whole = (run.dir / "artifacts" / "model.pt").read_bytes()
    (run.dir / "artifacts" / "model.pt").write_bytes(whole[: len(whole) // 2])
    try:
        with pytest.raises(NotServed) as refused, run.serve():
            pass
    finally:
        (run.dir / "artifacts" / "model.pt").write_bytes(whole)
    assert (refused.value.code, refused.value.field) == (64, "model.path")


def two_ranks(folder: Path, **params: Any) -> Any:
    return run_of(folder, **{**RANKS, "processes": 2, **params})


def start_as_torchrun_does(run: RunDirectory) -> None:
    """Both ranks of a run, by the environment that torchrun gives them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    programs = []
    for rank in ("0", "1"):
        run.environment = {**given, "RANK": rank, "LOCAL_RANK": rank}
        programs.append(run.start())
    try:
        said = [program.communicate(timeout=TIME_LIMIT_SECONDS) for program in programs]
    finally:
        for program in programs:
            program.kill()
    assert [program.returncode for program in programs] == [0, 0], said
    run.environment = {}


def test_ranks_train_one_model_and_one_that_dies_ends_all(tmp_path: Path) -> None:
    alone = two_ranks(tmp_path / "alone")
    start_as_torchrun_does(alone)
    assert alone.accuracy() >= 0.9
    assert [step for step, _ in alone.metrics()] == [1, 2, 3, 4]
    run = two_ranks(tmp_path / "run")
    run.environment = THIRD_EPOCH_OF_RANK_1
    code, said = run.run()
    assert code == 1, said
    (error,) = run.told("error")
    assert error["field"] == "params.processes"
    assert "rank 1 was ended by SIGKILL" in error["message"]
    assert run.resume() == 2
    run.environment = {}
    run.succeed()
    assert [step for step, _ in run.metrics()] == [3, 4]
    assert untimed(run) == untimed(alone)[2:]
    assert run.predictions() == alone.predictions()


def test_ranks_end_with_the_program_that_started_them(tmp_path: Path) -> None:
    run = two_ranks(tmp_path, epochs=100_000)
    # Returns once nobody holds its output, so once the ranks are gone too.
    assert run.stop_after_checkpoint(1, signal.SIGKILL) == -signal.SIGKILL
    run.resume()
    assert run.stop_after_checkpoint(2, signal.SIGTERM) == 143
    last, saved = run.metrics()[-1][0], run.told("checkpoint")[-1]
    assert saved["step"] == last, "it was to leave a checkpoint of its last epoch"


MENDED = """
import dataclasses
plain = dataclasses.dataclass
from mlhub_adapter.torch import mend_import
mend_import()
import torch.distributed._shard.sharded_tensor
assert dataclasses.dataclass is plain and torch.distributed.is_available()
"""


def test_a_release_that_does_not_import_is_mended(tmp_path: Path) -> None:
    program = run_of(tmp_path).start([interpreter(), "-c", MENDED], [])
    _, problems = program.communicate(timeout=TIME_LIMIT_SECONDS)
    assert program.returncode == 0, problems


WRONG: list[tuple[dict[str, Any], int, str, str]] = [
    ({"epochs": 0}, 64, "params.epochs", "whole number from 1"),
    ({"model": "usercode:Nois"}, 64, "params.model", "did you mean Noisy?"),
    ({"model": "nowhere:Model"}, 64, "params.model", "cannot be imported"),
    ({"model": "usercode:TooWide"}, 64, "params.model", "[2, 99]"),
    ({"model_args": {"widht": 3}}, 64, "params.model_args", "widht"),
    ({"optimizer": "AdamX"}, 64, "params.optimizer", "did you mean"),
    ({"optimizer_args": {"betas": [2, 3]}}, 64, "params.optimizer_args", "beta"),
    ({"precision": "fp16"}, 64, "params.precision", "GPU"),
    ({"early_stopping_epochs": 2}, 64, "params.early_stopping_epochs", "validation"),
    ({"device": "cuda:1", "processes": 2}, 64, "params.device", "write cuda"),
    ({"exclude": ["colour"], "processes": 2}, 64, "params.exclude", "colour"),
    ({}, 65, "dataset.target", "test"),
]


def test_what_is_wrong_is_refused_by_name(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / str(at), **params) for at, (params, *_) in enumerate(WRONG)]
    path = runs[-1].folder / "test.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Gentoo", "Emperor"))
    assert together(runs) == [code for _, code, _, _ in WRONG]
    for run, (_, _, field, part) in zip(runs, WRONG, strict=True):
        (error,) = run.told("error")
        assert error["field"] == field
        assert part in error["message"]
        assert "Emperor" not in error["message"]
