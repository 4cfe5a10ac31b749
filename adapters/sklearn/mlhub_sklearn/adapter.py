"""One training: build, read, learn step by step, predict, save; then serving and exporting."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, Served, defaults, failure, onnx_export, serving

from mlhub_sklearn.params import Params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlhub_adapter import Data, Model, Table

    from mlhub_sklearn.learning import Learner
    from mlhub_sklearn.scoring import Floats

MODEL_FILE = "model.pkl"
MODEL_VERSION = 1
"""Version of the pickled mapping in the model's file."""

PICKLE_PROTOCOL = 5


class Sklearn(Adapter):
    """Any scikit-learn estimator."""

    def train(self, run: Run) -> None:
        """Trains what the params name."""
        from mlhub_sklearn import estimator, learning

        params = Params(**run.params)
        model = estimator.build(params, run.small_seed)
        data = run.tables(
            exclude=params.exclude,
            validation_fraction=params.validation_fraction,
            allows_missing=estimator.allows_missing(model),
            classification=estimator.is_classifier(model, run.task),
        )
        learner = learning.choose(model, params, len(data.train))
        run.entry(data, estimator=params.estimator, training=learner.name)
        training = Training(run, params, data, learner, model)
        training.learn()
        training.finish()

    def defaults(self, run: Run) -> dict[str, Any]:
        """What the estimator takes for arguments that are left out."""
        from mlhub_sklearn import estimator

        params = Params(**run.params)
        model = estimator.build(params, run.small_seed)
        return defaults.of(
            params.estimator,
            model.get_params(deep=False),
            libraries=["scikit-learn"],
            given=[*params.arguments, "random_state"],
        )

    def load(self, model: Model) -> Served:
        """The trained estimator, to predict with."""
        return ServedEstimator(model, _loaded(model))

    def export(self, run: Run, model: Model) -> None:
        """The trained estimator as ONNX, where skl2onnx can write it."""
        from mlhub_sklearn import exporting
        from mlhub_sklearn.estimator import allows_missing

        onnx_export.only_onnx(run)
        saved = _loaded(model)
        trained = exporting.Trained(
            estimator=saved["estimator"],
            scaler=saved["preprocess"],
            features=saved["features"],
            classes=saved["classes"],
            spread=saved.get("spread"),
        )
        exporting.export(run, trained, allows_missing=allows_missing(trained.estimator))


def _loaded(model: Model) -> dict[str, Any]:
    """The mapping in the model's file."""
    path = model.file(MODEL_FILE)
    try:
        # A pickle, as all of scikit-learn's models are: whoever serves a run trusts it.
        saved: dict[str, Any] = pickle.loads(path.read_bytes())
        version = saved["version"]
    except Exception as error:  # what a damaged pickle raises is anything
        message = f"{path} is damaged ({type(error).__name__})"
        raise failure.config("model.path", message) from None
    if version > MODEL_VERSION:
        message = f"{path} has version {version}; this adapter reads up to {MODEL_VERSION}"
        raise failure.unsupported("model.path", message)
    return saved


class ServedEstimator(Served):
    """Predicts rows as training did for its splits."""

    def __init__(self, model: Model, saved: Mapping[str, Any]) -> None:
        self.model = model
        self.classes: list[str] = saved["classes"]
        self.scaler, self.estimator = saved["preprocess"], saved["estimator"]

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """Classes or values; no options."""
        serving.check_options(options)
        table = serving.table(self.model.input, inputs)
        if not inputs:
            return []
        features = _scaled(self.scaler, table)
        answers, scores = _predicted(self.estimator, features, self.classes)
        if self.classes:
            return serving.class_outputs(scores, self.classes, answers)
        return serving.value_outputs(answers)


class Training:
    """A training under way."""

    def __init__(self, run: Run, params: Params, data: Data, learner: Learner, model: Any) -> None:
        from mlhub_sklearn.learning import TrainingData

        self.run, self.params, self.data, self.learner = run, params, data, learner
        self.done = 0
        saved = self._saved() if learner.in_steps else None
        self.model = saved["estimator"] if saved else model
        self.scaler = saved["preprocess"] if saved else _scaler(params.preprocess, data.train)
        self.training_data = TrainingData(
            features=_scaled(self.scaler, data.train),
            targets=data.targets("train"),
            classes=len(data.classes),
            seed=run.seed,
        )

    def _saved(self) -> dict[str, Any] | None:
        import sklearn

        found = self.run.resume(
            params=self.params.identity(grows=self.learner.grows),
            features=self.data.train.names,
            sklearn=sklearn.__version__,
        )
        if found is None:
            return None
        self.done = found.step
        state: dict[str, Any] = found.unpickle()
        return state

    def learn(self) -> None:
        """Takes every step that is left."""
        if not self.learner.in_steps:
            self._advance(1)
            self._remembered_curve()
            return
        for step in self.run.steps(self.learner.steps, after=self.done):
            self._advance(step)
            self.run.log(self._measure(), step=step)
            if self.run.checkpoint_due(every=self.params.checkpoint_every):
                state = {"preprocess": self.scaler, "estimator": self.model}
                self.run.checkpoint(pickle.dumps(state, PICKLE_PROTOCOL), step=step)

    def finish(self) -> None:
        """Predictions of every split asked for, then the model."""
        from mlhub_sklearn.estimator import allows_missing

        classes = self.data.classes
        for split, table in self.data.predict.items():
            answers, scores = _predicted(self.model, _scaled(self.scaler, table), classes)
            if classes and scores is None:
                name = type(self.model).__name__
                self.run.warning(f"{name} gives no probabilities; predictions have no scores")
            self.run.predictions(
                split,
                ids=table.ids,
                y_true=table.target,
                y_pred=answers,
                y_score=scores,
                labels=classes or None,
                task=self.data.task,
            )
        # A plain mapping: readable without this adapter.
        model = {
            "version": MODEL_VERSION,
            "features": self.data.train.names,
            "classes": classes,
            "preprocess": self.scaler,
            "estimator": self.model,
            "spread": _spread(self.data.train),
        }
        self.run.artifact(MODEL_FILE, pickle.dumps(model, PICKLE_PROTOCOL), kind="model")
        value = {"kind": "value", "name": self.run.dataset.target}
        self.run.model(
            input=serving.table_input(self.data, allows_missing=allows_missing(self.model)),
            output={"kind": "classes", "labels": classes} if classes else value,
            task=self.data.task,
        )

    def _advance(self, step: int) -> None:
        from mlhub_sklearn.estimator import blamed

        try:
            self.learner.advance(self.model, self.training_data, step)
        except (ValueError, TypeError) as error:
            refusal = blamed(error)
            if refusal.field != "params.arguments":
                raise refusal from None
            name = type(self.model).__name__
            raise failure.dataset("dataset", f"{name} cannot learn from it: {error}") from None

    def _measure(self) -> dict[str, float]:
        from mlhub_sklearn.scoring import measure

        data = self.training_data
        named = {"train": measure(self.model, data.features, data.targets, data.classes)}
        validation = self.data.validation
        if validation is not None:
            targets = self.data.targets("validation")
            features = _scaled(self.scaler, validation)
            named["validation"] = measure(self.model, features, targets, data.classes)
        return {
            f"{split}/{name}": value
            for split, metrics in named.items()
            for name, value in metrics.items()
        }

    def _remembered_curve(self) -> None:
        """The curve of an estimator fitted in one go, then how it ended."""
        from mlhub_sklearn.scoring import curve_afterwards

        data, last = self.training_data, 1
        curve = curve_afterwards(self.model, data.features, data.targets, data.classes)
        for step, metrics in curve:
            self.run.log(metrics, step=step)
            last = step
        self.run.log(self._measure(), step=last)
        self.run.progress(1, 1)


def _predicted(estimator: Any, features: Floats, classes: list[str]) -> tuple[Any, Floats | None]:
    """Answers ``[rows]`` (class numbers, or values), and scores where there are any."""
    from mlhub_sklearn.scoring import probabilities

    scores = probabilities(estimator, features, len(classes)) if classes else None
    return estimator.predict(features).ravel(), scores


def _spread(train: Table) -> tuple[list[float], list[float]]:
    """Means and standard deviations of the features: where an export is to be compared."""
    import numpy as np

    features = np.ma.masked_invalid(train.features)
    return (
        features.mean(axis=0).filled(0).tolist(),
        features.std(axis=0).filled(1).tolist(),
    )


def _scaler(preprocess: str, train: Table) -> Any:
    if preprocess == "none":
        return None
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    scaler = StandardScaler() if preprocess == "standardize" else MinMaxScaler()
    return scaler.fit(train.features)


def _scaled(scaler: Any, table: Table) -> Floats:
    features: Floats = table.features if scaler is None else scaler.transform(table.features)
    return features
