"""The ``lightning`` adapter: the user's module and data, and a trainer that tells the hub.

Changes nothing in the user's code: data modules are handed the paths of the hub's splits
through placeholders in their arguments.
"""

from __future__ import annotations

import inspect
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, defaults, failure
from mlhub_adapter.seeding import pin_threads

if TYPE_CHECKING:
    from mlhub_adapter.serving import Model, Served

    from mlhub_lightning.building import Builder

RESERVED = {
    "max_epochs": "set params.epochs",
    "max_steps": "set params.epochs; limit_train_batches makes an epoch shorter",
    "fast_dev_run": "run with --smoke",
    "logger": "the hub's is used",
    "callbacks": "set params.callbacks",
    "deterministic": "set params.deterministic",
    "enable_checkpointing": "set params.checkpoint_every",
    "resume_from_checkpoint": "the hub says where to go on",
    "default_root_dir": "it is the run directory",
}
"""Arguments of the Trainer that are not the user's to give, and what to do instead."""

QUIET = {"enable_progress_bar": False, "enable_model_summary": False}
"""The log of a run is no terminal."""


class Lightning(Adapter):
    """Trains any LightningModule."""

    threads = None  # Said by a param, and pinned before torch is loaded.

    def __init__(self, project: str | None = None) -> None:
        self.project = project

    def train(self, run: Run) -> None:
        """Trains or goes on, predicts, leaves the module's checkpoint."""
        pin_threads(run.params["threads"])
        import torch
        from mlhub_adapter.torch import named

        from mlhub_lightning import library, predicting, tracking
        from mlhub_lightning.building import Builder

        library.prepare()
        run.seed_everything()
        said, builder = run.params["model"], Builder(run, self.project)
        lightning = library.of_module(named(said["class_path"], "params.model.class_path"))
        module = builder.made(said, "params.model")
        data = None
        if run.params["data"] is not None:
            data = builder.made(run.params["data"], "params.data", tells=False)
            if not isinstance(data, lightning.LightningDataModule):
                kind = f"{lightning.__name__}.LightningDataModule"
                run.refuse("params.data.class_path", f"names no {kind}, which the module needs")
        saved = run.resume(
            may_change=("epochs", "checkpoint_every"),
            lightning=lightning.__version__,
            torch=torch.__version__,
        )
        keeper = tracking.keeper(lightning, run, saved)
        trainer = _trainer(run, lightning, builder, keeper)
        run.seed_everything()
        with run.interruptible(), _trusting():
            keeper.on_sigterm = signal.getsignal(signal.SIGTERM)
            state = str(saved.file(tracking.STATE)) if saved else None
            try:
                trainer.fit(module, datamodule=data, ckpt_path=state)
            except SystemExit:
                # A newer trainer that was told to stop before its first epoch.
                if run.stop_requested:
                    run.stop()
                raise
        tracking.leave(run, trainer)
        if trainer.is_global_zero:
            predicting.finish(run, trainer, module, data, keeper)

    def defaults(self, run: Run) -> dict[str, Any]:
        """What the Trainer takes for arguments that are left out."""
        from mlhub_lightning import library

        library.prepare()
        trainer = library.installed().Trainer
        return defaults.of(
            "Trainer",
            defaults.of_signature(trainer.__init__),
            libraries=["lightning", "pytorch-lightning", "torch"],
            given=[*run.params["trainer"], *RESERVED, *QUIET],
        )

    def load(self, model: Model) -> Served:
        """Answers single inputs, without the user's code."""
        pin_threads(1)
        from mlhub_lightning.serving import ServedModule

        return ServedModule(model)


def _trainer(run: Run, lightning: Any, builder: Builder, keeper: Any) -> Any:
    """The trainer that the params describe; refuses by name what it does not take."""
    from mlhub_lightning import tracking

    given = run.params["trainer"]
    known = inspect.signature(lightning.Trainer.__init__).parameters
    for name in given:
        field = f"params.trainer.{name}"
        if name in RESERVED:
            run.refuse(field, f"is not to be given here: {RESERVED[name]}")
        if name not in known:
            what = f"an argument of the Trainer of {lightning.__name__}"
            raise failure.unknown(field, name, set(known) - {"self", *RESERVED}, what)
    callbacks = []
    for at, said in enumerate(run.params["callbacks"]):
        callbacks.append(builder.made(said, f"params.callbacks[{at}]"))
        if not isinstance(callbacks[-1], lightning.Callback):
            kind = f"{lightning.__name__}.Callback"
            run.refuse(f"params.callbacks[{at}].class_path", f"names no {kind}")
    saves = any(isinstance(callback, lightning.callbacks.Checkpoint) for callback in callbacks)
    options = {**QUIET, **builder.filled(given, "params.trainer")}
    refusals = (TypeError, ValueError, lightning.utilities.exceptions.MisconfigurationException)
    try:
        return lightning.Trainer(
            max_epochs=run.params["epochs"],
            logger=tracking.logger(lightning, run),
            callbacks=[keeper, *callbacks],
            enable_checkpointing=saves,
            deterministic=run.params["deterministic"],
            default_root_dir=str(run.dir / tracking.FOLDER),
            **options,
        )
    except refusals as error:
        message = f"the Trainer refuses them: {str(error).splitlines()[0]}"
        raise failure.config("params.trainer", message) from error


@contextmanager
def _trusting() -> Iterator[None]:
    """Lets newer releases of torch read what this adapter wrote, which holds more than
    tensors: the path is the hub's, and the file this adapter's own."""
    name = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
