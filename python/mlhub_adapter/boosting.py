"""What adapters of gradient boosting share: rounds with their curves, early stopping,
checkpoints, importance, predictions, ONNX files.

Rounds are grown in segments that end where checkpoints are due. After each the run goes on
from its own checkpoint, exactly as a resumed run would; so a killed and resumed run ends in
the same bits, whatever generators a library keeps to itself. Knows no library.
"""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from array import array
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Callable

from mlhub_adapter import failure, onnx_export, onnx_trees, ranking, serving
from mlhub_adapter.adapter import Adapter
from mlhub_adapter.seeding import pin_threads
from mlhub_adapter.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from mlhub_adapter.checkpoint import Checkpoint
    from mlhub_adapter.files import Content
    from mlhub_adapter.run import Run
    from mlhub_adapter.serving import Model
    from mlhub_adapter.table import Data

STATE_FILE = "state.json"
INPUTS_FILE = "inputs.json"
"""What the final model is made of, in the terms of boosting."""

LOSS = "validation/loss"
"""The metric that early stopping watches; less is better."""

NDCG_AT = 10
"""Ranks that count in the NDCG of the curves of rankings, whose loss is 1 less it."""

EXPORT_ROWS = 256
EXPORT_TOLERANCE = 1e-5
"""Relative to the greatest score. Libraries add up in double precision, graphs in single."""

Tell = Callable[[int, Mapping[str, float]], bool]
"""Takes a round's number and metrics; says whether to go on."""


@dataclass
class Watch:
    """Looks for the best round, and for the end."""

    patience: int
    """Rounds without a better one until the end; 0 looks for no end."""
    best_step: int = 0
    best_loss: float = math.inf
    last_step: int = 0

    def see(self, step: int, metrics: Mapping[str, float]) -> None:
        """Takes a round's metrics into account."""
        self.last_step = step
        loss = metrics.get(LOSS, math.nan)
        if loss < self.best_loss:
            self.best_step, self.best_loss = step, loss

    @property
    def over(self) -> bool:
        """Whether no better round came for as long as it was waited."""
        return 0 < self.patience <= self.last_step - self.best_step

    @property
    def rounds(self) -> int:
        """Rounds of the final model."""
        return self.best_step if self.patience and self.best_step else self.last_step


class Booster:
    """A model under way; what an adapter of a library provides."""

    stops_anywhere = False
    """Whether a checkpoint between two segments can be gone on from bit by bit."""

    @abstractmethod
    def advance(self, first: int, last: int, tell: Tell) -> int:
        """Grows rounds ``first`` to ``last``, counted from 1, telling of each; returns the
        last one grown, which is less when it was told not to go on."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Writes all that later rounds depend on."""

    @abstractmethod
    def predict(self, table: Table, *, rounds: int) -> Any:
        """Scores ``[rows, classes]``, or ``[rows]`` of the second of two, or values."""

    @abstractmethod
    def importance(self, *, rounds: int) -> dict[str, list[float]]:
        """Measures of importance with a value per feature; the first one is drawn."""

    @abstractmethod
    def export(self, path: Path, *, rounds: int) -> None:
        """Writes the final model in the library's own format."""

    @abstractmethod
    def trees(self, *, rounds: int) -> onnx_trees.Ensemble:
        """The final model's trees; refuses, by the field ``export.format``, what cannot be
        said so. Only asked for models without categories."""


class BoostingAdapter(Adapter):
    """An adapter of a library of gradient boosting.

    Its params have ``rounds``, ``early_stopping_rounds``, ``validation_fraction``,
    ``checkpoint_every``, ``categorical``, ``exclude``, ``group``, ``threads``, ``objective``
    and ``arguments``; the others are its own. With the task ``ranking`` its data are
    :class:`mlhub_adapter.ranking.RankingData`.
    """

    library: str
    """The module's name."""
    model_file: str
    """Name of the final model's file."""
    objectives: Mapping[str, Collection[str]]
    """Objectives by task; the first is the default."""
    may_change: Collection[str] = ("rounds",)
    """Params that only say how far to train."""

    threads = None  # Said by a param, and pinned before the library is loaded.

    @abstractmethod
    def start(self, run: Run, data: Data, saved: Path | None, *, done: int) -> Booster:
        """A booster from nothing, or from what :meth:`Booster.save` wrote after ``done``
        rounds. A library's own refusals may be raised as :meth:`errors`."""

    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """Exceptions by which the library refuses arguments."""

    @abstractmethod
    def open(self, path: Path, *, params: Mapping[str, Any], objective: str) -> Booster:
        """The final model that :meth:`Booster.export` wrote, to predict with."""

    def train(self, run: Run) -> None:
        """Trains, predicts, and tells what mattered."""
        params = run.params
        pin_threads(params["threads"])
        data = self._data(run)
        if params["early_stopping_rounds"] and data.validation is None:
            run.refuse(
                "params.early_stopping_rounds",
                "needs validation rows: give the dataset a split named validation, or set "
                "params.validation_fraction",
            )
        library = f"{self.library} {import_module(self.library).__version__}"
        more: dict[str, Any] = {}
        if isinstance(data, ranking.RankingData):
            more["queries"] = {split: len(data.sizes(split)) for split in data.queries}
        run.entry(data, library=library, objective=self.objective(run, data), **more)
        # Checkpoints of releases without the param are those of runs without queries.
        said = {key: value for key, value in params.items() if (key, value) != ("group", None)}
        saved = run.resume(
            may_change=self.may_change, params=said, features=data.train.names, library=library
        )
        try:
            booster, watch = self._learn(run, data, saved)
            self._finish(run, data, booster, watch)
        except self.errors() as error:
            raise failure.config("params.arguments", _first_line(error)) from None

    def _data(self, run: Run) -> Data:
        params = run.params
        group: str | None = params["group"]
        if run.task == ranking.TASK and group is None:
            run.refuse("params.group", "ranking needs queries; name the column that tells them")
        if group is None:
            return run.tables(
                exclude=params["exclude"],
                categorical=params["categorical"],
                validation_fraction=params["validation_fraction"],
                allows_missing=True,
            )
        if run.task not in (None, ranking.TASK):
            run.refuse("params.group", f"is for the task {ranking.TASK}, and this is {run.task}")
        return ranking.load(
            run,
            group=group,
            exclude=params["exclude"],
            categorical=params["categorical"],
            validation_fraction=params["validation_fraction"],
        )

    def export(self, run: Run, model: Model) -> None:
        """The final model as ONNX, where its features are numbers."""
        onnx_export.only_onnx(run)
        onnx_export.only_numbers(model)
        onnx_export.require("onnx", "onnxruntime")
        served = self.load(model)
        trees = served.booster.trees(rounds=served.rounds)
        labels = model.output.get("labels", ())
        names = [column["name"] for column in model.input["columns"]]
        content = onnx_trees.model(trees, names=names, labels=labels)
        onnx_export.export(
            run,
            lambda path: path.write_bytes(content),
            rows=onnx_trees.rows(trees, EXPORT_ROWS, seed=run.small_seed, missing=True),
            original=lambda rows: served.scores(rows, names),
            tolerance=EXPORT_TOLERANCE,
            is_relative=True,
        )

    def load(self, model: Model) -> BoostingServed:
        """The final model, to predict with."""
        pin_threads(model.params["threads"])
        objective = model.params["objective"] or next(iter(self.objectives[str(model.task)]))
        path = model.file(self.model_file)
        rounds = json.loads(model.file(INPUTS_FILE).read_text(encoding="utf-8"))["rounds"]
        try:
            booster = self.open(path, params=model.params, objective=objective)
        except self.errors() as error:
            raise failure.config("model.path", _first_line(error)) from None
        return BoostingServed(model, booster, rounds=rounds)

    def objective(self, run: Run, data: Data) -> str:
        """The objective: that of the params, or the task's own."""
        asked: str | None = run.params["objective"]
        known = list(self.objectives[data.task])
        if asked is not None and asked not in known:
            run.refuse(
                "params.objective",
                f"{asked} is none for the task {data.task}; those are {', '.join(known)}",
            )
        return asked or known[0]

    def arguments(
        self, run: Run, *, known: Collection[str], reserved: Mapping[str, str]
    ) -> dict[str, Any]:
        """The further arguments of the library; ``reserved`` says what stands for a name."""
        given: dict[str, Any] = run.params["arguments"]
        for name in given:
            field = f"params.arguments.{name}"
            if name in reserved:
                run.refuse(field, f"is not to be given here: {reserved[name]}")
            if name not in known:
                what = f"an argument of {self.library} that this adapter passes on"
                raise failure.unknown(field, name, {*known} - {*reserved}, what)
        return given

    def _learn(self, run: Run, data: Data, saved: Checkpoint | None) -> tuple[Booster, Watch]:
        rounds, every = run.params["rounds"], run.params["checkpoint_every"]
        watch = Watch(run.params["early_stopping_rounds"])
        path, done = None, 0
        if saved:
            path, done = saved.file(self.model_file), saved.step
            watch = Watch(**json.loads(saved.read(STATE_FILE)))
        with run.interruptible():
            booster = self.start(run, data, path, done=done)
            while done < rounds and not watch.over:
                goal = min(rounds, done - done % every + every) if every else rounds
                done = booster.advance(done + 1, goal, _teller(run, watch, rounds))
                is_end = done == rounds or watch.over
                if (every and done % every == 0) or (run.stop_requested and booster.stops_anywhere):
                    kept: dict[str, Content] = {
                        self.model_file: booster.save,
                        STATE_FILE: json.dumps(asdict(watch)),
                    }
                    folder = run.checkpoint(kept, step=done)
                    if not is_end:
                        booster = self.start(run, data, folder / self.model_file, done=done)
                if run.stop_requested and not is_end:
                    run.stop()
        return booster, watch

    def _finish(self, run: Run, data: Data, booster: Booster, watch: Watch) -> None:
        rounds = watch.rounds
        for split, table in data.predict.items():
            found = booster.predict(table, rounds=rounds)
            if isinstance(data, ranking.RankingData):
                ranking.write(run, split, table, data.asked[split], found)
                continue
            outcome = {"y_score": found, "labels": data.classes} if data.classes else {}
            run.predictions(
                split,
                ids=table.ids,
                y_true=table.target,
                task=data.task,
                **(outcome or {"y_pred": found}),
            )
        run.artifact(
            self.model_file, lambda path: booster.export(path, rounds=rounds), kind="model"
        )
        inputs = {
            "features": data.train.names,
            "categories": data.train.categories,
            "classes": data.classes,
            "rounds": rounds,
        }
        run.artifact(INPUTS_FILE, json.dumps(inputs, indent=1) + "\n", kind="model")
        name = "score" if data.task == ranking.TASK else run.dataset.target
        output = {"kind": "value", "name": name}
        run.model(
            input=serving.table_input(data, allows_missing=True),
            output={"kind": "classes", "labels": data.classes} if data.classes else output,
            task=data.task,
        )
        self._importance(run, data.train.names, booster.importance(rounds=rounds))

    def _importance(self, run: Run, names: list[str], measures: dict[str, list[float]]) -> None:
        drawn = next(iter(measures))
        order = sorted(range(len(names)), key=lambda at: (-measures[drawn][at], at))
        run.table(
            "feature_importance",
            ["feature", *measures],
            ([names[at], *(values[at] for values in measures.values())] for at in order),
        )
        values = {names[at]: measures[drawn][at] for at in order}
        run.bar_plot("feature_importance", values, title=f"Feature importance: {drawn}")


class BoostingServed(serving.Served):
    """Predicts rows as training did for its splits."""

    def __init__(self, model: Model, booster: Booster, *, rounds: int) -> None:
        self._model = model
        self.booster = booster
        self.rounds = rounds

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """Classes or values; no options."""
        serving.check_options(options)
        table = serving.table(self._model.input, inputs)
        if not inputs:
            return []
        found = self.booster.predict(table, rounds=self.rounds)
        if self._model.output["kind"] == "classes":
            return serving.class_outputs(found, self._model.output["labels"])
        return serving.value_outputs(found)

    def scores(self, rows: Any, names: list[str]) -> Any:
        """Scores ``[rows, classes]`` or values ``[rows]`` of an array of features."""
        import numpy as np

        columns = [array("d", column) for column in rows.T.astype(np.float64)]
        ids = [str(at) for at in range(len(rows))]
        table = Table(names, columns, {}, [""] * len(rows), ids)
        found = np.asarray(self.booster.predict(table, rounds=self.rounds))
        is_second = len(self._model.output.get("labels", ())) == 2 and found.ndim == 1
        return np.stack([1 - found, found], axis=1) if is_second else found


def _teller(run: Run, watch: Watch, rounds: int) -> Tell:
    def tell(step: int, metrics: Mapping[str, float]) -> bool:
        watch.see(step, metrics)
        run.log(metrics, step=step, progress=(step, rounds))
        return not (watch.over or run.stop_requested)

    return tell


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)
