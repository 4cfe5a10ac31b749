"""The model that is trained when params name none: a multilayer perceptron in plain JAX with
Adam. It is also the example of what a module of your own has to have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8
"""Adam's constants as published, arXiv:1412.6980."""


def init(
    rng: jax.Array,
    input_shape: tuple[int, ...],
    n_outputs: int,
    *,
    hidden: Sequence[int] = (32, 32),
    learning_rate: float = 0.01,
    dropout: float = 0.0,
) -> dict[str, Any]:
    """The state: weights, Adam's moments, and the numbers that training needs."""
    layers = _layers(rng, (math.prod(input_shape), *hidden, n_outputs))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), layers)
    state = {
        "layers": layers,
        "first": zeros,
        "second": zeros,
        "step": np.int32(0),
        "learning_rate": np.float32(learning_rate),
    }
    # Without dropout nothing is drawn, and less is compiled.
    return {**state, "dropout": np.float32(dropout)} if dropout else state


def predict(state: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """Scores before softmax ``[rows, classes]``, or values ``[rows, 1]``."""
    return _forward(state["layers"], x)


def train_step(
    state: dict[str, Any], batch: Mapping[str, jax.Array], rng: jax.Array
) -> tuple[dict[str, Any], dict[str, jax.Array]]:
    """One step on ``batch["x"]`` and ``batch["y"]``: class numbers, or values."""

    def loss_of(layers: Any) -> Any:
        return _loss(_forward(layers, batch["x"], state.get("dropout"), rng), batch["y"])

    (loss, metrics), gradients = jax.value_and_grad(loss_of, has_aux=True)(state["layers"])
    step = state["step"] + 1
    first = jax.tree.map(
        lambda old, new: FIRST_DECAY * old + (1 - FIRST_DECAY) * new, state["first"], gradients
    )
    second = jax.tree.map(
        lambda old, new: SECOND_DECAY * old + (1 - SECOND_DECAY) * new**2,
        state["second"],
        gradients,
    )
    first_scale = 1 / (1 - FIRST_DECAY**step)
    second_scale = 1 / (1 - SECOND_DECAY**step)
    layers = jax.tree.map(
        lambda weight, m, v: (
            weight
            - state["learning_rate"] * m * first_scale / (jnp.sqrt(v * second_scale) + EPSILON)
        ),
        state["layers"],
        first,
        second,
    )
    return {
        **state,
        "layers": layers,
        "first": first,
        "second": second,
        "step": step,
    }, {"loss": loss, **metrics}


@partial(jax.jit, static_argnums=1)
def _layers(rng: jax.Array, sizes: tuple[int, ...]) -> list[dict[str, jax.Array]]:
    layers = []
    keys = jax.random.split(rng, len(sizes) - 1)
    for key, fan_in, fan_out in zip(keys, sizes[:-1], sizes[1:], strict=True):
        weights = jax.random.normal(key, (fan_in, fan_out)) * math.sqrt(2 / fan_in)
        layers.append({"w": weights, "b": jnp.zeros(fan_out)})
    return layers


def _forward(
    layers: Any, x: jax.Array, dropout: jax.Array | None = None, rng: jax.Array | None = None
) -> jax.Array:
    values = x.reshape(len(x), -1)
    for at, layer in enumerate(layers):
        values = values @ layer["w"] + layer["b"]
        if at + 1 == len(layers):
            break
        values = jax.nn.relu(values)
        if dropout is not None and rng is not None:
            kept = jax.random.bernoulli(jax.random.fold_in(rng, at), 1 - dropout, values.shape)
            values = jnp.where(kept, values / (1 - dropout), 0)
    return values


def _loss(outputs: jax.Array, y: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
    if jnp.issubdtype(y.dtype, jnp.integer):
        shares = jax.nn.log_softmax(outputs)
        loss = -jnp.take_along_axis(shares, y[:, None], axis=1).mean()
        return loss, {"accuracy": (outputs.argmax(axis=1) == y).mean()}
    loss = ((outputs[:, 0] - y) ** 2).mean()
    return loss, {}
