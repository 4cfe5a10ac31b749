"""scikit-learn: `mlhub.sklearn.track(estimator)` logs what fitting it shows.

Works on the estimator itself, pipelines and searches included; imports nothing of
scikit-learn. Shapes and scores are logged, never data.
"""

from __future__ import annotations

import functools
import time
from typing import Any, TypeVar

from ._init import current, init
from ._keeping import describe_error
from ._problems import MlhubError
from ._run import Run

__all__ = ["log_scores", "track"]

Estimator = TypeVar("Estimator")

PARAM_TEXT_MAX = 500
CV_ROWS_MAX = 10_000
SHADOWED = ("fit", "score", "__getstate__")
"""Attributes that `track` puts on an estimator."""


def track(
    estimator: Estimator, *, run: Run | None = None, score_train: bool = False, **options: Any
) -> Estimator:
    """Log every `fit` and `score` of this estimator; returns the same object.

    `fit` logs the params, the shapes of its data, the time it took and, of a search, each
    candidate's cross-validation results and the best; `score` logs the score.
    `score_train` also scores on the training data, which costs a prediction. `run` is the run
    to log into, else the current one, else one that is started with `options`. A clone, a
    copy, or what is unpickled is not tracked.
    """
    if not callable(getattr(estimator, "fit", None)):
        raise TypeError(f"track takes an estimator with fit(); got {type(estimator).__name__}")
    tracker = Tracker(run, options, score_train)
    for name in ("fit", "score"):
        if callable(getattr(estimator, name, None)):
            wrap(estimator, name, tracker)
    make_copies_plain(estimator)
    return estimator


def wrap(estimator: Any, name: str, tracker: Tracker) -> None:
    """Shadow a method on this object alone; clones are plain again."""
    inner = getattr(estimator, name)

    @functools.wraps(inner)
    def call(*arguments: Any, **keywords: Any) -> Any:
        # Before the work, which may be long: options that make no sense are refused now.
        run = tracker.run()
        begun = time.perf_counter()
        result = inner(*arguments, **keywords)
        seconds = time.perf_counter() - begun
        try:
            after = getattr(tracker, f"after_{name}")
            after(run, estimator, result, seconds, arguments, keywords)
        except MlhubError:
            raise  # strict, told already
        except Exception as error:  # what is told of a fit must not undo it
            text = f"track: {name} is not recorded: {describe_error(error)}"
            run._problems.report(f"track:{name}:{type(error).__name__}", text, error=error)
        return result

    setattr(estimator, name, of_ours(call))


def of_ours(function: Any) -> Any:
    """A function that is told apart from those an estimator has of its own."""
    function.of_mlhub = True
    return function


def make_copies_plain(estimator: Any) -> None:
    """What is pickled, copied or sent to another process is the estimator without us."""

    def getstate() -> Any:
        # Before Python 3.11 not every object has it.
        own = getattr(type(estimator), "__getstate__", None)
        return without_ours(own(estimator) if own is not None else vars(estimator))

    estimator.__getstate__ = of_ours(getstate)


def without_ours(state: Any) -> Any:
    """A state as `__getstate__` gives it: a dict, or a pair of it and that of slots."""
    if isinstance(state, tuple):
        return tuple(without_ours(part) for part in state)
    if not isinstance(state, dict):
        return state
    return {
        name: value
        for name, value in state.items()
        if not (name in SHADOWED and getattr(value, "of_mlhub", False))
    }


class Tracker:
    """Tells a run what an estimator did."""

    def __init__(self, run: Run | None, options: dict[str, Any], score_train: bool) -> None:
        self._given = run
        self._options = options
        self._score_train = score_train
        self._fits = 0
        self._scores = 0

    def run(self) -> Run:
        if self._given is not None and not self._given.ended:
            return self._given
        return current() or init(**self._options)

    def after_fit(
        self,
        run: Run,
        estimator: Any,
        result: Any,
        seconds: float,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> None:
        run.log_params({"estimator_class": type(estimator).__name__, **params_of(estimator)})
        names = ("X", "y")
        data = {**dict(zip(names, arguments)), **keywords}
        run.describe({key: value for key, value in data.items() if value is not None}, name="fit")
        numbers: dict[str, Any] = {"fit_seconds": seconds, **facts_of(estimator)}
        if self._score_train and hasattr(estimator, "score") and "X" in data:
            score = type(estimator).score(estimator, data["X"], data.get("y"))
            numbers["train/score"] = float(score)
        run.log(numbers, step=self._fits)
        self._fits += 1
        if hasattr(estimator, "cv_results_"):
            log_search(run, estimator)

    def after_score(
        self,
        run: Run,
        estimator: Any,
        result: Any,
        seconds: float,
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> None:
        numbers = {"score": result, "score_seconds": seconds}
        run.log(numbers, step=self._scores)
        self._scores += 1


def params_of(estimator: Any) -> dict[str, Any]:
    """Its params in terms of texts and numbers; inner estimators by their class."""
    found: dict[str, Any] = {}
    for name, value in estimator.get_params(deep=True).items():
        if value is None or isinstance(value, (bool, int, float, str)):
            found[name.replace("__", ".")] = value
        elif hasattr(value, "get_params"):
            found[f"{name.replace('__', '.')}.class"] = type(value).__name__
        elif isinstance(value, (list, tuple, dict)):
            text = repr(shown(value))
            found[name.replace("__", ".")] = text[:PARAM_TEXT_MAX]
        elif callable(value):
            found[name.replace("__", ".")] = getattr(value, "__name__", type(value).__name__)
        else:
            item = getattr(value, "item", None)
            plain = item() if callable(item) and getattr(value, "size", 0) == 1 else None
            found[name.replace("__", ".")] = plain if plain is not None else type(value).__name__
    return found


def shown(value: Any) -> Any:
    """A container with estimators and arrays in it named by their class."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(item) for item in value]
    return value if isinstance(value, (bool, int, float, str)) else type(value).__name__


def facts_of(estimator: Any) -> dict[str, float]:
    """Numbers a fitted estimator knows of itself."""
    found = {}
    for name in ("n_iter_", "best_score_", "inertia_", "n_features_in_", "oob_score_"):
        try:
            value = getattr(estimator, name, None)
        except Exception:  # a property of an estimator that was not fitted so
            continue
        if isinstance(value, (int, float)):
            found[name.strip("_")] = float(value)
    return found


def log_search(run: Run, search: Any) -> None:
    """A search's candidates: a table, and one step each."""
    results = search.cv_results_
    names = [name for name in results if not name.startswith("param_")]
    size = len(results["params"])
    for at in range(min(size, CV_ROWS_MAX)):
        numbers = {
            f"cv/{name}": results[name][at]
            for name in names
            if name != "params" and hasattr(results[name], "dtype")
        }
        run.log(numbers, step=at)
    columns = ["params", *[name for name in names if name != "params"]]
    rows = [
        [repr(shown(results["params"][at])), *[results[name][at] for name in columns[1:]]]
        for at in range(min(size, CV_ROWS_MAX))
    ]
    run.log_table("cv_results", columns=columns, rows=rows)
    if hasattr(search, "best_params_"):
        run.summary.update({"best_params": shown(search.best_params_)})
    score = getattr(search, "best_score_", None)
    if score is not None:
        run.summary["best_score"] = float(score)


def log_scores(scores: dict[str, Any], *, run: Run | None = None) -> None:
    """Log what `cross_validate` returned: each fold a step, means and deviations as results."""
    target = run or current() or init()
    folds = {name: values for name, values in scores.items() if getattr(values, "ndim", 0) == 1}
    for at in range(min((len(values) for values in folds.values()), default=0)):
        target.log({f"cv/{name}": values[at] for name, values in folds.items()}, step=at)
    for name, values in folds.items():
        target.summary[f"cv/{name}/mean"] = float(values.mean())
        target.summary[f"cv/{name}/std"] = float(values.std())
