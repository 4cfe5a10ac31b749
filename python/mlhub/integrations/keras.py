"""A callback for Keras 3 on any backend (and for Keras 2 in TensorFlow).

Logs each epoch's metrics and, when asked, each batch's. Knows the model's optimiser and
number of parameters, and nothing of its data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._run import Run
from .._values import number_of
from ._common import RunHolder, guarded_hook

if TYPE_CHECKING:
    Base = object
else:
    from keras.callbacks import Callback as Base

__all__ = ["MlhubCallback"]


class MlhubCallback(Base):
    """`model.fit(..., callbacks=[MlhubCallback()])`.

    Epochs are steps, from 0; with `log_every_batches` batches are logged too, as
    `batch/<name>` over their own count. `run` is the run to log into, else the
    current one, else one that is started with `options` and finished after the training.
    """

    model: Any
    params: Any

    def __init__(
        self, *, run: Run | None = None, log_every_batches: int = 0, **options: Any
    ) -> None:
        super().__init__()
        self._holder = RunHolder(run, options)
        self._every = log_every_batches
        self._batches = 0

    @guarded_hook
    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """The optimiser's settings and the fit's parameters become params."""
        run = self._holder.get()
        facts: dict[str, Any] = {
            key: value for key, value in (self.params or {}).items() if key != "verbose"
        }
        optimiser = getattr(self.model, "optimizer", None)
        if optimiser is not None:
            facts["optimizer"] = optimiser_facts(optimiser)
        run.log_params({"keras": facts})
        try:
            run.summary["parameters"] = int(self.model.count_params())
        except ValueError:
            pass  # a model that is built by its first batch

    @guarded_hook
    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Every so many batches, the running means Keras keeps."""
        if self._every and self._batches % self._every == 0:
            numbers = {f"batch/{key}": value for key, value in (logs or {}).items()}
            self._holder.get().log(numbers, step=self._batches)
        self._batches += 1

    @guarded_hook
    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """The epoch's metrics; those of validation as `val/<name>`."""
        numbers = {
            f"val/{key[4:]}" if key.startswith("val_") else f"train/{key}": value
            for key, value in (logs or {}).items()
        }
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        number = number_of(rate) if rate is not None else None
        if number is not None:
            numbers["train/learning_rate"] = number
        run = self._holder.get()
        run.log(numbers, step=epoch)
        total = (self.params or {}).get("epochs")
        run.progress(epoch + 1, total=total, message="epochs")

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Ends the run, if it was started here."""
        self._holder.finish()


def optimiser_facts(optimiser: Any) -> dict[str, Any]:
    """Its name and the settings that are plain values."""
    try:
        settings = optimiser.get_config()
    except (NotImplementedError, ValueError):
        settings = {}
    return {
        "name": type(optimiser).__name__,
        **{
            key: number_of(value) if number_of(value) is not None else str(value)
            for key, value in settings.items()
            if key != "name" and isinstance(value, (bool, int, float, str))
        },
    }
