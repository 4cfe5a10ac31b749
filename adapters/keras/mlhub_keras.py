"""The ``keras`` adapter: a Keras 3 model, of the project or of layers in the params, trained
on tables.

Every epoch is one call of ``fit`` on rows in an order of the seed and the epoch, so that a
resumed run goes on exactly; weights, the optimizer's state and the seeds of layers are in the
checkpoint. Sets the backend before Keras is loaded, which reads it once.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, failure, serving

import keras_model
import network_inputs
from network_inputs import CODE_FOLDER, Preparation, TargetScale

if TYPE_CHECKING:
    from mlhub_adapter import Data
    from mlhub_adapter.serving import Model

MODEL_FILE = "model.keras"
SETTINGS_FILE = "keras.json"
STATE_FILE = "state.npz"
BEST_FILE = "best.npz"
WATCH_FILE = "watch.json"
MAY_CHANGE = ("epochs", "checkpoint_every")
EXPORT_TOLERANCE = 1e-4
EXPORT_ROWS = 64


class Keras(Adapter):
    """Any Keras model of one input and one output."""

    def train(self, run: Run) -> None:
        """Trains, or goes on; predicts; leaves the model."""
        keras_model.prepare(run.params["backend"])
        data = run.tables(
            exclude=run.params["exclude"],
            categorical=run.params["categorical"],
            validation_fraction=run.params["validation_fraction"],
            allows_missing=True,
        )
        if run.params["early_stopping_patience"] and data.validation is None:
            run.refuse(
                "params.early_stopping_patience",
                "needs validation rows: give the dataset a split named validation, or set "
                "params.validation_fraction",
            )
        training = _Training(run, data)
        training.learn()
        training.finish()

    def load(self, model: Model) -> serving.Served:
        """The model of the ``.keras`` file."""
        return ServedKeras(_loaded(model), model)

    def export(self, run: Run, model: Model) -> None:
        """The model as ONNX, where Keras can write it."""
        from mlhub_adapter import onnx_export

        if run.export_format != "onnx":
            run.refuse("export.format", f"{run.export_format} is not known; onnx is", code=69)
        onnx_export.require("onnx", "onnxruntime")
        network = _loaded(model)
        shape = _settings(model)["preparation"]["shape"]
        rows = onnx_export.generated_rows(EXPORT_ROWS, shape, seed=run.small_seed)
        network(rows[:1])  # Keras exports only what was called, and a batch does not count.
        expected = keras_model.outputs(network, rows)

        def write(path: Path) -> None:
            try:
                network.export(str(path), format="onnx", verbose=False)
            except ImportError as error:
                run.refuse("export.format", f"Keras needs more for it: {error}", code=69)

        onnx_export.export(
            run,
            write,
            rows=rows,
            original=lambda _rows: expected,
            tolerance=EXPORT_TOLERANCE,
        )


class _Training:
    def __init__(self, run: Run, data: Data) -> None:
        import keras

        self.run, self.data = run, data
        params = run.params
        self.preparation = Preparation.fit(
            data.train, standardize=params["standardize"], shape=params["input_shape"]
        )
        self.scale = TargetScale() if data.classes else TargetScale.fit(data.targets("train"))
        keras.utils.set_random_seed(run.small_seed)
        outputs = len(data.classes) or 1
        self.network = keras_model.make(params, self.preparation.shape, outputs)
        keras_model.compile_for(self.network, params, is_classes=bool(data.classes))
        self.patience: int = params["early_stopping_patience"]
        self.watch: dict[str, Any] = {"best_epoch": 0, "best_loss": None, "last_epoch": 0}
        self.best: bytes | None = None
        run.entry(
            data,
            library=f"keras {keras.__version__}",
            backend=keras.backend.backend(),
            input={"shape": [None, *self.preparation.shape], "dtype": "float32"},
            parameters=int(self.network.count_params()),
        )

    def learn(self) -> None:
        """The epochs that are left."""
        import keras

        run = self.run
        saved = run.resume(
            may_change=MAY_CHANGE,
            features=self.data.train.names,
            library=f"keras {keras.__version__}",
        )
        if saved:
            keras_model.restore(self.network, saved.read(STATE_FILE))
            self.watch = json.loads(saved.read(WATCH_FILE))
            self.best = saved.read(BEST_FILE) if self.watch["best_epoch"] else None
        if self._is_over():
            return
        train = self._arrays("train")
        held = self._arrays("validation") if self.data.validation is not None else None
        for epoch in run.steps(run.params["epochs"], after=saved):
            metrics = self._epoch(train, held, epoch)
            run.log(metrics, step=epoch)
            self._see(epoch, metrics)
            if run.checkpoint_due(every=run.params["checkpoint_every"]):
                files: dict[str, Any] = {
                    STATE_FILE: keras_model.state(self.network),
                    WATCH_FILE: json.dumps(self.watch),
                }
                if self.best is not None:
                    files[BEST_FILE] = self.best
                run.checkpoint(files, step=epoch)
            if self._is_over():
                break

    def _epoch(self, train: tuple[Any, Any], held: Any, epoch: int) -> dict[str, float]:
        x, y = train
        order = network_inputs.order_of_rows(len(x), seed=self.run.small_seed, epoch=epoch)
        history = self.network.fit(
            x[order],
            y[order],
            batch_size=self.run.params["batch_size"],
            epochs=1,
            shuffle=False,
            verbose=0,
            validation_data=held,
        ).history
        metrics = {}
        for name, (value,) in history.items():
            split, short = "train", name
            if name.startswith("val_"):
                split, short = "validation", name.removeprefix("val_")
            metrics[f"{split}/{short}"] = float(value)
        if not math.isfinite(metrics["train/loss"]):
            raise FloatingPointError("the loss is not finite: the training has diverged")
        return metrics

    def _see(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.watch["last_epoch"] = epoch
        if not self.patience:
            return
        loss, best = metrics["validation/loss"], self.watch["best_loss"]
        if best is None or loss < best:
            self.watch.update(best_epoch=epoch, best_loss=loss)
            self.best = keras_model.state(self.network)

    def _is_over(self) -> bool:
        waited: int = self.watch["last_epoch"] - self.watch["best_epoch"]
        return 0 < self.patience <= waited

    def _arrays(self, split: str) -> tuple[Any, Any]:
        return network_inputs.arrays(self.data, split, self.preparation, self.scale)

    def finish(self) -> None:
        """Predicts with the last epoch's weights, or the best one's, and leaves the model."""
        run, data = self.run, self.data
        if self.best is not None:
            keras_model.restore(self.network, self.best)
        is_logits = run.params["from_logits"]
        for split, table in data.predict.items():
            found = keras_model.outputs(self.network, self.preparation.apply(table))
            told: dict[str, Any] = {"ids": table.ids, "y_true": table.target, "task": data.task}
            if data.classes:
                scores = keras_model.shares(found, is_logits=is_logits)
                run.predictions(split, y_score=scores, labels=data.classes, **told)
            else:
                run.predictions(split, y_pred=self.scale.undo(found), **told)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / MODEL_FILE  # Keras wants the suffix.
            self.network.save(path)
            run.artifact(MODEL_FILE, path, kind="model")
        settings = {
            "preparation": self.preparation.to_json(),
            "target": [self.scale.mean, self.scale.scale],
            "epochs": self.watch["best_epoch"] or self.watch["last_epoch"],
        }
        run.artifact(SETTINGS_FILE, network_inputs.settings_text(settings), kind="model")
        if run.params["model"]:
            network_inputs.keep_code(run, Path.cwd())
        run.model(
            input=serving.table_input(data, allows_missing=True),
            output=network_inputs.described_output(data, run.dataset.target),
            task=data.task,
        )


class ServedKeras(serving.Served):
    """A model that answers single rows."""

    def __init__(self, network: Any, model: Model) -> None:
        settings = _settings(model)
        self._network, self._model = network, model
        self._preparation = Preparation(**settings["preparation"])
        self._scale = TargetScale(*settings["target"])

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each row."""
        serving.check_options(options)
        if not inputs:
            return []
        table = serving.table(self._model.input, inputs)
        found = keras_model.outputs(self._network, self._preparation.apply(table))
        if self._model.output["kind"] == "classes":
            scores = keras_model.shares(found, is_logits=self._model.params["from_logits"])
            return serving.class_outputs(scores, self._model.output["labels"])
        return serving.value_outputs(self._scale.undo(found))


def _settings(model: Model) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(model.file(SETTINGS_FILE).read_text(encoding="utf-8"))
    return found


def _loaded(model: Model) -> Any:
    keras_model.prepare(model.params["backend"])
    if model.params["model"]:
        name = model.params["model"].rpartition(".")[0]
        network_inputs.import_module(name, "params.model", folder=model.dir / CODE_FOLDER)
    import keras

    try:
        return keras.models.load_model(model.file(MODEL_FILE), compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError) as error:
        message = f"{MODEL_FILE} cannot be loaded ({type(error).__name__})"
        raise failure.config("model.path", message) from None
