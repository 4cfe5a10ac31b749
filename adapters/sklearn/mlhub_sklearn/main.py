"""One training from a run directory: read, train step by step, predict, save."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from mlhub_sklearn import failure, run_file
from mlhub_sklearn.events import EventWriter

if TYPE_CHECKING:
    from mlhub_sklearn.checkpoint import Checkpoint
    from mlhub_sklearn.learning import Learner, TrainingData
    from mlhub_sklearn.table import Floats, Problem, Table

MODEL_FILE = "artifacts/model.pkl"


def main(arguments: Sequence[str]) -> int:
    """Runs the adapter; returns the process's exit code."""
    if len(arguments) != 1:
        print("usage: train.py RUN_DIRECTORY", file=sys.stderr)
        return failure.CONFIG
    run_dir = Path(arguments[0])
    events = EventWriter(run_dir)
    events.take_over_warnings()
    try:
        # Checked before anything heavy is imported: a typo answers at once.
        run = run_file.read(run_dir)
        return 0 if train(run_dir, run, events) else failure.TERMINATED
    except failure.Refused as refusal:
        print(f"error: {refusal.field}: {refusal.message}", file=sys.stderr)
        events.write(error={"field": refusal.field, "message": refusal.message})
        return refusal.code


def train(run_dir: Path, run: run_file.Run, events: EventWriter) -> bool:
    """Trains; False when it was told to stop before the end."""
    from mlhub_sklearn import checkpoint, entry, estimator, learning, table

    model = estimator.build(run.params, run.seed)
    classification = estimator.is_classifier(model, run.task)
    problem = table.load(
        run,
        classification=classification,
        allows_missing=estimator.allows_missing(model),
    )
    learner = learning.choose(model, run.params, len(problem.train.target))
    identity = _identity(run, learner)
    saved = None
    if run.checkpoint is not None and learner.in_steps:
        saved = checkpoint.read(run.checkpoint)
        checkpoint.check(saved, identity, problem.train.names)
    task = _task(run, problem)
    described = entry.describe(
        problem, task=task, estimator=run.params.estimator, training=learner.name
    )
    events.write(entry=described)
    session = Session.start(run_dir, run, events, problem, learner, model, saved, identity)
    if not session.learn():
        return False
    session.finish(task)
    return True


def _identity(run: run_file.Run, learner: Learner) -> dict[str, Any]:
    import sklearn

    return {
        "seed": run.seed,
        "params": run.params.identity(grows=learner.grows),
        "training split": run.dataset.fingerprints["train"],
        "scikit-learn": sklearn.__version__,
    }


def _task(run: run_file.Run, problem: Problem) -> str:
    if not problem.classes:
        return "regression"
    return run.task or ("binary" if len(problem.classes) == 2 else "multiclass")


class Interrupt:
    """SIGTERM as a flag while steps are taken; its default otherwise."""

    def __init__(self) -> None:
        self.came = False

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.came = True

    def __enter__(self) -> Interrupt:
        signal.signal(signal.SIGTERM, self._remember)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@dataclass(kw_only=True)
class Session:
    """A training under way."""

    run_dir: Path
    run: run_file.Run
    events: EventWriter
    problem: Problem
    learner: Learner
    model: Any
    scaler: Any
    data: TrainingData
    identity: dict[str, Any]
    done: int

    @classmethod
    def start(
        cls,
        run_dir: Path,
        run: run_file.Run,
        events: EventWriter,
        problem: Problem,
        learner: Learner,
        model: Any,
        saved: Checkpoint | None,
        identity: dict[str, Any],
    ) -> Session:
        """From nothing, or from a checkpoint."""
        from mlhub_sklearn.learning import TrainingData

        scaler = saved.preprocess if saved else _scaler(run.params.preprocess, problem.train)
        data = TrainingData(
            features=_scaled(scaler, problem.train),
            targets=problem.targets(problem.train, "train"),
            classes=len(problem.classes),
            seed=run.seed,
        )
        return cls(
            run_dir=run_dir,
            run=run,
            events=events,
            problem=problem,
            learner=learner,
            model=saved.estimator if saved else model,
            scaler=scaler,
            data=data,
            identity=identity,
            done=saved.step if saved else 0,
        )

    def learn(self) -> bool:
        """Takes every step that is left; False when told to stop before the end."""
        if not self.learner.in_steps:
            self._advance(1)
            self._remembered_curve()
            return True
        steps = self.learner.steps
        every = self.run.params.checkpoint_every
        with Interrupt() as interrupt:
            for index, step in enumerate(steps, 1):
                if step <= self.done:
                    continue
                self._advance(step)
                self.events.step(step, self._measure(), done=index, total=len(steps))
                due = every > 0 and index % every == 0
                if due or interrupt.came:
                    self._save(step)
                if interrupt.came and index < len(steps):
                    return False
        return True

    def finish(self, task: str) -> None:
        """Predictions of every split asked for, then the model."""
        from mlhub_sklearn.scoring import write_predictions

        for split, table in self.problem.predict.items():
            path = f"predictions/{split}.csv"
            features = _scaled(self.scaler, table)
            with_scores = write_predictions(
                self.run_dir / path, table, self.model, features, self.problem.classes
            )
            if not with_scores:
                name = type(self.model).__name__
                self.events.warning(f"{name} gives no probabilities; predictions have no scores")
            self.events.write(predictions={"split": split, "path": path, "task": task})
        self._checkpoint(self.done).write(self.run_dir / MODEL_FILE)
        self.events.write(artifact={"path": MODEL_FILE, "kind": "model"})

    def _advance(self, step: int) -> None:
        from mlhub_sklearn.estimator import blamed

        try:
            self.learner.advance(self.model, self.data, step)
        except (ValueError, TypeError) as error:
            refusal = blamed(error)
            if refusal.field != "params.arguments":
                raise refusal from None
            name = type(self.model).__name__
            raise failure.dataset("dataset", f"{name} cannot learn from it: {error}") from None
        self.done = step

    def _measure(self) -> dict[str, float]:
        from mlhub_sklearn.scoring import measure

        data = self.data
        named = {"train": measure(self.model, data.features, data.targets, data.classes)}
        validation = self.problem.validation
        if validation is not None:
            targets = self.problem.targets(validation, "validation")
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

        data, last = self.data, 1
        curve = curve_afterwards(self.model, data.features, data.targets, data.classes)
        for step, metrics in curve:
            self.events.write(step=step, metrics=metrics)
            last = step
        self.events.step(last, self._measure(), done=1, total=1)

    def _checkpoint(self, step: int) -> Checkpoint:
        from mlhub_sklearn.checkpoint import Checkpoint

        return Checkpoint(
            step=step,
            identity=self.identity,
            features=self.problem.train.names,
            classes=self.problem.classes,
            preprocess=self.scaler,
            estimator=self.model,
        )

    def _save(self, step: int) -> None:
        path = f"checkpoints/step-{step}.pkl"
        self._checkpoint(step).write(self.run_dir / path)
        self.events.write(checkpoint={"step": step, "path": path})


def _scaler(preprocess: str, train: Table) -> Any:
    if preprocess == "none":
        return None
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    scaler = StandardScaler() if preprocess == "standardize" else MinMaxScaler()
    return scaler.fit(train.features)


def _scaled(scaler: Any, table: Table) -> Floats:
    features: Floats = table.features if scaler is None else scaler.transform(table.features)
    return features
