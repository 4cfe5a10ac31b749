"""A run as an adapter sees it: what it is given, and all it may write.

Files are whole before their event is written; events survive the process. Nothing that is
told here holds a cell of the dataset but prediction files, checkpoints and artifacts.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from mlhub_adapter import checkpoint as checkpoints
from mlhub_adapter import entry, failure, images, predictions, seeding, table
from mlhub_adapter.events import EventWriter, number
from mlhub_adapter.files import Content, whole_text, write_whole
from mlhub_adapter.readers import read_columns

if TYPE_CHECKING:
    from mlhub_adapter.checkpoint import Checkpoint
    from mlhub_adapter.readers import Columns
    from mlhub_adapter.run_file import Dataset, RunFile
    from mlhub_adapter.table import Data


class Run:
    """What is to be done, and where its results go."""

    def __init__(
        self, run_dir: Path, file: RunFile, *, params: Mapping[str, Any], events: EventWriter
    ) -> None:
        self.dir = run_dir
        """The run directory."""
        self.file = file
        """All of ``run.json``."""
        self.params = params
        """The params, checked against the schema and complete."""
        self.seed = file.seed
        self.smoke = file.smoke
        """Whether this is a smoke run, which ends in seconds."""
        self.task = file.task
        self.predict_splits = file.predict_splits
        self.resources = file.resources
        self.events = events
        self._identity: dict[str, Any] | None = None
        self._place: tuple[int, int] | None = None
        self._told_to_stop = False

    # --- what it is given ---------------------------------------------------

    @property
    def dataset(self) -> Dataset:
        """The dataset; refuses a run without one."""
        if self.file.dataset is None:
            raise failure.config("dataset", "this adapter needs a dataset")
        return self.file.dataset

    @property
    def small_seed(self) -> int:
        """The seed as a number from 0 to 2^32 - 1, which every library takes."""
        return seeding.small_seed(self.seed)

    @property
    def export_format(self) -> str:
        """The format to export to; refuses a run that names none."""
        if not self.file.export_format:
            raise failure.config("export.format", "name the format to export to")
        return self.file.export_format

    def seed_everything(self) -> dict[str, str]:
        """Seeds ``random`` and what is loaded of numpy, torch and tensorflow."""
        return seeding.seed_everything(self.seed)

    def tables(
        self,
        *,
        exclude: Collection[str] = (),
        categorical: Collection[str] | None = (),
        validation_fraction: float = 0.0,
        allows_missing: bool = False,
        classification: bool | None = None,
    ) -> Data:
        """Reads the splits of a CSV, JSON lines, NPZ or Parquet dataset.

        ``exclude``: columns that are no features. ``categorical``: columns of categories;
        None takes those with cells that are no numbers. ``validation_fraction``: training
        rows to set aside by the seed where the dataset has no split ``validation``.
        ``allows_missing``: whether a feature may be NaN. ``classification``: what a run
        without a task is; None looks at the target.
        """
        return table.load(
            self.file,
            exclude=exclude,
            categorical=categorical,
            validation_fraction=validation_fraction,
            allows_missing=allows_missing,
            classification=classification,
        )

    def columns(self, split: str) -> Columns:
        """A split's cells as they are, by column: for text, dates, whatever is no feature."""
        return read_columns(self.dataset.split(split).path, self.dataset.format, split)

    def ids(self, columns: Columns) -> list[str]:
        """The ids of rows that :meth:`columns` gave, as prediction files name them."""
        if self.dataset.id:
            return [str(cell) for cell in columns[self.dataset.id]]
        return [str(row) for row in range(len(next(iter(columns.values()))))]

    def images(self, split: str) -> list[images.Image]:
        """Paths, labels and ids of a split of an image folder."""
        return images.listed(self.dataset, split)

    def resume(
        self,
        *,
        may_change: Collection[str] = (),
        params: Mapping[str, Any] | None = None,
        **identity: Any,
    ) -> Checkpoint | None:
        """The checkpoint to go on from, or None for a run from the start.

        Call it once, before the first checkpoint: it also says what a checkpoint belongs
        to. That is the seed, the training split, the params but those in ``may_change``
        (how long to train, how often to save), and ``identity``, such as a library's
        version. A checkpoint of anything else is refused.
        """
        given = self.params if params is None else params
        training = self.file.dataset.splits.get("train") if self.file.dataset else None
        self._identity = {
            "seed": self.seed,
            "params": {name: value for name, value in given.items() if name not in may_change},
            "training split": training.fingerprint if training else None,
            **{name.replace("_", " "): value for name, value in identity.items()},
        }
        if self.file.resume is None:
            return None
        return checkpoints.load(self.file.resume.path, identity=self._identity)

    # --- going on and stopping ----------------------------------------------

    def steps(
        self, steps: int | Sequence[int], *, after: Checkpoint | int | None = None
    ) -> Iterator[int]:
        """The steps to take: 1 to ``steps``, or those listed; only what comes ``after`` a
        step, or the checkpoint that :meth:`resume` gave.

        While they are taken SIGTERM is a flag (:attr:`stop_requested`): the step is
        finished, a checkpoint is due, and the next step is not begun: the program ends
        with exit code 143. Progress is told with the metrics of :meth:`log`.
        """
        plan = range(1, steps + 1) if isinstance(steps, int) else list(steps)
        done = after.step if isinstance(after, checkpoints.Checkpoint) else after or 0
        with self.interruptible():
            for index, step in enumerate(plan, 1):
                if step <= done:
                    continue
                self._place = index, len(plan)
                yield step
                if self._told_to_stop and index < len(plan):
                    self.stop()

    def checkpoint_due(self, *, every: int) -> bool:
        """Whether to save now, inside :meth:`steps`: at every ``every``-th step (0: never),
        and when told to stop."""
        index = self._place[0] if self._place else 0
        return (every > 0 and index % every == 0) or self._told_to_stop

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """SIGTERM is :attr:`stop_requested` inside, and the program's end outside.

        For frameworks with a loop of their own: look at the flag in a callback, write a
        checkpoint and call :meth:`stop`.
        """

        def remember(_signal: int, _frame: FrameType | None) -> None:
            self._told_to_stop = True

        before = signal.signal(signal.SIGTERM, remember)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    @property
    def stop_requested(self) -> bool:
        """Whether the program was told to stop."""
        return self._told_to_stop

    def stop(self) -> NoReturn:
        """Ends the program with the exit code of one that was told to stop."""
        raise failure.Stopped

    def refuse(self, field: str, message: str, *, code: int = failure.CONFIG) -> NoReturn:
        """Refuses the run: 64 a param or setting, 65 the dataset, 69 not supported."""
        raise failure.Refused(code, field, message)

    # --- what it tells ------------------------------------------------------

    def log(
        self,
        metrics: Mapping[str, Any],
        *,
        step: int,
        progress: tuple[int, int] | None = None,
    ) -> None:
        """Metrics of a step, named ``split/metric``; below ``time/`` those of the clock.

        ``progress``: steps done and in all, which :meth:`steps` knows by itself.
        """
        said: dict[str, Any] = {name: number(value) for name, value in metrics.items()}
        place = progress or self._place
        more = {"progress": dict(zip(("done", "total"), place))} if place else {}
        self.events.write(step=step, metrics=said, **more)

    def progress(self, done: int, total: int, message: str | None = None) -> None:
        """How far the program is."""
        said = {"done": done, "total": total}
        self.events.write(progress={**said, "message": message} if message else said)

    def warning(self, message: str) -> None:
        """Something a person should know; told once."""
        self.events.warning(message)

    def tag(self, **tags: str) -> None:
        """Tags of the run's record."""
        self.events.write(tags=tags)

    def entry(self, what: Data | Mapping[str, Any], *, device: str = "cpu", **more: Any) -> None:
        """What goes into the model: shapes, dtypes, device and statistics, never values.

        ``what``: what :meth:`tables` gave, or by split an array or a tensor, a mapping of
        such, or a mapping that says ``shape`` and ``dtype``.
        """
        data = isinstance(what, table.Data)
        said = entry.describe_data(what) if data else entry.describe_splits(what)  # type: ignore[arg-type]
        self.events.write(entry={"device": device, **more, **said})

    # --- what it leaves -----------------------------------------------------

    def checkpoint(self, content: Content | Mapping[str, Content], *, step: int) -> Path:
        """Saves a checkpoint: the content of one file, or of several by name.

        A content is bytes, text, a path to copy, or a function that writes to the path it
        is given. :meth:`resume` gives it back.
        """
        if self._identity is None:
            raise RuntimeError("call Run.resume() before the first checkpoint")
        files = content if isinstance(content, Mapping) else {checkpoints.STATE: content}
        path = f"checkpoints/step-{step}"
        checkpoints.save(self.dir / path, step=step, identity=self._identity, files=files)
        self.events.write(checkpoint={"step": step, "path": path})
        return self.dir / path

    def predictions(
        self,
        split: str,
        *,
        ids: Sequence[str],
        y_true: Sequence[Any],
        y_pred: Iterable[Any] | None = None,
        y_score: Any = None,
        labels: Sequence[str] | None = None,
        task: str | None = None,
    ) -> Path:
        """Writes the predictions of a split, one per row.

        Classes: give ``labels``, then ``y_score`` is ``[rows, classes]`` (or ``[rows]``,
        of the second of two) and ``y_pred`` are class numbers; the greatest score where
        it is not given. Values: ``y_pred`` alone.
        """
        path = f"predictions/{split}.csv"
        predictions.write(
            self.dir / path, ids=ids, y_true=y_true, y_pred=y_pred, y_score=y_score, labels=labels
        )
        said = {"split": split, "path": path}
        task = task or self.task
        self.events.write(predictions={**said, "task": task} if task else said)
        return self.dir / path

    def artifact(self, name: str, content: Content | None = None, *, kind: str = "file") -> Path:
        """Writes ``artifacts/NAME``, or tells of it when it is there already."""
        path = self.dir / "artifacts" / name
        if content is not None:
            write_whole(path, content)
        elif not path.exists():
            raise FileNotFoundError(f"{path} was not written")
        self.events.write(artifact={"path": f"artifacts/{name}", "kind": kind})
        return path

    def model(
        self,
        *,
        input: Mapping[str, Any],
        output: Mapping[str, Any],
        task: str | None = None,
        **more: Any,
    ) -> Path:
        """Describes the trained model as the artifact ``model.json``: what it takes and gives.

        ``input`` and ``output`` are those of ``adapters/SPEC.md``; ``more`` are further fields
        of the description, such as ``query``. The model's own files are told of by
        :meth:`artifact` with kind ``model``.
        """
        from mlhub_adapter.serving import DESCRIPTION, DESCRIPTION_VERSION

        said = {
            "version": DESCRIPTION_VERSION,
            "task": task or self.task,
            "input": input,
            "output": output,
            **more,
        }
        text = json.dumps(said, indent=1, allow_nan=False) + "\n"
        return self.artifact(DESCRIPTION, text, kind="model")

    def table(self, name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
        """Writes a table as the artifact ``NAME.csv``. No rows of the dataset."""
        import csv

        path = self.dir / "artifacts" / f"{name}.csv"
        with whole_text(path) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        return self.artifact(path.name, kind="table")

    def bar_plot(self, name: str, values: Mapping[str, float], *, title: str) -> Path:
        """Draws named values as the artifact ``NAME.svg``."""
        from mlhub_adapter import plot

        return self.artifact(f"{name}.svg", plot.bars(title, values), kind="plot")

    def line_plot(
        self, name: str, curves: Mapping[str, Sequence[tuple[float, float]]], *, title: str
    ) -> Path:
        """Draws curves of (x, y) points as the artifact ``NAME.svg``."""
        from mlhub_adapter import plot

        return self.artifact(f"{name}.svg", plot.lines(title, curves), kind="plot")
