"""The adapter keeps its promises, with real models on the Palmer penguins."""

from __future__ import annotations

import json
import signal
import subprocess
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


def run_of(folder: Path, target: str = "species", task: str = "multiclass", **params: Any) -> Any:
    command = [interpreter(), str(FOLDER / "train.py"), "--project", str(PROJECT)]
    text = (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    params = {"learning_rate": 0.01, **params}
    return RunDirectory(folder, command, params=params, text=text, target=target, task=task)


def untimed(run: RunDirectory) -> list[Any]:
    return [
        (step, {name: value for name, value in told.items() if not name.startswith("time/")})
        for step, told in run.metrics()
    ]


def has(module: str) -> bool:
    """Whether the Python of the adapter has it."""
    command = [interpreter(), "-c", f"import {module}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_built_in_model_learns_and_is_served(tmp_path: Path) -> None:
    run = run_of(tmp_path, epochs=12, validation_fraction=0.2, early_stopping_epochs=10).succeed()
    assert run.accuracy() >= 0.95
    metrics = dict(run.metrics())
    last = metrics[max(metrics)]
    assert last["train/loss"] < metrics[1]["train/loss"] / 4
    assert last["validation/accuracy"] >= 0.95
    assert last["train/learning_rate"] == 0.01
    assert last["train/gradient_norm"] > 0
    (entry,) = run.told("entry")
    assert entry["device"] == "cpu"
    assert entry["splits"]["train"]["shape"] == [213, 6]
    assert entry["splits"]["train"]["features"]["std"] > 0
    with run.serve() as conversation:
        gentoo, unknown = conversation.predict([PENGUIN, {**PENGUIN, "bill_depth_mm": None}])
        assert gentoo["label"] == unknown["label"] == "Gentoo"
        assert sum(gentoo["scores"].values()) == pytest.approx(1, abs=1e-5)
        with pytest.raises(RequestError) as refused:
            conversation.predict([{**PENGUIN, "body_mass_g": "heavy"}])
        assert refused.value.field == "inputs.0.body_mass_g"


def test_served_answers_are_those_of_the_predictions_file(tmp_path: Path) -> None:
    run = run_of(tmp_path, "body_mass_g", "regression", epochs=40, keep="last").succeed()
    rows = [(float(row[1]), float(row[2])) for row in run.predictions()[1:]]
    error = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
    assert error < 450, "grams; the spread of the weights is 800"
    header, *lines = (tmp_path / "test.csv").read_text(encoding="utf-8").splitlines()
    names = header.split(",")
    inputs = [dict(zip(names, line.split(","), strict=True)) for line in lines[:5]]
    numeric = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm")
    given = [
        {name: float(cell) if name in numeric else cell for name, cell in row.items()}
        for row in inputs
    ]
    for row in given:
        del row["body_mass_g"]
    with run.serve() as conversation:
        answers = [answer["value"] for answer in conversation.predict(given)]
    assert answers == pytest.approx([said for _, said in rows[:5]], rel=1e-5)


def test_killed_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    alone = run_of(tmp_path / "alone", **HARD).succeed()
    killed = run_of(tmp_path / "killed", **HARD)
    assert killed.stop_after_checkpoint(2, signal.SIGKILL) == -signal.SIGKILL
    step = killed.resume()
    assert step < HARD["epochs"], "it was to be killed on its way"
    killed.succeed()
    assert killed.predictions() == alone.predictions()
    assert untimed(killed) == [told for told in untimed(alone) if told[0] > step]
    weights = [run.dir / "artifacts" / "state_dict.pt" for run in (alone, killed)]
    same = "import sys, torch; a, b = map(torch.load, sys.argv[1:]); print(all(map(torch.equal, "
    same += "a.values(), b.values())))"
    said = subprocess.run([interpreter(), "-c", same, *weights], capture_output=True, check=True)
    assert said.stdout.strip() == b"True"


def test_the_best_model_is_kept_after_resuming_behind_it(tmp_path: Path) -> None:
    params = {**HARD, "early_stopping_epochs": 6, "epochs": 200, "scheduler": None}
    params["scheduler_args"] = {}
    alone = run_of(tmp_path / "alone", **params).succeed()
    losses = [metrics["validation/loss"] for _, metrics in alone.metrics()]
    best = losses.index(min(losses)) + 1
    assert len(losses) == best + 6
    resumed = run_of(tmp_path / "resumed", **params).succeed()
    resumed.resume(at=best + 2)
    assert resumed.succeed().predictions() == alone.predictions()
    assert len(resumed.metrics()) == 4


def test_sigterm_ends_it_with_a_checkpoint(tmp_path: Path) -> None:
    run = run_of(tmp_path, epochs=100_000, checkpoint_every=5)
    assert run.stop_after_checkpoint(5, signal.SIGTERM) == 143
    last = run.metrics()[-1][0]
    assert run.resume() == last
    run.file["params"]["epochs"] = last + 2
    assert [step for step, _ in run.succeed().metrics()] == [last + 1, last + 2]


def test_two_processes_train_one_model_and_resume(tmp_path: Path) -> None:
    params: dict[str, Any] = {
        **HARD,
        "processes": 2,
        "epochs": 4,
        "scheduler": None,
        "scheduler_args": {},
    }
    alone = run_of(tmp_path / "alone", **params).succeed()
    assert alone.accuracy() >= 0.9
    assert [step for step, _ in alone.metrics()] == [1, 2, 3, 4]
    resumed = run_of(tmp_path / "resumed", **params).succeed()
    assert untimed(resumed) == untimed(alone)
    assert resumed.resume(at=2) == 2
    assert resumed.succeed().predictions() == alone.predictions()


def test_user_code_workers_and_bf16_repeat_bit_by_bit(tmp_path: Path) -> None:
    params: dict[str, Any] = {
        "dataset_function": "usercode:sizes",
        "dataset_args": {"noise": 0.2},
        "train_function": "usercode:smoothed",
        "num_workers": 2,
        "precision": "bf16",
        "epochs": 6,
    }
    runs = [run_of(tmp_path / name, **params).succeed() for name in "ab"]
    assert runs[0].accuracy() >= 0.9
    assert runs[0].predictions() == runs[1].predictions()
    assert untimed(runs[0]) == untimed(runs[1])
    with runs[0].serve() as conversation:
        (answer,) = conversation.predict([[50.0, 15.0, 220.0]])
        assert answer["label"] == "Gentoo"
        with pytest.raises(RequestError, match="shape"):
            conversation.predict([[1.0]])


def test_image_folders_are_decoded_and_served(tmp_path: Path) -> None:
    if not has("PIL"):
        pytest.skip("this Python has no Pillow")
    run = run_of(tmp_path / "run", epochs=15, image_size=8)
    make = (
        "import sys, numpy, pathlib; from PIL import Image\n"
        "from sklearn.datasets import load_digits\n"
        "digits = load_digits()\n"
        "for at in [at for at in range(600) if digits.target[at] < 3]:\n"
        "    part = 'test' if at % 4 == 0 else 'train'\n"
        "    folder = pathlib.Path(sys.argv[1], part, str(digits.target[at]))\n"
        "    folder.mkdir(parents=True, exist_ok=True)\n"
        "    pixels = (digits.images[at] * 15).astype(numpy.uint8)\n"
        "    Image.fromarray(pixels).save(folder / f'{at}.png')\n"
    )
    subprocess.run([interpreter(), "-c", make, str(tmp_path)], check=True)
    run.file["dataset"].update(format="image_folder", target=None)
    for name, split in run.file["dataset"]["splits"].items():
        split["path"] = str(tmp_path / name)
    assert run.succeed().accuracy() >= 0.95
    model = json.loads((run.dir / "artifacts" / "model.json").read_text(encoding="utf-8"))
    assert model["input"] == {"kind": "image", "channels": 3, "height": 8, "width": 8}


def test_export_is_compared_or_says_what_it_needs(tmp_path: Path) -> None:
    run = run_of(tmp_path, epochs=2).succeed()
    if has("onnx") and has("onnxruntime"):
        report = json.loads((run.export("onnx") / "export.json").read_text(encoding="utf-8"))
        assert report["compared_rows"] == 64
        assert 0 <= report["max_abs_difference"] <= report["tolerance"] <= 1e-3
    else:
        with pytest.raises(NotServed) as refused:
            run.export("onnx")
        assert refused.value.code == 69
        assert "pip install onnx" in str(refused.value)


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"epochs": 0}, "params.epochs", "whole number from 1"),
    ({"model": "usercode:Nois"}, "params.model", "did you mean Noisy?"),
    ({"model": "nowhere:Model"}, "params.model", "cannot be imported"),
    ({"model": "usercode:TooWide"}, "params.model", "[2, 99]"),
    ({"model_args": {"widht": 3}}, "params.model_args", "widht"),
    ({"optimizer": "AdamX"}, "params.optimizer", "did you mean"),
    ({"optimizer_args": {"betas": [2, 3]}}, "params.optimizer_args", "beta"),
    ({"precision": "fp16"}, "params.precision", "GPU"),
    ({"early_stopping_epochs": 2}, "params.early_stopping_epochs", "validation"),
    ({"exclude": ["colour"], "processes": 2}, "params.exclude", "colour"),
]
TOGETHER = """
import json, sys
folder, project, *runs = sys.argv[1:]
sys.path[:0] = [project, folder]
from mlhub_adapter.adapter import execute
from mlhub_pytorch.adapter import PyTorch
print(json.dumps([execute(PyTorch(project), ["train", run]) for run in runs]))
"""


def test_wrong_params_are_refused_by_name(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / str(at), **params) for at, (params, _, _) in enumerate(WRONG)]
    for run in runs:
        run.write()
    # One process, which loads torch once.
    program = runs[0].start(
        [interpreter(), "-c", TOGETHER, str(FOLDER), str(PROJECT)], [str(run.dir) for run in runs]
    )
    said, problems = program.communicate(timeout=TIME_LIMIT_SECONDS)
    assert program.returncode == 0, problems
    assert json.loads(said.splitlines()[-1]) == [64] * len(WRONG)
    for run, (_, field, part) in zip(runs, WRONG, strict=True):
        (error,) = run.told("error")
        assert error["field"] == field
        assert part in error["message"]


def test_a_label_that_training_rows_lack_is_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    path = tmp_path / "test.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Gentoo", "Emperor"))
    code, field, message = run.refusal()
    assert (code, field) == (65, "dataset.target")
    assert "Emperor" not in message
