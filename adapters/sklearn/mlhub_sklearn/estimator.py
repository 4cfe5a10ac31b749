"""From an import path and arguments to an estimator, with every mistake named."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from typing import Any

from mlhub_adapter import failure

from mlhub_sklearn.params import Params

_BLAMED = re.compile(r"The '(\w+)' parameter of")


def load(path: str) -> type:
    """Imports a class with ``fit``."""
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        missing = error.name or module_name
        raise failure.config(
            "params.estimator",
            f"{module_name} cannot be imported: there is no module {missing} "
            "in the adapter's environment",
        ) from None
    if not hasattr(module, name):
        classes = [key for key, value in vars(module).items() if inspect.isclass(value)]
        public = [key for key in classes if not key.startswith("_")]
        raise failure.unknown("params.estimator", name, public, f"in {module_name}")
    found = getattr(module, name)
    if not inspect.isclass(found) or not callable(getattr(found, "fit", None)):
        raise failure.config("params.estimator", f"{path} is no class with a fit method")
    return found


def build(params: Params, seed: int) -> Any:
    """The unfitted estimator: its arguments checked, its seed the run's, from 0 to 2^32 - 1."""
    kind = load(params.estimator)
    known, takes_any = _arguments(kind)
    for name in params.arguments:
        if name not in known and not takes_any:
            field = f"params.arguments.{name}"
            raise failure.unknown(field, name, known, f"an argument of {kind.__name__}")
    arguments = dict(params.arguments)
    if "random_state" in arguments:
        raise failure.config(
            "params.arguments.random_state",
            "is the run's seed; set seeds in the experiment instead",
        )
    if "random_state" in known:
        arguments["random_state"] = seed
    try:
        estimator = kind(**arguments)
        check = getattr(estimator, "_validate_params", None)
        if check is not None:
            check()
    except (TypeError, ValueError) as error:
        raise blamed(error) from None
    return estimator


def blamed(error: Exception) -> failure.Refused:
    """The argument that scikit-learn's message blames, as a refusal."""
    match = _BLAMED.search(str(error))
    field = f"params.arguments.{match.group(1)}" if match else "params.arguments"
    return failure.config(field, str(error))


def is_classifier(estimator: Any, task: str | None) -> bool:
    """Whether it classifies; refuses what neither classifies nor regresses."""
    from sklearn.base import is_classifier as classifies
    from sklearn.base import is_regressor as regresses

    name = type(estimator).__name__
    if classifies(estimator) == regresses(estimator):
        raise failure.config("params.estimator", f"{name} neither classifies nor regresses")
    classification: bool = classifies(estimator)
    if task is not None and classification != (task != "regression"):
        does = "classifies" if classification else "regresses"
        raise failure.config("params.estimator", f"{name} {does}, but the task is {task}")
    return classification


def allows_missing(estimator: Any) -> bool:
    """Whether it takes NaN among the features."""
    from sklearn.utils import get_tags

    try:
        return bool(get_tags(estimator).input_tags.allow_nan)
    except (AttributeError, TypeError):
        return False


def parameters(estimator: Any) -> Mapping[str, Any]:
    """Its parameters by name; none for what is no scikit-learn estimator."""
    if not hasattr(estimator, "get_params"):
        return {}
    values: Mapping[str, Any] = estimator.get_params(deep=False)
    return values


def _arguments(kind: type) -> tuple[set[str], bool]:
    """Names of its arguments, and whether it takes any other too."""
    signature = inspect.signature(kind)
    named = {
        name
        for name, parameter in signature.parameters.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    takes_any = any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()
    )
    return named, takes_any
