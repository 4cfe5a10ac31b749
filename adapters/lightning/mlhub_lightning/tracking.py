"""What the trainer is given: a logger that tells the hub, and a callback that keeps
checkpoints and generators. Classes are made for the Lightning at hand.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from mlhub_adapter import Checkpoint, Run, seed_everything
from mlhub_adapter.entry import describe_array
from mlhub_adapter.torch import describe, epoch_seed

STATE, EPOCHS = "trainer.ckpt", "epochs"
"""Files of a checkpoint: what the trainer writes, and how many epochs were done."""

MODEL_FILE = "model.ckpt"
FOLDER = "lightning"
"""Where the trainer and callbacks may write, in the run directory."""

MIN_VALUES = 8
"""Smallest tensor whose statistics are told; those of a smaller one are nearly its values."""


def logger(library: Any, run: Run) -> Any:
    """Hands the trainer's metrics to the hub at the trainer's steps."""

    class HubLogger(library.loggers.logger.Logger):
        name, version, save_dir = "mlhub", run.file.id, str(run.dir / FOLDER)

        @property
        def experiment(self) -> Run:
            return run

        def log_hyperparams(self, *_args: Any, **_kwargs: Any) -> None:
            """The hub knows the params: it gave them."""

        def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
            # The trainer adds the epoch to whatever a module logs.
            said = {named(name): value for name, value in metrics.items() if name != "epoch"}
            if said and library.utilities.rank_zero_only.rank == 0:
                run.log(said, step=step or 0)

    return HubLogger()


def named(metric: str) -> str:
    """``train_loss`` as ``train/loss``; other names stay."""
    for prefix, split in (("train", "train"), ("val", "validation"), ("test", "test")):
        for mark in ("_", "/"):
            if metric.startswith(prefix + mark):
                return f"{split}/{metric[len(prefix) + 1 :]}"
    return metric


def keeper(library: Any, run: Run, saved: Checkpoint | None) -> Any:
    """Keeps checkpoints, and ends the program when it is told to.

    A checkpoint is written before the next epoch starts, and not at the end of its own:
    schedulers that wait for a metric and a module's own hook come after that end. But
    trainers go on only from how far their loops were then, so that is remembered.

    Generators are seeded by the epoch before its loader is asked for an iterator.
    """
    every, epochs = run.params["checkpoint_every"], run.params["epochs"]
    before = int(saved.read(EPOCHS)) if saved else 0

    class Keeper(library.Callback):
        def __init__(self) -> None:
            self.entry: dict[str, Any] = {}
            self.is_told = False
            self.done: int = before
            self.kept: int = before
            self.loops: Any = None
            self.is_saving = False
            self.on_sigterm: Any = None

        def on_fit_start(self, trainer: Any, module: Any) -> None:
            seed_everything(epoch_seed(run.seed, before, trainer.global_rank))

        def on_train_start(self, trainer: Any, module: Any) -> None:
            # A newer trainer's own handler would end the epoch where it is.
            signal.signal(signal.SIGTERM, self.on_sigterm)

        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, at: int) -> None:
            self.seen(trainer, module, "train", batch)

        def on_validation_batch_start(
            self, trainer: Any, module: Any, batch: Any, at: int, *_loader: Any
        ) -> None:
            if "validation" not in self.entry:
                self.entry["validation"] = _described(batch)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            self.done = trainer.current_epoch + 1
            self.loops = deepcopy(trainer.fit_loop.state_dict()), trainer.current_epoch
            if trainer.is_global_zero:
                run.progress(self.done, epochs)
            seed_everything(epoch_seed(run.seed, self.done, trainer.global_rank))

        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            stops = trainer.strategy.reduce_boolean_decision(run.stop_requested, all=False)
            if self.done == before:
                if stops:
                    run.stop()
                return
            if stops or (every and self.done % every == 0):
                self.save(trainer)
            if stops:
                run.stop()

        def on_train_end(self, trainer: Any, module: Any) -> None:
            if every and self.done > self.kept:
                self.save(trainer)

        def on_save_checkpoint(self, trainer: Any, module: Any, checkpoint: Any) -> None:
            if self.is_saving:
                checkpoint["loops"]["fit_loop"], checkpoint["epoch"] = self.loops

        def seen(self, trainer: Any, module: Any, split: str, batch: Any) -> None:
            """Tells once what goes into the module."""
            if self.is_told or not trainer.is_global_zero:
                return
            self.is_told = True
            said = f"{library.__name__} {library.__version__}, torch {torch.__version__}"
            entry = {split: _described(batch), **self.entry}
            run.entry(entry, device=str(module.device), library=said)

        def save(self, trainer: Any) -> None:
            self.kept, self.is_saving = self.done, True
            files = {STATE: _written(run, trainer, STATE), EPOCHS: str(self.done)}
            if trainer.is_global_zero:
                run.checkpoint(files, step=trainer.global_step)
            self.is_saving = False

    return Keeper()


def leave(run: Run, trainer: Any) -> None:
    """The trained module, as ``load_from_checkpoint`` reads it."""
    content = _written(run, trainer, MODEL_FILE, weights_only=True)
    if trainer.is_global_zero:
        run.artifact(MODEL_FILE, content, kind="model")


def _written(run: Run, trainer: Any, name: str, **options: Any) -> Any:
    """What the trainer writes, as the content of a file."""
    if trainer.world_size == 1:
        return partial(trainer.save_checkpoint, **options)
    # All ranks gather what the strategy shares out, to one place.
    whole = run.dir / FOLDER / name
    trainer.save_checkpoint(whole, **options)
    return whole


def _described(batch: Any) -> Any:
    """Shapes, dtypes, devices and statistics of a batch; never values."""
    if isinstance(batch, torch.Tensor):
        if batch.numel() < MIN_VALUES or batch.layout != torch.strided:
            return describe(batch)
        return {**describe_array(batch), **describe(batch)}
    said = describe(batch)
    parts = dict(batch) if isinstance(batch, Mapping) else None
    if isinstance(batch, (list, tuple)):
        parts = dict(enumerate(batch))
    for name, part in (parts or {}).items():
        if isinstance(part, torch.Tensor):
            said[str(name)] = _described(part)
    return said
