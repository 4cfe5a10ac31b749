"""Keras models: made, compiled, saved to bytes and back, and asked. Knows no datasets."""

from __future__ import annotations

import importlib.util
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlhub_adapter import failure

import network_inputs

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
PREDICT_ROWS = 256
"""Rows that are predicted at a time, always as many, so that a row's answer does not depend
on the others."""


def prepare(backend: str) -> None:
    """Chooses the backend, which Keras reads when it is first imported."""
    if importlib.util.find_spec(backend) is None:
        raise failure.unsupported(
            "params.backend", f"{backend} is not in the adapter's environment; install {backend}"
        )
    os.environ["KERAS_BACKEND"] = backend
    given = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{given} {ONE_THREAD}".strip()


def make(params: Mapping[str, Any], shape: list[int], n_outputs: int) -> Any:
    """The model: of the project's function or class, or of the layers in the params."""
    import keras

    if params["model"] is not None:
        return _own(params, shape, n_outputs)
    network = [keras.Input(shape=tuple(shape))]
    if len(shape) > 1 and not params["layers"]:
        network.append(keras.layers.Flatten())
    for at, layer in enumerate(params["layers"] or _hidden(params["hidden"])):
        network.append(_layer(layer, f"params.layers.{at}"))
    is_shares = n_outputs > 1 and not params["from_logits"]
    network.append(keras.layers.Dense(n_outputs, activation="softmax" if is_shares else None))
    try:
        return keras.Sequential(network)
    except (ValueError, TypeError) as error:
        raise failure.config("params.layers", _first_line(error)) from None


def _hidden(sizes: list[int]) -> list[dict[str, Any]]:
    return [{"class": "Dense", "units": size, "activation": "relu"} for size in sizes]


def _layer(layer: Mapping[str, Any], field: str) -> Any:
    import keras

    arguments = {name: value for name, value in layer.items() if name != "class"}
    name = layer.get("class")
    known = [
        name
        for name, found in vars(keras.layers).items()
        if isinstance(found, type) and issubclass(found, keras.layers.Layer)
    ]
    # Layers of arbitrary code cannot be loaded again.
    if name not in known or name == "Lambda":
        raise failure.unknown(f"{field}.class", str(name), known, "a layer of Keras")
    try:
        return getattr(keras.layers, name)(**arguments)
    except (ValueError, TypeError) as error:
        raise failure.config(field, _first_line(error)) from None


def _own(params: Mapping[str, Any], shape: list[int], n_outputs: int) -> Any:
    import keras

    path: str = params["model"]
    name, _, attribute = path.rpartition(".")
    module = network_inputs.import_module(name, "params.model", folder=Path.cwd())
    make_model = getattr(module, attribute, None)
    if not callable(make_model):
        raise failure.config("params.model", f"{name} has no function or class {attribute}")
    try:
        network = make_model(tuple(shape), n_outputs, **params["model_arguments"])
    except TypeError as error:
        raise failure.config("params.model_arguments", _first_line(error)) from None
    if not isinstance(network, keras.Model):
        raise failure.config("params.model", f"{path} gives no keras.Model")
    if not network.built:
        network.build((None, *shape))
    return network


def compile_for(network: Any, params: Mapping[str, Any], *, is_classes: bool) -> None:
    """Optimizer, loss and metrics; the optimizer's state is there at once."""
    import keras

    wanted = {"class_name": params["optimizer"], "config": dict(params["optimizer_arguments"])}
    try:
        optimizer = keras.optimizers.get(wanted)
    except (ValueError, TypeError) as error:
        field = "params.optimizer_arguments" if _is_optimizer(wanted) else "params.optimizer"
        raise failure.config(field, _first_line(error)) from None
    loss: Any = keras.losses.MeanSquaredError()
    if is_classes:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=params["from_logits"])
    if params["loss"] is not None:
        try:
            loss = keras.losses.get(params["loss"])
        except (ValueError, TypeError) as error:
            raise failure.config("params.loss", _first_line(error)) from None
    metrics = ["accuracy"] if is_classes else []
    network.compile(optimizer=optimizer, loss=loss, metrics=metrics)
    optimizer.build(network.trainable_variables)


def _is_optimizer(wanted: Mapping[str, Any]) -> bool:
    import keras

    try:
        keras.optimizers.get(wanted["class_name"])
    except (ValueError, TypeError):
        return False
    return True


def _variables(network: Any) -> list[Any]:
    # Those of layers hold the states of their seeds too.
    return [*network.variables, *network.optimizer.variables]


def state(network: Any) -> bytes:
    """All that later epochs depend on."""
    import keras
    import numpy as np

    file = io.BytesIO()
    values = [keras.ops.convert_to_numpy(variable) for variable in _variables(network)]
    np.savez(file, **{str(at): value for at, value in enumerate(values)})
    return file.getvalue()


def restore(network: Any, content: bytes) -> None:
    """Gives a model of the same layers the state that was saved."""
    import zipfile

    import numpy as np

    variables = _variables(network)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            found = [arrays[str(at)] for at in range(len(arrays.files))]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        message = f"the state is damaged ({type(error).__name__})"
        raise failure.config("resume.checkpoint", message) from None
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in found]:
        message = "the state has other arrays than the model that is made now"
        raise failure.config("resume.checkpoint", message)
    for variable, value in zip(variables, found, strict=True):
        variable.assign(value)


def outputs(network: Any, x: Any) -> Any:
    """Outputs ``[rows, outputs]`` in double precision."""
    import numpy as np

    parts = []
    for first in range(0, len(x), PREDICT_ROWS):
        rows = x[first : first + PREDICT_ROWS]
        padded = np.zeros((PREDICT_ROWS, *x.shape[1:]), dtype=x.dtype)
        padded[: len(rows)] = rows
        found = np.asarray(network.predict_on_batch(padded), dtype=np.float64)
        parts.append(found.reshape(PREDICT_ROWS, -1)[: len(rows)])
    return np.concatenate(parts)


def shares(found: Any, *, is_logits: bool) -> Any:
    """Scores of classes that sum to one."""
    import numpy as np

    if not is_logits:
        return found
    powers = np.exp(found - found.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)[:300]
