"""What the trainer is given: a logger that tells the hub, and a callback that keeps
checkpoints and generators. Classes are made for the Lightning at hand.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from mlhub_adapter import Run, seed_everything
from mlhub_adapter.torch import describe, epoch_seed

STATE, EPOCHS = "trainer.ckpt", "epochs"
"""Files of a checkpoint: what the trainer writes, and how many epochs were done."""


def logger(library: Any, run: Run) -> Any:
    """Hands the trainer's metrics to the hub at the trainer's steps."""
    base = library.loggers.logger.Logger

    class HubLogger(base):  # type: ignore[misc, valid-type]
        name, version, save_dir = "mlhub", run.file.id, str(run.dir / "lightning")

        @property
        def experiment(self) -> Run:
            return run

        def log_hyperparams(self, *_args: Any, **_kwargs: Any) -> None:
            """The hub knows the params: it gave them."""

        def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
            if library.utilities.rank_zero_only.rank == 0:
                run.log({named(name): value for name, value in metrics.items()}, step=step or 0)

    return HubLogger()


def named(metric: str) -> str:
    """``train_loss`` as ``train/loss``; other names stay."""
    for prefix, split in (("train", "train"), ("val", "validation"), ("test", "test")):
        for mark in ("_", "/"):
            if metric.startswith(prefix + mark):
                return f"{split}/{metric[len(prefix) + 1 :]}"
    return metric


def keeper(library: Any, run: Run, *, every: int, epochs: int, done: int) -> Any:
    """Keeps a checkpoint every ``every`` epochs, and ends the program when it is told to.

    It is of the kind that the trainer calls last, so that all others' states are in it.
    Generators are seeded by the epoch before its loader is asked for an iterator, which is
    after the end of the epoch before, or of the fit's start.
    """

    class Keeper(library.callbacks.Checkpoint):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.entry: dict[str, Any] = {}
            self.is_told = False

        def on_fit_start(self, trainer: Any, module: Any) -> None:
            seed_everything(epoch_seed(run.seed, done, trainer.global_rank))

        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, at: int) -> None:
            if at == 0 and "train" not in self.entry:
                self.entry["train"] = describe(batch)

        def on_validation_batch_start(
            self, trainer: Any, module: Any, batch: Any, at: int, *_loader: Any
        ) -> None:
            if at == 0 and "validation" not in self.entry:
                self.entry["validation"] = describe(batch)

        def on_train_batch_end(
            self, trainer: Any, module: Any, outputs: Any, batch: Any, at: int
        ) -> None:
            self._tell(trainer, module)

        def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
            epoch = trainer.current_epoch + 1
            stopping = trainer.strategy.reduce_boolean_decision(run.stop_requested, all=False)
            ends = epoch >= epochs or trainer.should_stop or stopping
            if (every and (epoch % every == 0 or ends)) or stopping:
                self._save(trainer, epoch)
            if trainer.is_global_zero:
                run.progress(epoch, epochs)
            if stopping and epoch < epochs:
                run.stop()
            seed_everything(epoch_seed(run.seed, epoch, trainer.global_rank))

        def _tell(self, trainer: Any, module: Any) -> None:
            if not self.is_told and trainer.is_global_zero:
                self.is_told = True
                said = f"{library.__name__} {library.__version__}, torch {torch.__version__}"
                run.entry(self.entry, device=str(module.device), library=said)

        def _save(self, trainer: Any, epoch: int) -> None:
            step = trainer.global_step
            if trainer.world_size == 1:
                run.checkpoint({STATE: trainer.save_checkpoint, EPOCHS: str(epoch)}, step=step)
                return
            # All ranks gather what the strategy shares out; the first one keeps it.
            whole = run.dir / "lightning" / STATE
            trainer.save_checkpoint(whole)
            if trainer.is_global_zero:
                run.checkpoint({STATE: whole, EPOCHS: str(epoch)}, step=step)

    return Keeper()


def saved_by(trainer: Any) -> Any:
    """Writes the trained module to a path."""
    return partial(trainer.save_checkpoint, weights_only=True)
