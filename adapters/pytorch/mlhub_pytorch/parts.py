"""Model, loss, optimiser and scheduler, by the names that the params give.

What a class says of its arguments becomes a refusal of the param that held them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from mlhub_adapter import Run, failure
from mlhub_adapter.torch import named
from torch import Tensor, nn

from mlhub_pytorch.data import Problem
from mlhub_pytorch.modules import Perceptron, Whole

ONE_OUTPUT = (nn.BCEWithLogitsLoss,)
"""Losses of two classes that take a single output."""


def loss(run: Run, problem: Problem) -> nn.Module:
    """The loss: the task's own, a class of ``torch.nn``, or the user's."""
    name = run.params["loss"]
    if name is None:
        name = "CrossEntropyLoss" if problem.classes else "MSELoss"
    made = _made(
        _class(torch.nn, name, "params.loss"), run, "params.loss_args", **run.params["loss_args"]
    )
    if not isinstance(made, nn.Module):
        run.refuse("params.loss", f"{name} is no torch.nn.Module")
    return made


def model(run: Run, problem: Problem, criterion: nn.Module) -> Whole:
    """The built-in model, or the user's, behind the entry of the dataset.

    A class that asks for ``input_shape`` or ``outputs`` is given them.
    """
    name = run.params["model"]
    kind = named(name, "params.model") if name else Perceptron
    single = not problem.classes or (isinstance(criterion, ONE_OUTPUT))
    offered = {
        "input_shape": problem.input_shape,
        "outputs": 1 if single else len(problem.classes),
    }
    try:
        asked = set(inspect.signature(kind).parameters)
    except (TypeError, ValueError):
        asked = set()
    known = {name: value for name, value in offered.items() if name in asked}
    core = _made(kind, run, "params.model_args", **{**known, **run.params["model_args"]})
    if not isinstance(core, nn.Module):
        run.refuse("params.model", f"{name} is no torch.nn.Module")
    return Whole(problem.entry, core)


def optimizer(run: Run, parameters: Any) -> torch.optim.Optimizer:
    """An optimiser of ``torch.optim``, or the user's."""
    name = run.params["optimizer"]
    kind = _class(torch.optim, name, "params.optimizer")
    if kind is torch.optim.LBFGS:
        run.refuse("params.optimizer", "LBFGS evaluates a step several times; take another")
    args = {"lr": run.params["learning_rate"], **run.params["optimizer_args"]}
    made = _made(kind, run, "params.optimizer_args", parameters, **args)
    if not isinstance(made, torch.optim.Optimizer):
        run.refuse("params.optimizer", f"{name} is no optimiser")
    return made


def scheduler(run: Run, optimizer: torch.optim.Optimizer) -> Any:
    """A scheduler of ``torch.optim.lr_scheduler``, the user's, or None."""
    name = run.params["scheduler"]
    if not name:
        return None
    kind = _class(torch.optim.lr_scheduler, name, "params.scheduler")
    return _made(kind, run, "params.scheduler_args", optimizer, **run.params["scheduler_args"])


def stepper(run: Run) -> Callable[[nn.Module, Any, Any, nn.Module], Tensor] | None:
    """The user's function from model, inputs, targets and loss to a batch's loss."""
    name = run.params["train_function"]
    found: Callable[..., Tensor] | None = named(name, "params.train_function") if name else None
    if found is not None and not callable(found):
        run.refuse("params.train_function", f"{name} is no function")
    return found


def _class(home: Any, name: str, field: str) -> Any:
    if "." in name or ":" in name:
        return named(name, field)
    known = {key: value for key, value in vars(home).items() if inspect.isclass(value)}
    if name not in known:
        raise failure.unknown(field, name, known, f"in {home.__name__}")
    return known[name]


def _made(kind: Any, run: Run, field: str, *first: Any, **args: Any) -> Any:
    try:
        return kind(*first, **args)
    except (TypeError, ValueError, AssertionError) as error:
        run.refuse(field, f"{getattr(kind, '__name__', kind)} refuses them: {error}")
