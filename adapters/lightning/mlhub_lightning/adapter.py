"""The ``lightning`` adapter: the user's module and data, and a trainer that tells the hub.

Changes nothing in the user's code: data modules are handed the paths of the hub's splits
through placeholders in their arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mlhub_adapter import Adapter, Checkpoint, Run
from mlhub_adapter.seeding import pin_threads

RESERVED = {
    "max_epochs": "set params.epochs",
    "logger": "the hub's is used",
    "callbacks": "set params.callbacks",
    "deterministic": "set params.deterministic",
    "enable_checkpointing": "set params.checkpoint_every",
    "default_root_dir": "it is the run directory",
}
MODEL_FILE = "model.ckpt"


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

        run.seed_everything()
        kind = named(run.params["model"]["class_path"], "params.model.class_path")
        lightning = library.of_module(kind)
        module = _made(run, kind, "params.model", self._places(run))
        data = self._made_of(run, "data")
        if data is not None and not isinstance(data, lightning.LightningDataModule):
            run.refuse("params.data.class_path", "names no LightningDataModule of this library")
        saved = run.resume(
            may_change=("epochs", "checkpoint_every"),
            lightning=lightning.__version__,
            torch=torch.__version__,
        )
        every, epochs = run.params["checkpoint_every"], run.params["epochs"]
        done = int(saved.read(tracking.EPOCHS)) if saved else 0
        keeper = tracking.keeper(lightning, run, every=every, epochs=epochs, done=done)
        trainer = self._trainer(run, lightning, tracking.logger(lightning, run), keeper)
        run.seed_everything()
        with run.interruptible(), _trusting():
            path = _state(saved, tracking.STATE)
            trainer.fit(module, datamodule=data, ckpt_path=path)
        if run.stop_requested and trainer.current_epoch < epochs and not trainer.should_stop:
            run.stop()
        run.artifact(MODEL_FILE, tracking.saved_by(trainer), kind="model")
        if trainer.is_global_zero:
            predicting.predict(run, trainer, module, data)

    def _trainer(self, run: Run, lightning: Any, logger: Any, keeper: Any) -> Any:
        given = run.params["trainer"]
        known = inspect.signature(lightning.Trainer.__init__).parameters
        for name in given:
            if name in RESERVED:
                run.refuse(f"params.trainer.{name}", f"is not to be given here: {RESERVED[name]}")
            if name not in known:
                from mlhub_adapter.failure import unknown

                what = f"an argument of the Trainer of {lightning.__name__}"
                raise unknown(f"params.trainer.{name}", name, [*known], what)
        callbacks = []
        for at, said in enumerate(run.params["callbacks"]):
            from mlhub_adapter.torch import named

            field = f"params.callbacks[{at}]"
            kind = named(said["class_path"], f"{field}.class_path")
            callbacks.append(_called(run, kind, field, said.get("init_args", {})))
        options = {"enable_progress_bar": False, "enable_model_summary": False, **given}
        try:
            return lightning.Trainer(
                max_epochs=run.params["epochs"],
                logger=logger,
                callbacks=[*callbacks, keeper],
                deterministic=run.params["deterministic"],
                default_root_dir=str(run.dir / "lightning"),
                **options,
            )
        except (
            TypeError,
            ValueError,
            lightning.utilities.exceptions.MisconfigurationException,
        ) as e:
            run.refuse("params.trainer", f"the Trainer refuses them: {str(e).splitlines()[0]}")

    def _made_of(self, run: Run, what: str) -> Any:
        from mlhub_adapter.torch import named

        if run.params[what] is None:
            return None
        kind = named(run.params[what]["class_path"], f"params.{what}.class_path")
        return _made(run, kind, f"params.{what}", self._places(run))

    def _places(self, run: Run) -> dict[str, str]:
        """Placeholders of arguments."""
        splits = run.file.dataset.splits if run.file.dataset else {}
        places = {f"{{splits.{name}}}": str(split.path) for name, split in splits.items()}
        return {**places, "{project}": self.project or ".", "{run}": str(run.dir)}


def _made(run: Run, kind: Any, field: str, places: Mapping[str, str]) -> Any:
    given = run.params[field.split(".")[1]].get("init_args", {})
    return _called(run, kind, field, _filled(given, places))


def _called(run: Run, kind: Any, field: str, args: Mapping[str, Any]) -> Any:
    try:
        return kind(**args)
    except (TypeError, ValueError) as error:
        run.refuse(f"{field}.init_args", f"{kind.__name__} refuses them: {error}")


def _filled(value: Any, places: Mapping[str, str]) -> Any:
    """Arguments with the placeholders in their texts replaced."""
    if isinstance(value, str):
        for name, path in places.items():
            value = value.replace(name, path)
        return value
    if isinstance(value, Mapping):
        return {name: _filled(inner, places) for name, inner in value.items()}
    return [_filled(inner, places) for inner in value] if isinstance(value, list) else value


def _state(saved: Checkpoint | None, name: str) -> str | None:
    return str(saved.file(name)) if saved else None


def _trusting() -> Any:
    """Lets newer releases of torch read what this adapter wrote, which holds more than
    tensors: the path is the hub's, and the file this adapter's own."""
    import os
    from contextlib import contextmanager

    @contextmanager
    def change() -> Any:
        os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
        try:
            yield
        finally:
            del os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"]

    return change()
