"""What every adapter of a boosting library must do; each has a test class made of this.

Runs the real adapter on the Palmer penguins, with the libraries of its own environment.
"""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path
from typing import Any
from xml.dom import minidom

import pytest

from mlhub_adapter.testing import (
    TIME_LIMIT_SECONDS,
    Conversation,
    NotServed,
    RequestError,
    RunDirectory,
    interpreter,
)

ROUNDS = 60
TOGETHER = """
import importlib, json, pathlib, sys
folder, *runs = sys.argv[1:]
sys.path.insert(0, folder)
from mlhub_adapter.adapter import execute
from mlhub_adapter.boosting import BoostingAdapter
importlib.import_module(next(pathlib.Path(folder).glob("mlhub_*.py")).stem)
(adapter,) = BoostingAdapter.__subclasses__()
print(json.dumps([execute(adapter(), [run]) for run in runs]))
"""


class BoostingContract:
    """Set ``folder``, and params that draw random numbers: resuming must not depend on
    where a generator stood."""

    folder: Path
    sampling: dict[str, Any]
    model_file: str
    refused: dict[str, Any]
    """Arguments that the library itself refuses, and what it then speaks of."""
    refused_part: str
    binary_objective: str

    def penguins(self, folder: Path, *, text: str | None = None, **params: Any) -> RunDirectory:
        """Which species it is, by place, sizes and sex."""
        return self._run(folder, text, params, target="species", task="multiclass")

    def weights(self, folder: Path, **params: Any) -> RunDirectory:
        """How much a penguin weighs."""
        return self._run(folder, None, params, target="body_mass_g", task="regression")

    def sexes(self, folder: Path, **params: Any) -> RunDirectory:
        """Two classes."""
        return self._run(folder, None, params, target="sex", task="binary")

    def _run(
        self, folder: Path, text: str | None, params: dict[str, Any], *, target: str, task: str
    ) -> RunDirectory:
        text = text or (self.folder / "smoke.csv").read_text(encoding="utf-8")
        command = [interpreter(), str(self.folder / "train.py")]
        params = {"rounds": ROUNDS, "learning_rate": 0.2, **params}
        return RunDirectory(folder, command, params=params, text=text, target=target, task=task)

    def artifact(self, run: RunDirectory, name: str) -> Path:
        path = run.dir / "artifacts" / name
        assert {"path": f"artifacts/{name}"}.items() <= next(
            told for told in run.told("artifact") if told["path"].endswith(name)
        ).items()
        return path

    def test_classes_are_learned_with_categories_and_curves(self, tmp_path: Path) -> None:
        run = self.penguins(tmp_path, validation_fraction=0.2).succeed()
        assert run.accuracy() >= 0.95
        header, *rows = run.predictions()
        assert header == [
            "id",
            "y_true",
            "y_pred",
            *(f"y_score_{name}" for name in ("Adelie", "Chinstrap", "Gentoo")),
        ]
        for row in rows:
            assert sum(map(float, row[3:])) == pytest.approx(1, abs=1e-5)
        metrics = dict(run.metrics())
        assert list(metrics) == list(range(1, ROUNDS + 1))
        assert metrics[ROUNDS]["train/loss"] < metrics[1]["train/loss"] / 4
        assert metrics[ROUNDS]["validation/accuracy"] >= 0.95
        (entry,) = run.told("entry")
        assert entry["splits"]["train"]["categorical"] == {"columns": 2, "missing_or_new": 0}
        assert self.artifact(run, self.model_file).stat().st_size > 1000
        inputs = json.loads(self.artifact(run, "inputs.json").read_text(encoding="utf-8"))
        assert inputs["categories"]["island"] == ["Biscoe", "Dream", "Torgersen"]
        self._check_importance(run)

    def _check_importance(self, run: RunDirectory) -> None:
        """It is a table and a plot."""
        with open(self.artifact(run, "feature_importance.csv"), encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        assert header[0] == "feature"
        assert {row[0] for row in rows[:3]} & {"bill_length_mm", "flipper_length_mm"}
        assert len(rows) == 6
        values = [float(row[1]) for row in rows]
        assert values == sorted(values, reverse=True)
        assert values[0] > 0
        plot = minidom.parse(str(self.artifact(run, "feature_importance.svg")))
        assert rows[0][0] in plot.toxml()

    def test_two_classes_and_values_are_learned(self, tmp_path: Path) -> None:
        assert self.sexes(tmp_path / "binary").succeed().accuracy() >= 0.8
        run = self.weights(tmp_path / "values").succeed()
        rows = [(float(row[1]), float(row[2])) for row in run.predictions()[1:]]
        error = (sum((truth - said) ** 2 for truth, said in rows) / len(rows)) ** 0.5
        assert error < 450, "grams; the spread of the weights is 800"
        last = run.metrics()[-1][1]
        assert last["train/loss"] == pytest.approx(last["train/rmse"] ** 2)

    def test_it_ends_early_and_keeps_the_best_round(self, tmp_path: Path) -> None:
        params = {"validation_fraction": 0.3, "early_stopping_rounds": 5, "learning_rate": 0.5}
        run = self.weights(tmp_path, rounds=2000, **params).succeed()
        losses = [metrics["validation/loss"] for _, metrics in run.metrics()]
        best = losses.index(min(losses)) + 1
        assert len(losses) == best + 5
        inputs = json.loads(self.artifact(run, "inputs.json").read_text(encoding="utf-8"))
        assert inputs["rounds"] == best
        alone = self.weights(tmp_path / "alone", rounds=best, validation_fraction=0.3)
        alone.file["params"]["learning_rate"] = 0.5
        assert alone.succeed().predictions() == run.predictions()

    @pytest.mark.parametrize("target", ["penguins", "sexes", "weights"])
    def test_a_served_model_answers_as_the_predictions_file(
        self, tmp_path: Path, target: str
    ) -> None:
        run = getattr(self, target)(tmp_path, validation_fraction=0.2, early_stopping_rounds=5)
        run.file["params"]["learning_rate"] = 0.5
        header, *expected = run.succeed().predictions()
        labels = [name[len("y_score_") :] for name in header[3:]]
        inputs = self.inputs(run)
        assert len(inputs) == len(expected) > 50
        with run.serve() as worker:
            assert worker.ready["capabilities"] == ["predict"]
            outputs = worker.predict(inputs)
            (alone,) = worker.predict(inputs[7:8])
            self._check_refusals(worker, inputs[0])
        assert alone == outputs[7]
        for row, output in zip(expected, outputs):
            if labels:
                assert output["label"] == row[2]
                assert output["scores"] == dict(zip(labels, map(float, row[3:])))
            else:
                assert output == {"value": float(row[2])}

    def inputs(self, run: RunDirectory) -> list[dict[str, Any]]:
        """Rows of the test split as the model's single inputs."""
        description = self.artifact(run, "model.json").read_text(encoding="utf-8")
        columns = json.loads(description)["input"]["columns"]
        path = run.file["dataset"]["splits"]["test"]["path"]
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [
            {
                column["name"]: float(cell) if column["type"] == "number" else cell
                for column in columns
                if (cell := row[column["name"]]) not in ("", "NA")
            }
            for row in rows
        ]

    def _check_refusals(self, worker: Conversation, good: dict[str, Any]) -> None:
        for wrong, field, part in (
            ({"island": "Atlantis"}, "inputs.1.island", "one of Biscoe, Dream, Torgersen"),
            ({"bill_depth_mm": "Atlantis"}, "inputs.1.bill_depth_mm", "a finite number"),
            ({"iland": "Dream"}, "inputs.1.iland", "did you mean island?"),
        ):
            with pytest.raises(RequestError) as refused:
                worker.predict([good, {**good, **wrong}])
            assert (refused.value.code, refused.value.field) == ("invalid", field)
            assert part in refused.value.message
            assert "Atlantis" not in refused.value.message
        with pytest.raises(RequestError, match=r"options\.rounds"):
            worker.predict([good], {"rounds": 3})

    def test_a_damaged_model_is_refused_by_its_field(self, tmp_path: Path) -> None:
        run = self.weights(tmp_path, rounds=3).succeed()
        (run.dir / "artifacts" / self.model_file).write_bytes(b"torn")
        with pytest.raises(NotServed) as refused, run.serve():
            pass
        assert (refused.value.code, refused.value.field) == (64, "model.path")
        (run.dir / "artifacts" / "model.json").write_text("{", encoding="utf-8")
        with pytest.raises(NotServed, match="is damaged"), run.serve():
            pass

    @pytest.mark.parametrize("target", ["penguins", "weights"])
    def test_killed_and_resumed_equals_uninterrupted(self, tmp_path: Path, target: str) -> None:
        params = {
            **self.sampling,
            "checkpoint_every": 10,
            "validation_fraction": 0.2,
            "rounds": 300,
            "learning_rate": 0.05,
        }
        make = getattr(self, target)
        alone = make(tmp_path / "alone", **params).succeed()
        killed = make(tmp_path / "killed", **params)
        assert killed.stop_after_checkpoint(10, signal.SIGKILL) == -signal.SIGKILL
        step = killed.resume()
        assert step < 300, "it was to be killed on its way"
        killed.succeed()
        assert killed.predictions() == alone.predictions()
        assert killed.metrics() == [told for told in alone.metrics() if told[0] > step]

    def test_early_stopping_goes_on_after_resuming(self, tmp_path: Path) -> None:
        params = {
            **self.sampling,
            "checkpoint_every": 5,
            "validation_fraction": 0.3,
            "early_stopping_rounds": 12,
            "learning_rate": 0.3,
            "rounds": 1000,
        }
        alone = self.weights(tmp_path / "alone", **params).succeed()
        resumed = self.weights(tmp_path / "resumed", **params).succeed()
        # The last checkpoint lies after the best round.
        step = resumed.resume()
        resumed.succeed()
        assert resumed.predictions() == alone.predictions()
        assert resumed.metrics() == [told for told in alone.metrics() if told[0] > step]

    def test_more_rounds_go_on_from_a_finished_run(self, tmp_path: Path) -> None:
        params = {**self.sampling, "checkpoint_every": 10}
        long = self.weights(tmp_path / "long", rounds=40, **params).succeed()
        grown = self.weights(tmp_path / "grown", rounds=20, **params).succeed()
        assert grown.resume() == 20
        grown.file["params"]["rounds"] = 40
        assert grown.succeed().predictions() == long.predictions()

    def test_sigterm_ends_it_and_it_can_be_resumed(self, tmp_path: Path) -> None:
        params = {**self.sampling, "checkpoint_every": 10, "rounds": 100_000}
        run = self.weights(tmp_path, **params)
        assert run.stop_after_checkpoint(10, signal.SIGTERM) == 143
        step = run.resume()
        run.file["params"]["rounds"] = step + 5
        run.succeed()
        assert [told[0] for told in run.metrics()] == list(range(step + 1, step + 6))

    def test_missing_cells_and_new_categories_are_no_obstacle(self, tmp_path: Path) -> None:
        header, *rows = (self.folder / "smoke.csv").read_text(encoding="utf-8").splitlines()
        holes = [row.split(",") for row in rows]
        for at, cells in enumerate(holes):
            cells[at % 4 + 1] = "" if at % 7 == 0 else cells[at % 4 + 1]
        holes[0][0] = "Atlantis"  # Row 0 is of the test split.
        text = "\n".join([header, *map(",".join, holes)]) + "\n"
        assert self.penguins(tmp_path, text=text).succeed().accuracy() >= 0.9

    def together(self, runs: list[RunDirectory]) -> list[int]:
        """Runs in one process, which loads the library once; returns their exit codes."""
        for run in runs:
            run.write()
        program = runs[0].start(
            [interpreter(), "-c", TOGETHER, str(self.folder)], [str(run.dir) for run in runs]
        )
        said, problems = program.communicate(timeout=TIME_LIMIT_SECONDS)
        assert program.returncode == 0, problems
        codes: list[int] = json.loads(said.splitlines()[-1])
        return codes

    def test_wrong_params_are_refused_by_name(self, tmp_path: Path) -> None:
        wrong: list[tuple[dict[str, Any], str, str]] = [
            ({"rounds": 0}, "params.rounds", "whole number from 1"),
            ({"learning_rat": 1}, "params.learning_rat", "did you mean learning_rate?"),
            ({"objective": "nothing"}, "params.objective", "one of"),
            ({"objective": self.binary_objective}, "params.objective", "multiclass"),
            ({"early_stopping_rounds": 5}, "params.early_stopping_rounds", "validation"),
            ({"categorical": ["colour"]}, "params.categorical", "colour"),
            ({"exclude": ["colour"]}, "params.exclude", "colour"),
            ({"arguments": {"random_state": 1}}, "params.arguments.random_state", "seeds"),
            ({"arguments": {"no_such": 1}}, "params.arguments.no_such", "not an argument"),
            ({"arguments": self.refused}, "params.arguments", self.refused_part),
        ]
        runs = [
            self.penguins(tmp_path / str(at), **params) for at, (params, _, _) in enumerate(wrong)
        ]
        assert self.together(runs) == [64] * len(wrong)
        for run, (_, field, part) in zip(runs, wrong):
            (error,) = run.told("error")
            assert error["field"] == field
            assert part in error["message"]
            assert len(error["message"].splitlines()) == 1

    def test_every_objective_trains(self, tmp_path: Path) -> None:
        schema = json.loads((self.folder / "schema.json").read_text(encoding="utf-8"))
        objectives = list(filter(None, schema["properties"]["objective"]["enum"]))
        runs = [
            make(tmp_path / f"{at}-{make.__name__}", objective=objective, rounds=3)
            for at, objective in enumerate(objectives)
            for make in (self.sexes, self.penguins, self.weights)
        ]
        codes = self.together(runs)
        trained = [run.file["params"]["objective"] for run, code in zip(runs, codes) if code == 0]
        # Each belongs to one task, and is refused for the others.
        assert sorted(trained) == sorted(objectives)
        for run, code in zip(runs, codes):
            if code == 0:
                assert len([metrics["train/loss"] for _, metrics in run.metrics()]) == 3
            else:
                assert run.told("error")[0]["field"] == "params.objective"
