"""A logger for PyTorch Lightning, as `lightning` or `pytorch_lightning`.

Logs metrics and hyperparameters, and keeps checkpoints at the end when asked to. The
trainer decides what is logged; rank 0 alone logs, as with every logger of Lightning.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _place
from .._run import Run
from .._values import number_of
from ._common import RunHolder

__all__ = ["MlhubLogger"]


def find_base() -> tuple[Any, Any]:
    """The class `Logger` and `rank_zero_only` of the Lightning that is installed.

    Raises ImportError when none is.
    """
    errors = []
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            loggers = importlib.import_module(f"{name}.loggers.logger")
            utilities = importlib.import_module(f"{name}.utilities")
        except ImportError as error:
            errors.append(f"{name}: {error}")
            continue
        return loggers.Logger, utilities.rank_zero_only
    raise ImportError(f"MlhubLogger needs lightning or pytorch-lightning ({'; '.join(errors)})")


if TYPE_CHECKING:
    Base = object

    def rank_zero_only(function: Any) -> Any: ...
else:
    Base, rank_zero_only = find_base()


class MlhubLogger(Base):
    """Logs a Lightning training into an mlhub run.

    `run` is the run to log into, else the current one, else one that is started with
    `options` (those of `mlhub.init`). With `log_model` the checkpoints that are kept
    in the end are kept with the run as well. Names get `prefix` and a slash before them.
    """

    def __init__(
        self,
        *,
        run: Run | None = None,
        log_model: bool = False,
        prefix: str = "",
        save_dir: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._holder = RunHolder(run, options)
        self._log_model = log_model
        self._prefix = f"{prefix}/" if prefix else ""
        self._save_dir = save_dir
        self._checkpoints: Any = None

    @property
    def experiment(self) -> Run:
        """The run."""
        return self._holder.get()

    @property
    def name(self) -> str:
        """The project: the folder Lightning keeps checkpoints in."""
        return self.experiment.project if _place.ranks_of(os.environ).rank == 0 else "mlhub"

    @property
    def version(self) -> str:
        """The run's id: the folder below."""
        return self.experiment.id if _place.ranks_of(os.environ).rank == 0 else ""

    @property
    def save_dir(self) -> str | None:
        """Where Lightning keeps its own files."""
        return self._save_dir

    @rank_zero_only
    def log_hyperparams(self, params: Any, *arguments: Any, **options: Any) -> None:
        """Hyperparameters become the config; of each the first value stays."""
        self.experiment.log_params(params)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Metrics of one step; `epoch` is one of them."""
        if self._prefix:
            metrics = {f"{self._prefix}{key}": value for key, value in metrics.items()}
        self.experiment.log(metrics, step=step)

    @rank_zero_only
    def log_image(self, key: str, images: list[Any], step: int | None = None) -> None:
        """Pictures of one step."""
        self.experiment.log_images(f"{self._prefix}{key}", images, step=step)

    @rank_zero_only
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Called by Lightning; notes where checkpoints are."""
        self._checkpoints = checkpoint_callback

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Called by Lightning at the end, with `success` or `failed`."""
        callback = self._checkpoints
        if callback is not None:
            best = getattr(callback, "best_model_score", None)
            number = number_of(best) if best is not None else None
            if number is not None:
                self.experiment.summary["best_model_score"] = number
            if self._log_model:
                self._keep_checkpoints(callback)
        self._holder.finish(failed=status == "failed")

    def _keep_checkpoints(self, callback: Any) -> None:
        kept = {callback.best_model_path, getattr(callback, "last_model_path", "")}
        kept.update(getattr(callback, "best_k_models", {}))
        for path in sorted(filter(None, kept)):
            if Path(path).exists():
                self.experiment.log_artifact(
                    path, name=f"checkpoints/{Path(path).name}", kind="checkpoint"
                )
