"""What every adapter of a boosting library must do; each has a test class made of this.

Runs the real adapter on the Palmer penguins, with the libraries of its own environment.
"""

from __future__ import annotations

import csv
import json
import math
import signal
from collections.abc import Sequence
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
print(json.dumps([execute(adapter(), json.loads(run)) for run in runs]))
"""


def rankings(penguins: str) -> str:
    """The penguins as 40 queries, those of the test split for themselves; the relevance is
    the quarter of all weights that a row's is in, which is no feature."""
    rows = list(csv.DictReader(penguins.splitlines()))
    weights = sorted(float(row["body_mass_g"]) for row in rows)
    quarters = [weights[len(weights) * part // 4] for part in (1, 2, 3)]
    lines = ["query,relevance,bill_length_mm,bill_depth_mm,flipper_length_mm"]
    for at, row in enumerate(rows):
        relevance = sum(float(row["body_mass_g"]) >= limit for limit in quarters)
        sizes = (row[name] for name in lines[0].split(",")[2:])
        lines.append(",".join([f"q{at % 40}", str(relevance), *sizes]))
    return "\n".join(lines) + "\n"


def ndcg(relevances: list[int]) -> float:
    """Of relevances in the order of the ranking."""

    def gain(ordered: list[int]) -> float:
        gains = ((2.0**value - 1) / math.log2(at + 2) for at, value in enumerate(ordered))
        return math.fsum(gains)

    return gain(relevances) / gain(sorted(relevances, reverse=True))


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

    def queries(self, folder: Path, *, text: str | None = None, **params: Any) -> RunDirectory:
        """Which of a few penguins is the heaviest. Rows of a query stand apart."""
        text = text or rankings((self.folder / "smoke.csv").read_text(encoding="utf-8"))
        params = {"group": "query", **params}
        return self._run(folder, text, params, target="relevance", task="ranking")

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
        columns = self.description(run)["input"]["columns"]
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

    def test_a_damaged_model_and_exports_of_categories_are_refused(self, tmp_path: Path) -> None:
        run = self.weights(tmp_path, rounds=3).succeed()
        with pytest.raises(NotServed, match="column 'island'") as refused:
            run.export("onnx")
        assert (refused.value.code, refused.value.field) == (69, "export.format")
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

    def together(self, runs: list[RunDirectory], exports: Sequence[Path] = ()) -> list[int]:
        """Runs, or exports of their models, in one process, which loads the library once;
        returns their exit codes."""
        for run in runs:
            run.write()
        asked = [["export", str(folder)] for folder in exports]
        program = runs[0].start(
            [interpreter(), "-c", TOGETHER, str(self.folder)],
            [json.dumps(arguments) for arguments in asked or [[str(run.dir)] for run in runs]],
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

    def test_an_exported_model_answers_as_the_predictions_file(self, tmp_path: Path) -> None:
        """Of rows of numbers, some of them missing."""
        header, *rows = (self.folder / "smoke.csv").read_text(encoding="utf-8").splitlines()
        holes = [row.split(",") for row in rows]
        for at, cells in enumerate(holes):
            cells[at % 4 + 1] = "" if at % 7 == 0 else cells[at % 4 + 1]
        text = "\n".join([header, *map(",".join, holes)]) + "\n"
        run = self.penguins(tmp_path, text=text, exclude=["island", "sex"]).succeed()
        artifacts = run.export("onnx")
        report = json.loads((artifacts / "export.json").read_text(encoding="utf-8"))
        assert (report["version"], report["format"], report["compared_rows"]) == (1, "onnx", 256)
        assert 0 <= report["max_abs_difference"] <= report["tolerance"] == 1e-5
        names = [column["name"] for column in self.description(run)["input"]["columns"]]
        features = [[row.get(name) for name in names] for row in self.inputs(run)]
        assert any(None in row for row in features)
        outputs = run.onnx(artifacts / "model.onnx", features)
        expected = run.predictions()[1:]
        assert outputs["label"] == [row[2] for row in expected]
        for row, scores in zip(expected, outputs["probabilities"]):
            assert scores == pytest.approx([float(cell) for cell in row[3:]], abs=1e-6)
        with pytest.raises(NotServed, match="coreml is not known; onnx is") as refused:
            run.export("coreml")
        assert (refused.value.code, refused.value.field) == (69, "export.format")

    def test_rankings_are_learned_by_queries_and_resumed(self, tmp_path: Path) -> None:
        params = {**self.sampling, "validation_fraction": 0.25, "checkpoint_every": 20}
        run = self.queries(tmp_path, early_stopping_rounds=40, **params).succeed()
        header, *rows = run.predictions()
        assert header == ["id", "group", "y_true", "y_score"]
        assert [row[0] for row in rows] == [str(at) for at in range(len(rows))]
        assert [row[1] for row in rows] == [f"q{at * 5 % 40}" for at in range(len(rows))]
        for sign, low, high in ((-1, 0.9, 1.0), (1, 0.0, 0.8)):
            ranked = sorted(rows, key=lambda row: sign * float(row[3]))
            found = [
                ndcg([int(row[2]) for row in ranked if row[1] == query])
                for query in {row[1] for row in rows}
            ]
            assert low <= sum(found) / len(found) <= high
        assert run.told("entry")[0]["queries"] == {"train": 24, "validation": 8}
        metrics = dict(run.metrics())
        assert metrics[20]["train/ndcg"] > metrics[1]["train/ndcg"]
        assert metrics[20]["validation/loss"] == 1 - metrics[20]["validation/ndcg"]
        with run.serve() as worker:
            outputs = worker.predict(self.inputs(run))
        assert outputs == [{"value": float(row[3])} for row in rows]
        assert run.resume(at=20) == 20
        assert run.succeed().predictions() == [header, *rows]
        assert run.metrics() == [told for told in metrics.items() if told[0] > 20]

    def test_what_is_no_ranking_is_refused(self, tmp_path: Path) -> None:
        text = rankings((self.folder / "smoke.csv").read_text(encoding="utf-8"))
        wrong: list[tuple[RunDirectory, int, str, str]] = [
            (self.queries(tmp_path / "0", group=None), 64, "params.group", "name the column"),
            (self.weights(tmp_path / "1", group="sex"), 64, "params.group", "ranking"),
            (self.queries(tmp_path / "2", group="relevance"), 64, "params.group", "the target"),
            (
                self.queries(tmp_path / "3", group="qery"),
                65,
                "dataset.splits.train",
                "did you mean query?",
            ),
            (
                self.queries(tmp_path / "4", text=text.replace("q1,", "q0,")),
                65,
                "dataset.splits.test",
                "shares 1 queries",
            ),
            (
                self.queries(tmp_path / "5", text=text.replace("q1,3", "q1,3.5")),
                65,
                "dataset.target",
                "whole number from 0 to 30",
            ),
            (
                self.queries(tmp_path / "6", text=text.replace("q1,", ",", 1)),
                65,
                "dataset.splits.train",
                "row 0",
            ),
        ]
        assert self.together([run for run, *_ in wrong]) == [code for _, code, *_ in wrong]
        for run, _, field, part in wrong:
            (error,) = run.told("error")
            assert error["field"] == field
            assert part in error["message"]

    def description(self, run: RunDirectory) -> dict[str, Any]:
        """What the model says of itself."""
        text = self.artifact(run, "model.json").read_text(encoding="utf-8")
        said: dict[str, Any] = json.loads(text)
        return said

    def test_every_objective_trains_and_is_exported(self, tmp_path: Path) -> None:
        schema = json.loads((self.folder / "schema.json").read_text(encoding="utf-8"))
        objectives = list(filter(None, schema["properties"]["objective"]["enum"]))
        runs = [
            make(tmp_path / f"{at}-{make.__name__}", objective=objective, rounds=3, exclude=places)
            for at, objective in enumerate(objectives)
            for make, places in (
                (self.sexes, ["species", "island"]),
                (self.penguins, ["island", "sex"]),
                (self.weights, ["species", "island", "sex"]),
                (self.queries, []),
            )
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
        exports = [run.export_directory("onnx") for run, code in zip(runs, codes) if code == 0]
        assert self.together(runs, exports) == [0] * len(objectives)
