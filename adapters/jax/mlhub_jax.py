"""The ``jax`` adapter: a model as three functions of a module, trained on tables.

The module has ``init``, ``train_step`` and ``predict``; see the README and ``mlhub_jax_mlp.py``.
The state is a pytree of arrays; the adapter makes the batches, the keys and the checkpoints.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, failure, network_inputs, serving
from mlhub_adapter.network_inputs import CODE_FOLDER, Preparation, TargetScale
from mlhub_adapter.seeding import small_seed

if TYPE_CHECKING:
    from mlhub_adapter import Data
    from mlhub_adapter.serving import Model

BUILT_IN = "mlhub_jax_mlp"
FUNCTIONS = ("init", "train_step", "predict")
SETTINGS_FILE = "jax.json"
STATE_FILE = "state.npz"
MAY_CHANGE = ("epochs", "checkpoint_every")
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
LEAST_SHARE = 1e-30
"""A class that is given nothing costs this much, and not infinity."""


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
        training = _Training(run, data, _module(run.params["module"], "params.module", Path.cwd()))
        training.learn()
        training.finish(self.folder)

    def load(self, model: Model) -> serving.Served:
        """The trained state, ready to predict."""
        _one_thread()
        preparation, scale = network_inputs.read_settings(model, SETTINGS_FILE)
        module = _module(model.params["module"], "model.path", model.dir / CODE_FOLDER)
        n_outputs = len(model.output.get("labels", ())) or 1
        start = _initial(
            module, model.seed, preparation.shape, n_outputs, model.params["module_args"]
        )
        state = _restored(start, model.file(STATE_FILE).read_bytes(), "model.path")
        return ServedJax(module, state, preparation, scale, model)


class _Training:
    def __init__(self, run: Run, data: Data, module: ModuleType) -> None:
        import jax

        self.run, self.data, self.module = run, data, module
        params = run.params
        self.preparation = Preparation.fit(
            data.train, standardise=params["standardise"], shape=params["input_shape"]
        )
        self.scale = TargetScale.fit(data)
        self.n_outputs = len(data.classes) or 1
        self.state = _initial(
            module, run.seed, self.preparation.shape, self.n_outputs, params["module_args"]
        )
        leaves = jax.tree.leaves(self.state)
        run.entry(
            data,
            device=jax.devices()[0].platform,
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
        """The epochs that are left."""
        import jax

        run = self.run
        saved = run.resume(
            may_change=MAY_CHANGE,
            features=self.data.train.names,
            library=f"jax {jax.__version__}",
        )
        if saved:
            self.state = _restored(self.state, saved.read(STATE_FILE), "resume.checkpoint")
        train = self._arrays("train")
        held = self._arrays("validation") if self.data.validation is not None else None
        step = jax.jit(self.module.train_step)
        self._check_functions(step, train)
        for epoch in run.steps(run.params["epochs"], after=saved):
            metrics = self._epoch(step, train, epoch)
            if held is not None:
                metrics.update(self._validated(*held))
            run.log(metrics, step=epoch)
            if run.checkpoint_due(every=run.params["checkpoint_every"]):
                run.checkpoint({STATE_FILE: _saved(self.state)}, step=epoch)

    def _check_functions(self, step: Any, train: tuple[Any, Any]) -> None:
        """Refuses a module that gives another state than it takes, or other outputs than
        there are classes, before anything is trained."""
        import jax

        x, y = (part[: self.run.params["batch_size"]] for part in train)
        key = jax.random.key(0)
        after, metrics = jax.eval_shape(step, self.state, {"x": x, "y": y}, key)
        if _form(after) != _form(self.state):
            self.run.refuse(
                "params.module", "train_step gives a state of another form than it takes"
            )
        if "loss" not in metrics:
            self.run.refuse("params.module", "the metrics of train_step have no loss")
        outputs = jax.eval_shape(self.module.predict, self.state, x).shape
        if outputs != (len(x), self.n_outputs):
            self.run.refuse(
                "params.module",
                f"predict gives {list(outputs)} where it must give {[len(x), self.n_outputs]}",
            )

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
        if not math.isfinite(sums["loss"]):
            raise FloatingPointError("the loss is not finite: the training has diverged")
        return {f"train/{name}": total / len(x) for name, total in sums.items()}

    def _validated(self, x: Any, y: Any) -> dict[str, float]:
        import numpy as np

        outputs = _predicted(self.module, self.state, x)
        if not self.data.classes:
            return {"validation/loss": float(((outputs[:, 0] - y) ** 2).mean())}
        shares = network_inputs.softmax(outputs)[np.arange(len(y)), y]
        return {
            "validation/loss": float(-np.log(np.maximum(shares, LEAST_SHARE)).mean()),
            "validation/accuracy": float((outputs.argmax(axis=1) == y).mean()),
        }

    def _arrays(self, split: str) -> tuple[Any, Any]:
        return network_inputs.arrays(self.data, split, self.preparation, self.scale)

    def finish(self, adapter: Path) -> None:
        """Predicts, and leaves the model."""
        run, data = self.run, self.data
        network_inputs.write_predictions(
            run,
            data,
            self.scale,
            lambda table: _predicted(self.module, self.state, self.preparation.apply(table)),
        )
        run.artifact(STATE_FILE, _saved(self.state), kind="model")
        settings = network_inputs.settings_text(self.preparation, self.scale)
        run.artifact(SETTINGS_FILE, settings, kind="model")
        if run.params["module"]:
            network_inputs.keep_code(run, Path.cwd(), adapter=adapter)
        network_inputs.describe(run, data)


class ServedJax(serving.Served):
    """A state that answers single rows."""

    def __init__(
        self,
        module: ModuleType,
        state: Any,
        preparation: Preparation,
        scale: TargetScale,
        model: Model,
    ) -> None:
        self._module, self._state, self._model = module, state, model
        self._preparation, self._scale = preparation, scale

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each row."""
        serving.check_options(options)
        if not inputs:
            return []
        table = serving.table(self._model.input, inputs)
        outputs = _predicted(self._module, self._state, self._preparation.apply(table))
        if self._model.output["kind"] == "classes":
            scores = network_inputs.softmax(outputs)
            return serving.class_outputs(scores, self._model.output["labels"])
        return serving.value_outputs(self._scale.undo(outputs))


def _one_thread() -> None:
    """Sums have one order then; read when JAX's backend starts."""
    given = os.environ.get("XLA_FLAGS", "")
    if ONE_THREAD not in given:
        os.environ["XLA_FLAGS"] = f"{given} {ONE_THREAD}".strip()


def _module(name: str | None, field: str, folder: Path) -> ModuleType:
    if name is None:
        # Not by the folder, whose modules may be called anything.
        import mlhub_jax_mlp

        return mlhub_jax_mlp
    module = network_inputs.import_module(name, field, folder=folder)
    for function in FUNCTIONS:
        if not callable(getattr(module, function, None)):
            raise failure.config(field, f"{name} has no function {function}")
    return module


def _initial(
    module: ModuleType, seed: int, shape: list[int], n_outputs: int, args: Mapping[str, Any]
) -> Any:
    import jax
    import jax.numpy as jnp
    import numpy as np

    # A key apart from those of the epochs, which count from 1.
    rng = jax.random.fold_in(jax.random.key(small_seed(seed)), 0)
    try:
        state = module.init(rng, tuple(shape), n_outputs, **args)
    except TypeError as error:
        raise failure.config("params.module_args", f"init refuses: {error}") from None
    try:
        # As it comes from a checkpoint, so that a resumed run computes with the same types.
        return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), state)
    except TypeError:
        message = "the state that init gives holds what is no array of numbers"
        raise failure.config("params.module", message) from None


def _form(state: Any) -> Any:
    """Structure, shapes and dtypes of a pytree."""
    import jax

    leaves, structure = jax.tree.flatten(state)
    return structure, [(tuple(leaf.shape), str(leaf.dtype)) for leaf in leaves]


def _predicted(module: ModuleType, state: Any, x: Any) -> Any:
    """Outputs ``[rows, outputs]`` in double precision."""
    import jax

    compiled = jax.jit(module.predict)
    return network_inputs.predicted(lambda rows: compiled(state, rows), x)


def _saved(state: Any) -> bytes:
    """The leaves of a pytree in their order."""
    import jax

    return network_inputs.pack(jax.tree.leaves(state))


def _restored(like: Any, content: bytes, field: str) -> Any:
    """A pytree of the structure of another one, from what was saved."""
    import jax
    import jax.numpy as jnp

    leaves, structure = jax.tree.flatten(like)
    found = network_inputs.unpack(content, leaves, field=field)
    return jax.tree.unflatten(structure, [jnp.asarray(array) for array in found])
