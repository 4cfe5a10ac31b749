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

from mlhub_adapter import Adapter, Run, network_inputs, serving
from mlhub_adapter.network_inputs import CODE_FOLDER, Preparation, TargetScale

import mlhub_keras_model as keras_model

if TYPE_CHECKING:
    from mlhub_adapter import Data
    from mlhub_adapter.serving import Model

SETTINGS_FILE = "keras.json"
STATE_FILE = "state.npz"
BEST_FILE = "best.npz"
WATCH_FILE = "watch.json"
MAY_CHANGE = ("epochs", "checkpoint_every")


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
        if run.params["early_stopping_epochs"] and data.validation is None:
            run.refuse(
                "params.early_stopping_epochs",
                "needs validation rows: give the dataset a split named validation, or set "
                "params.validation_fraction",
            )
        training = _Training(run, data)
        training.learn()
        training.finish(self.folder)

    def load(self, model: Model) -> serving.Served:
        """The trained model, ready to predict."""
        keras_model.prepare(model.params["backend"])
        preparation, scale = network_inputs.read_settings(model, SETTINGS_FILE)
        network = keras_model.load(
            model.params,
            model.file(keras_model.file_name(model.params)),
            preparation.shape,
            len(model.output.get("labels", ())) or 1,
            folder=model.dir / CODE_FOLDER,
        )
        return ServedKeras(network, preparation, scale, model)


class _Training:
    def __init__(self, run: Run, data: Data) -> None:
        import keras

        self.run, self.data = run, data
        params = run.params
        self.preparation = Preparation.fit(
            data.train, standardise=params["standardise"], shape=params["input_shape"]
        )
        self.scale = TargetScale.fit(data)
        keras.utils.set_random_seed(run.small_seed)
        self.network = keras_model.make(
            params, self.preparation.shape, len(data.classes) or 1, folder=Path.cwd()
        )
        keras_model.compile_for(self.network, params, is_classes=bool(data.classes))
        self.patience: int = params["early_stopping_epochs"]
        self.watch: dict[str, Any] = {"best_epoch": 0, "best_loss": None, "last_epoch": 0}
        self.best: bytes | None = None
        run.entry(
            data,
            device=keras_model.device(),
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
                self._save(epoch)
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

    def _save(self, epoch: int) -> None:
        files: dict[str, Any] = {
            STATE_FILE: keras_model.state(self.network),
            WATCH_FILE: json.dumps(self.watch),
        }
        if self.best is not None:
            files[BEST_FILE] = self.best
        self.run.checkpoint(files, step=epoch)

    def _is_over(self) -> bool:
        waited: int = self.watch["last_epoch"] - self.watch["best_epoch"]
        return 0 < self.patience <= waited

    def _arrays(self, split: str) -> tuple[Any, Any]:
        return network_inputs.arrays(self.data, split, self.preparation, self.scale)

    def finish(self, adapter: Path) -> None:
        """Predicts with the last epoch's weights, or the best one's, and leaves the model."""
        run, data = self.run, self.data
        if self.best is not None:
            keras_model.restore(self.network, self.best)
        network_inputs.write_predictions(
            run,
            data,
            self.scale,
            lambda table: keras_model.outputs(self.network, self.preparation.apply(table)),
            shares=network_inputs.softmax if run.params["from_logits"] else lambda found: found,
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / keras_model.file_name(run.params)
            keras_model.save(self.network, run.params, path)
            run.artifact(path.name, path, kind="model")
        settings = network_inputs.settings_text(
            self.preparation, self.scale, epochs=self.watch["best_epoch"] or run.params["epochs"]
        )
        run.artifact(SETTINGS_FILE, settings, kind="model")
        if run.params["model"]:
            network_inputs.keep_code(run, Path.cwd(), adapter=adapter)
        network_inputs.describe(run, data)


class ServedKeras(serving.Served):
    """A model that answers single rows."""

    def __init__(
        self, network: Any, preparation: Preparation, scale: TargetScale, model: Model
    ) -> None:
        self._network, self._model = network, model
        self._preparation, self._scale = preparation, scale

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each row."""
        serving.check_options(options)
        if not inputs:
            return []
        table = serving.table(self._model.input, inputs)
        found = keras_model.outputs(self._network, self._preparation.apply(table))
        if self._model.output["kind"] == "classes":
            if self._model.params["from_logits"]:
                found = network_inputs.softmax(found)
            return serving.class_outputs(found, self._model.output["labels"])
        return serving.value_outputs(self._scale.undo(found))
