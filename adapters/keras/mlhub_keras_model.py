"""Keras models: made, compiled, saved to bytes and back, and asked. Knows no datasets."""

from __future__ import annotations

import importlib.util
import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlhub_adapter import failure, network_inputs

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
MODEL_FILE = "model.keras"
WEIGHTS_FILE = "model.weights.h5"
MAX_MESSAGE = 300
"""Characters of what Keras says that are told."""


def prepare(backend: str) -> None:
    """Chooses the backend, which Keras reads when it is first imported."""
    if importlib.util.find_spec(backend) is None:
        raise failure.unsupported(
            "params.backend", f"{backend} is not in the adapter's environment; install {backend}"
        )
    os.environ["KERAS_BACKEND"] = backend
    given = os.environ.get("XLA_FLAGS", "")
    if backend == "jax" and ONE_THREAD not in given:
        os.environ["XLA_FLAGS"] = f"{given} {ONE_THREAD}".strip()


def device() -> str:
    """The kind of device that the backend computes on."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return str(jax.devices()[0].platform)
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


# --- made -------------------------------------------------------------------


def make(params: Mapping[str, Any], shape: list[int], n_outputs: int, *, folder: Path) -> Any:
    """The model: of a function or class in a folder's modules, or of the layers in the params."""
    import keras

    if params["model"] is not None:
        return _own(params, shape, n_outputs, folder)
    network = [keras.Input(shape=tuple(shape))]
    if len(shape) > 1 and not params["layers"]:
        network.append(keras.layers.Flatten())
    for at, layer in enumerate(params["layers"] or _hidden(params["hidden"])):
        network.append(_layer(layer, f"params.layers.{at}"))
    is_shares = n_outputs > 1 and not params["from_logits"]
    network.append(keras.layers.Dense(n_outputs, activation="softmax" if is_shares else None))
    try:
        return _checked(keras.Sequential(network), "params.layers", n_outputs)
    except (ValueError, TypeError) as error:
        raise failure.config("params.layers", _first_line(error)) from None


def _hidden(sizes: list[int]) -> list[dict[str, Any]]:
    return [{"class": "Dense", "units": size, "activation": "relu"} for size in sizes]


def _layer(layer: Mapping[str, Any], field: str) -> Any:
    import keras

    # Layers of arbitrary code cannot be loaded again.
    known = _classes(keras.layers, keras.layers.Layer, apart=("Lambda",))
    return _made(layer, known, field, "a layer of Keras")


def _classes(module: Any, base: type, apart: tuple[str, ...] = ()) -> dict[str, Any]:
    """The classes of a module of Keras, by name."""
    return {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, type) and issubclass(found, base) and name not in apart
    }


def _made(said: Mapping[str, Any], known: Mapping[str, Any], field: str, what: str) -> Any:
    """What ``{class: NAME, argument: value, ...}`` stands for."""
    args = {name: value for name, value in said.items() if name != "class"}
    name = str(said.get("class"))
    if name not in known:
        raise failure.unknown(f"{field}.class", name, known, what)
    try:
        return known[name](**args)
    except (ValueError, TypeError) as error:
        raise failure.config(field, _first_line(error)) from None


def _own(params: Mapping[str, Any], shape: list[int], n_outputs: int, folder: Path) -> Any:
    import keras

    path: str = params["model"]
    make_model = network_inputs.named(path, "params.model", folder=folder)
    if not callable(make_model):
        raise failure.config("params.model", f"{path} is no function or class")
    try:
        network = make_model(tuple(shape), n_outputs, **params["model_args"])
    except TypeError as error:
        raise failure.config("params.model_args", _first_line(error)) from None
    if not isinstance(network, keras.Model):
        raise failure.config("params.model", f"{path} gives no keras.Model")
    if not network.built:
        network(keras.ops.zeros((1, *shape)))
    return _checked(network, "params.model", n_outputs)


def _checked(network: Any, field: str, n_outputs: int) -> Any:
    """Refuses a model whose outputs, where it knows their shape, are not as many as wanted."""
    shape = getattr(network, "output_shape", None)
    if isinstance(shape, tuple) and shape != (None, n_outputs):
        wanted = [None, n_outputs]
        raise failure.config(field, f"the model gives {list(shape)} where it must give {wanted}")
    return network


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)[:MAX_MESSAGE]


# --- compiled ---------------------------------------------------------------


def compile_for(network: Any, params: Mapping[str, Any], *, is_classes: bool) -> None:
    """Optimizer, loss and metrics; the optimizer's state is there at once."""
    optimizer = _optimizer(params)
    network.compile(
        optimizer=optimizer,
        loss=_loss(params, is_classes=is_classes),
        metrics=[*(["accuracy"] if is_classes else []), *_metrics(params["metrics"])],
    )
    optimizer.build(network.trainable_variables)


def _optimizer(params: Mapping[str, Any]) -> Any:
    import keras

    try:
        kind = type(keras.optimizers.get(params["optimizer"]))
    except (ValueError, TypeError) as error:
        raise failure.config("params.optimizer", _first_line(error)) from None
    rate = _schedule(params) or params["learning_rate"]
    try:
        return kind(**{"learning_rate": rate, **params["optimizer_args"]})
    except (ValueError, TypeError) as error:
        raise failure.config("params.optimizer_args", _first_line(error)) from None


def _schedule(params: Mapping[str, Any]) -> Any:
    """Learning rates by the number of steps, which is in the optimizer's state."""
    import keras

    if params["schedule"] is None:
        return None
    module = keras.optimizers.schedules
    known = _classes(module, module.LearningRateSchedule, apart=("LearningRateSchedule",))
    said = dict(params["schedule"])
    takes = inspect.signature(known[said["class"]]).parameters if said.get("class") in known else ()
    if "initial_learning_rate" in takes:
        said.setdefault("initial_learning_rate", params["learning_rate"])
    return _made(said, known, "params.schedule", "a schedule of Keras")


def _loss(params: Mapping[str, Any], *, is_classes: bool) -> Any:
    import keras

    name, args = params["loss"], params["loss_args"]
    if name is None:
        if is_classes:
            return keras.losses.SparseCategoricalCrossentropy(from_logits=params["from_logits"])
        return keras.losses.MeanSquaredError()
    known = _classes(keras.losses, keras.losses.Loss, apart=("Loss",))
    if name in known:
        return _made({"class": name, **args}, known, "params.loss_args", "a loss of Keras")
    if args:
        raise failure.unknown("params.loss", name, known, "a class of loss, which takes arguments")
    try:
        return keras.losses.get(name)
    except (ValueError, TypeError) as error:
        raise failure.config("params.loss", _first_line(error)) from None


def _metrics(names: list[str]) -> list[Any]:
    import keras

    found = []
    for at, name in enumerate(names):
        try:
            found.append(keras.metrics.get(name))
        except (ValueError, TypeError) as error:
            raise failure.config(f"params.metrics.{at}", _first_line(error)) from None
    return found


# --- saved and asked --------------------------------------------------------


def _variables(network: Any) -> list[Any]:
    # Those of layers hold the states of their seeds too.
    return [*network.variables, *network.optimizer.variables]


def _values(network: Any) -> list[Any]:
    import keras

    return [keras.ops.convert_to_numpy(variable) for variable in _variables(network)]


def state(network: Any) -> bytes:
    """All that later epochs depend on."""
    return network_inputs.pack(_values(network))


def restore(network: Any, content: bytes) -> None:
    """Gives a model of the same layers the state that was saved."""
    found = network_inputs.unpack(content, _values(network), field="resume.checkpoint")
    for variable, value in zip(_variables(network), found, strict=True):
        variable.assign(value)


def file_name(params: Mapping[str, Any]) -> str:
    """What the trained model's file is called. Keras goes by the suffix."""
    return MODEL_FILE if params["model"] is None else WEIGHTS_FILE


def save(network: Any, params: Mapping[str, Any], path: Path) -> None:
    """Writes the model; of one of the project's own its weights, since only its code can say
    what it is."""
    if params["model"] is None:
        network.save(path)
    else:
        network.save_weights(path)


def load(params: Mapping[str, Any], path: Path, shape: list[int], n: int, *, folder: Path) -> Any:
    """The model that :func:`save` wrote: one of the project's own is made again by its code;
    any other is made by the file, in safe mode."""
    import keras

    try:
        if params["model"] is None:
            return keras.models.load_model(path, compile=False, safe_mode=True)
        network = make(params, shape, n, folder=folder)
        network.load_weights(path)
    except (ValueError, TypeError, KeyError, OSError) as error:
        message = f"{path.name} cannot be loaded ({type(error).__name__})"
        raise failure.config("model.path", message) from None
    return network


def outputs(network: Any, x: Any) -> Any:
    """Outputs ``[rows, outputs]`` in double precision."""
    return network_inputs.predicted(network.predict_on_batch, x)
