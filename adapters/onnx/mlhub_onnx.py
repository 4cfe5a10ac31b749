"""The ``onnx`` adapter: takes a finished model, evaluates it, and predicts with it.

Nothing is learned here: training means to check the model, to say what it takes and gives,
and to run it on the splits that are asked for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mlhub_adapter import Adapter, Run, failure, serving
from mlhub_adapter.table import label

import onnx_inputs
import onnx_outputs
from onnx_inputs import Plan, WrongCell
from onnx_outputs import Reading
from onnx_session import Session, Unusable

if TYPE_CHECKING:
    import numpy.typing as npt
    from mlhub_adapter.serving import Model

    Array = npt.NDArray[Any]

ADAPTER_PREFIX = "{adapter}/"
MODEL_FILE = "model.onnx"
SETTINGS_FILE = "onnx.json"
FIELD = "params.model"


class Onnx(Adapter):
    """Any ONNX model of tables, vectors, tensors and images."""

    def train(self, run: Run) -> None:
        """Takes the model."""
        content = self._read(run)
        try:
            session = Session(content)
            self._take(run, session, content)
        except Unusable as error:
            run.refuse(FIELD, str(error))

    def load(self, model: Model) -> serving.Served:
        """The model, ready to predict."""
        settings = json.loads(model.file(SETTINGS_FILE).read_text(encoding="utf-8"))
        try:
            session = Session(model.file(MODEL_FILE).read_bytes())
        except Unusable as error:
            raise failure.config("model.path", str(error)) from None
        plan, reading = Plan(**settings["input"]), Reading(**settings["output"])
        return ServedOnnx(session, plan, reading, model)

    def _read(self, run: Run) -> bytes:
        named: str = run.params["model"]
        path = Path(named)  # The working directory is the project.
        if named.startswith(ADAPTER_PREFIX):
            path = self.folder / named.removeprefix(ADAPTER_PREFIX)
        try:
            return path.read_bytes()
        except OSError as error:
            run.refuse(FIELD, f"{named} cannot be read: {error.strerror}")

    def _take(self, run: Run, session: Session, content: bytes) -> None:
        splits = {name: _Split(run, name) for name in run.predict_splits if run.file.dataset}
        first = next(iter(splits.values()), None)
        columns = first.features(run) if first else []
        images = first is not None and first.is_image
        plan = onnx_inputs.make(session, run.params, columns, images=images)
        has_target = run.file.dataset is not None and run.file.dataset.target is not None
        reading = onnx_outputs.make(session, run.params, run.task)
        fed = {name: split.feed(run, session, plan) for name, split in splits.items()}
        _tell_entry(run, session, fed)
        found = {}
        timings = {}
        for name, feed in fed.items():
            begun = time.perf_counter()
            found[name] = session.run(feed, reading.output, batch_size=run.params["batch_size"])
            rows = len(next(iter(feed.values())))
            timings[f"time/latency_ms/{name}"] = (time.perf_counter() - begun) * 1000 / rows
        sample = [row for rows in found.values() for row in rows]
        if sample:
            reading = reading.settled(sample)
        elif reading.scores == "auto" and reading.labels:
            run.refuse("params.scores", "without a split to look at, say what the scores are")
        sizes = {"model/size_bytes": len(content), "model/nodes": session.nodes}
        run.log({**sizes, **timings}, step=0)
        for name, outcome in found.items():
            if reading.task and (has_target or images):
                _predictions(run, splits[name], reading, outcome)
        run.artifact(MODEL_FILE, content, kind="model")
        settings = {"input": plan.to_json(), "output": reading.to_json()}
        run.artifact(SETTINGS_FILE, json.dumps(settings, indent=1) + "\n", kind="model")
        run.model(input=plan.described(session), output=_described(run, reading), task=reading.task)


class _Split:
    """Rows of a table, or files of an image folder."""

    def __init__(self, run: Run, name: str) -> None:
        self.name = name
        self.is_image = run.dataset.format == "image_folder"
        if self.is_image:
            self.images = run.images(name)
            self.ids = [image.id for image in self.images]
            self.target = [image.label for image in self.images]
            return
        self.columns = run.columns(name)
        self.ids = run.ids(self.columns)
        target = run.dataset.target
        if target is not None and target not in self.columns:
            run.refuse("dataset.target", f"split {name} has no column {target!r}", code=65)
        self.target = [label(cell) for cell in self.columns[target]] if target else []

    def features(self, run: Run) -> list[str]:
        if self.is_image:
            return []
        apart = {run.dataset.target, run.dataset.id, *run.params["exclude"]}
        for field in ("exclude", "columns"):
            for name in run.params[field]:
                if name not in self.columns:
                    run.refuse(f"params.{field}", f"the dataset has no column {name!r}")
        found = run.params["columns"] or [name for name in self.columns if name not in apart]
        if not found:
            run.refuse("dataset", "has no column left to feed to the model", code=65)
        return list(found)

    def feed(self, run: Run, session: Session, plan: Plan) -> dict[str, Array]:
        import numpy as np

        field = f"dataset.splits.{self.name}"
        if not self.ids:
            run.refuse(field, "has no rows", code=65)
        if not self.is_image:
            for column in plan.columns:
                if column not in self.columns:
                    run.refuse(field, f"split {self.name} has no column {column!r}", code=65)
            try:
                return plan.feed(session, self.columns)
            except WrongCell as wrong:
                where = f"split {self.name}, column {wrong.column!r}, row {wrong.row}"
                run.refuse(field, f"{where}: the cell {wrong.message}", code=65)
        rows = []
        for row, image in enumerate(self.images):
            try:
                rows.append(plan.pixels(session, image.path.read_bytes()))
            except ValueError as error:
                run.refuse(field, f"split {self.name}: the file of row {row} {error}", code=65)
        return {session.inputs[0].name: np.stack(rows)}


class ServedOnnx(serving.Served):
    """A model that answers single inputs."""

    def __init__(self, session: Session, plan: Plan, reading: Reading, model: Model) -> None:
        self._session, self._plan, self._reading = session, plan, reading
        self._input = model.input
        self._batch_size: int = model.params["batch_size"]

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each input."""
        import numpy as np

        serving.check_options(options)
        if not inputs:
            return []
        reading = self._reading
        found = self._session.run(self._feed(inputs), reading.output, batch_size=self._batch_size)
        if reading.labels:
            return serving.class_outputs(reading.class_scores(found), reading.labels)
        if reading.task == "regression":
            return serving.value_outputs(reading.values(found))
        return [{"value": np.asarray(row).tolist()} for row in found]

    def _feed(self, inputs: list[Any]) -> dict[str, Array]:
        import numpy as np

        if self._input["kind"] == "image":
            rows = []
            for at, value in enumerate(inputs):
                content = serving.image_bytes(value, f"inputs.{at}")
                try:
                    rows.append(self._plan.pixels(self._session, content))
                except ValueError as error:
                    raise serving.Invalid(f"inputs.{at}.base64", str(error)) from None
            return {self._session.inputs[0].name: np.stack(rows)}
        if self._input["kind"] == "table":
            return self._feed_table(inputs)
        return self._plan.feed_tensors(self._session, inputs)

    def _feed_table(self, inputs: list[Any]) -> dict[str, Array]:
        # As the kit's own encoding, but that texts go to the model as they are.
        columns = self._input["columns"]
        numbers = [column for column in columns if column["type"] == "number"]
        texts = [column["name"] for column in columns if column["type"] == "text"]
        rows = [_without(row, texts) for row in inputs]
        table = serving.table({"columns": numbers}, rows)
        cells: dict[str, Any] = dict(zip(table.names, table.columns, strict=True))
        for name in texts:
            cells[name] = [row.get(name) for row in inputs]
            for at, cell in enumerate(cells[name]):
                if cell is not None and not isinstance(cell, str):
                    raise serving.Invalid(f"inputs.{at}.{name}", "must be a text")
        try:
            return self._plan.feed(self._session, cells)
        except WrongCell as wrong:
            raise serving.Invalid(f"inputs.{wrong.row}.{wrong.column}", wrong.message) from None


def _without(row: Any, names: list[str]) -> Any:
    if not isinstance(row, dict):
        return row
    return {name: cell for name, cell in row.items() if name not in names}


def _tell_entry(run: Run, session: Session, fed: Mapping[str, Mapping[str, Array]]) -> None:
    import onnxruntime

    splits = {
        name: {
            port: values if values.dtype != object else {"shape": list(values.shape)}
            for port, values in feed.items()
        }
        for name, feed in fed.items()
    }
    run.entry(
        splits,
        library=f"onnxruntime {onnxruntime.__version__}",
        provider="CPUExecutionProvider",
        opsets=session.opsets,
        ir_version=session.ir_version,
        inputs={port.name: port.described() for port in session.inputs},
        outputs={port.name: port.described() for port in session.outputs},
    )


def _predictions(run: Run, split: _Split, reading: Reading, found: Any) -> None:
    import numpy as np

    told: dict[str, Any] = {"ids": split.ids, "y_true": split.target, "task": reading.task}
    if not reading.labels:
        values = reading.values(found)
        if not np.isfinite(values).all():
            _not_finite(run, split)
        run.predictions(split.name, y_pred=values, **told)
        return
    known = set(reading.labels)
    for row, truth in enumerate(split.target):
        if truth not in known:
            where = f"split {split.name} has in row {row} a class the model does not have"
            run.refuse("dataset.target", f"{where}; see params.labels", code=65)
    scores = reading.class_scores(found)
    if not np.isfinite(scores).all():
        _not_finite(run, split)
    run.predictions(split.name, y_score=scores, labels=reading.labels, **told)


def _not_finite(run: Run, split: _Split) -> NoReturn:
    run.refuse(
        f"dataset.splits.{split.name}",
        f"the model's output on split {split.name} is not finite; it may not take missing cells",
        code=65,
    )


def _described(run: Run, reading: Reading) -> dict[str, Any]:
    if reading.labels:
        return {"kind": "classes", "labels": reading.labels}
    if reading.task == "regression":
        target = run.file.dataset.target if run.file.dataset else None
        return {"kind": "value", "name": target or reading.output}
    return {"kind": "tensor"}
