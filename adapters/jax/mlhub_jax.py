"""The ``jax`` adapter: a model as three functions of a module, trained on tables.

The module has ``init``, ``train_step`` and ``predict``; see the README and ``mlp.py``. The
state is a pytree of arrays; the adapter makes the batches, the keys and the checkpoints.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, failure, serving
from mlhub_adapter.seeding import small_seed

import network_inputs
from network_inputs import CODE_FOLDER, Preparation, TargetScale

if TYPE_CHECKING:
    from mlhub_adapter import Data
    from mlhub_adapter.serving import Model

BUILT_IN = "mlp"
FUNCTIONS = ("init", "train_step", "predict")
SETTINGS_FILE = "jax.json"
STATE_FILE = "state.npz"
MAY_CHANGE = ("epochs", "checkpoint_every")
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
PREDICT_ROWS = 1024
"""Rows that are predicted at a time."""


class Jax(Adapter):
    """A train step by import path."""

    def train(self, run: Run) -> None:
        """Trains, or goes on; predicts; leaves the state."""
        _one_thread()
        data = run.tables(
            exclude=run.params["exclude"],
            categorical=run.params["categorical"],
            validation_fraction=run.params["validation_fraction"],
            allows_missing=True,
        )
        training = _Training(run, data, _module(run.params["module"], Path.cwd()))
        training.learn()
        training.finish()

    def load(self, model: Model) -> serving.Served:
        """The trained state, ready to predict."""
        _one_thread()
        settings = json.loads(model.file(SETTINGS_FILE).read_text(encoding="utf-8"))
        module = _module(model.params["module"], model.dir / CODE_FOLDER)
        shape, outputs = settings["preparation"]["shape"], settings["n_outputs"]
        start = _initial(module, model.seed, shape, outputs, model.params["options"])
        state = _restored(start, model.file(STATE_FILE).read_bytes(), "model.path")
        return ServedJax(module, state, settings, model)


class _Training:
    def __init__(self, run: Run, data: Data, module: ModuleType) -> None:
        import jax

        self.run, self.data, self.module = run, data, module
        params = run.params
        self.preparation = Preparation.fit(
            data.train, standardize=params["standardize"], shape=params["input_shape"]
        )
        self.scale = TargetScale() if data.classes else TargetScale.fit(data.targets("train"))
        self.n_outputs = len(data.classes) or 1
        self.state = _initial(
            module, run.small_seed, self.preparation.shape, self.n_outputs, params["options"]
        )
        leaves = jax.tree.leaves(self.state)
        run.entry(
            data,
            device=str(jax.devices()[0]),
            library=f"jax {jax.__version__}",
            module=params["module"] or BUILT_IN,
            input={"shape": [None, *self.preparation.shape], "dtype": "float32"},
            state={
                "arrays": len(leaves),
                "numbers": sum(leaf.size for leaf in leaves),
                "dtypes": sorted({str(leaf.dtype) for leaf in leaves}),
            },
        )

    def learn(self) -> None:
        import jax

        run = self.run
        saved = run.resume(
            may_change=MAY_CHANGE,
            features=self.data.train.names,
            library=f"jax {jax.__version__}",
        )
        if saved:
            self.state = _restored(self.state, saved.read(STATE_FILE), "resume.checkpoint")
        step = jax.jit(self.module.train_step)
        train = self._arrays("train")
        for epoch in run.steps(run.params["epochs"], after=saved):
            metrics = self._epoch(step, train, epoch)
            if self.data.validation is not None:
                metrics.update(self._validated())
            run.log(metrics, step=epoch)
            if run.checkpoint_due(every=run.params["checkpoint_every"]):
                run.checkpoint({STATE_FILE: _saved(self.state)}, step=epoch)

    def _epoch(self, step: Any, train: tuple[Any, Any], epoch: int) -> dict[str, float]:
        import jax

        x, y = train
        size = self.run.params["batch_size"]
        order = network_inputs.order_of_rows(len(x), seed=self.run.small_seed, epoch=epoch)
        rng = jax.random.fold_in(jax.random.key(self.run.small_seed), epoch)
        sums: dict[str, float] = {}
        for first in range(0, len(x), size):
            rows = order[first : first + size]
            batch = {"x": x[rows], "y": y[rows]}
            self.state, metrics = step(self.state, batch, jax.random.fold_in(rng, first))
            for name, value in metrics.items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(rows)
        return {f"train/{name}": total / len(x) for name, total in sums.items()}

    def _validated(self) -> dict[str, float]:
        import numpy as np

        x, y = self._arrays("validation")
        outputs = _predicted(self.module, self.state, x)
        if not self.data.classes:
            return {"validation/loss": float(((outputs[:, 0] - y) ** 2).mean())}
        shares = _shares(outputs)[np.arange(len(y)), y]
        return {
            "validation/loss": float(-np.log(np.maximum(shares, 1e-30)).mean()),
            "validation/accuracy": float((outputs.argmax(axis=1) == y).mean()),
        }

    def _arrays(self, split: str) -> tuple[Any, Any]:
        return network_inputs.arrays(self.data, split, self.preparation, self.scale)

    def finish(self) -> None:
        """Predicts, and leaves the model."""
        run, data = self.run, self.data
        settings = {
            "preparation": self.preparation.to_json(),
            "target": [self.scale.mean, self.scale.scale],
            "n_outputs": self.n_outputs,
        }
        for split, table in data.predict.items():
            outputs = _predicted(self.module, self.state, self.preparation.apply(table))
            if outputs.shape[1] != self.n_outputs:
                message = f"predict gives {outputs.shape[1]} numbers a row, not {self.n_outputs}"
                run.refuse("params.module", message)
            told: dict[str, Any] = {"ids": table.ids, "y_true": table.target, "task": data.task}
            if data.classes:
                scores = _shares(outputs)
                run.predictions(split, y_score=scores, labels=data.classes, **told)
            else:
                run.predictions(split, y_pred=self.scale.undo(outputs), **told)
        run.artifact(STATE_FILE, _saved(self.state), kind="model")
        run.artifact(SETTINGS_FILE, network_inputs.settings_text(settings), kind="model")
        if run.params["module"]:
            network_inputs.keep_code(run, Path.cwd())
        run.model(
            input=serving.table_input(data, allows_missing=True),
            output=network_inputs.described_output(data, run.dataset.target),
            task=data.task,
        )


class ServedJax(serving.Served):
    """A state that answers single rows."""

    def __init__(
        self, module: ModuleType, state: Any, settings: Mapping[str, Any], model: Model
    ) -> None:
        self._module, self._state, self._model = module, state, model
        self._preparation = Preparation(**settings["preparation"])
        self._scale = TargetScale(*settings["target"])

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each row."""
        serving.check_options(options)
        if not inputs:
            return []
        table = serving.table(self._model.input, inputs)
        outputs = _predicted(self._module, self._state, self._preparation.apply(table))
        if self._model.output["kind"] == "classes":
            return serving.class_outputs(_shares(outputs), self._model.output["labels"])
        return serving.value_outputs(self._scale.undo(outputs))


def _one_thread() -> None:
    """Sums have one order then; read when JAX's backend starts."""
    given = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{given} {ONE_THREAD}".strip()


def _module(name: str | None, folder: Path) -> ModuleType:
    field = "params.module"
    module = network_inputs.import_module(name or BUILT_IN, field, folder=folder)
    for function in FUNCTIONS:
        if not callable(getattr(module, function, None)):
            raise failure.config(field, f"{name} has no function {function}")
    return module


def _initial(
    module: ModuleType, seed: int, shape: list[int], n_outputs: int, options: Mapping[str, Any]
) -> Any:
    import jax
    import jax.numpy as jnp

    # A key apart from those of the epochs, which count from 1.
    rng = jax.random.fold_in(jax.random.key(small_seed(seed)), 0)
    try:
        state = module.init(rng, tuple(shape), n_outputs, **options)
    except TypeError as error:
        raise failure.config("params.options", f"init refuses: {error}") from None
    return jax.tree.map(jnp.asarray, state)


def _predicted(module: ModuleType, state: Any, x: Any) -> Any:
    """Outputs ``[rows, outputs]``. A row's numbers do not depend on what else is asked: the
    compiled function always takes the same number of rows."""
    import jax
    import numpy as np

    compiled = jax.jit(module.predict)
    parts = []
    for first in range(0, len(x), PREDICT_ROWS):
        rows = x[first : first + PREDICT_ROWS]
        padded = np.zeros((PREDICT_ROWS, *x.shape[1:]), dtype=x.dtype)
        padded[: len(rows)] = rows
        outputs = np.asarray(compiled(state, padded), dtype=np.float64)
        parts.append(outputs.reshape(PREDICT_ROWS, -1)[: len(rows)])
    return np.concatenate(parts)


def _shares(outputs: Any) -> Any:
    """Softmax of every row."""
    import numpy as np

    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _saved(state: Any) -> bytes:
    """The leaves of a pytree in their order."""
    import jax
    import numpy as np

    file = io.BytesIO()
    leaves = {f"{at}": np.asarray(leaf) for at, leaf in enumerate(jax.tree.leaves(state))}
    np.savez(file, **leaves)  # type: ignore[arg-type]
    return file.getvalue()


def _restored(like: Any, content: bytes, field: str) -> Any:
    """A pytree of the structure of another one, from what was saved."""
    import zipfile

    import jax
    import jax.numpy as jnp
    import numpy as np

    leaves, structure = jax.tree.flatten(like)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = [arrays[str(at)] for at in range(len(arrays.files))]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise failure.config(field, f"{STATE_FILE} is damaged ({type(error).__name__})") from None
    if [leaf.shape for leaf in leaves] != [array.shape for array in found]:
        raise failure.config(field, "the state has other arrays than the module's init makes now")
    return jax.tree.unflatten(structure, [jnp.asarray(array) for array in found])
