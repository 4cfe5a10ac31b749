"""A callback for the Trainer of Hugging Face Transformers.

Logs what the Trainer logs, its arguments and the model's config. Checkpoints are kept
only when asked for, since they are large.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._run import Run
from .._values import number_of
from ._common import RunHolder, guarded_hook

if TYPE_CHECKING:
    Base = object
else:
    from transformers import TrainerCallback as Base

__all__ = ["MlhubCallback"]

RENAMED = (("eval_", "eval/"), ("test_", "test/"))


def renamed(name: str) -> str:
    """`eval_loss` as `eval/loss`; the rest is of the training, as `train/<name>`.

    The mean over the whole training, `train_loss`, stays apart as `train/train_loss`.
    """
    for old, new in RENAMED:
        if name.startswith(old):
            return new + name[len(old) :]
    return f"train/{name}"


class MlhubCallback(Base):
    """`Trainer(..., callbacks=[MlhubCallback()])` with `report_to="none"`.

    `run` is the run to log into, else the current one, else one that is started with
    `options` (those of `mlhub.init`). It goes on after the training, for what is evaluated
    then; `mlhub.finish()`, another `mlhub.init()` or the end of the process ends it.
    `log_checkpoints` keeps each checkpoint folder as an artifact.
    """

    def __init__(
        self, *, run: Run | None = None, log_checkpoints: bool = False, **options: Any
    ) -> None:
        self._holder = RunHolder(run, options)
        self._log_checkpoints = log_checkpoints

    def on_train_begin(self, args: Any, state: Any, control: Any, **facts: Any) -> None:
        """The arguments and the model's config become params."""
        if state.is_world_process_zero:
            self._tell_settings(args, facts.get("model"))

    @guarded_hook
    def _tell_settings(self, args: Any, model: Any) -> None:
        run = self._holder.get()
        run.log_params({"trainer": args.to_sanitized_dict()})
        model_config = getattr(model, "config", None)
        if model_config is not None and hasattr(model_config, "to_dict"):
            run.log_params({"model": model_config.to_dict()})
        count = getattr(model, "num_parameters", None)
        if callable(count):
            run.summary["parameters"] = count()

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **facts: Any
    ) -> None:
        """Numbers of the Trainer's log, under the global step."""
        if state.is_world_process_zero and logs:
            self._log_numbers(state, logs)

    @guarded_hook
    def _log_numbers(self, state: Any, logs: dict[str, Any]) -> None:
        numbers = {
            renamed(name): value for name, value in logs.items() if number_of(value) is not None
        }
        self._holder.get().log(numbers, step=state.global_step)
        if state.max_steps and state.max_steps > 0:
            self._holder.get().progress(state.global_step, total=state.max_steps, message="steps")

    def on_save(self, args: Any, state: Any, control: Any, **facts: Any) -> None:
        """Keeps the checkpoint, when asked to."""
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._log_checkpoints and state.is_world_process_zero and folder.is_dir():
            self._holder.get().checkpoint(folder, step=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **facts: Any) -> None:
        """Keeps the best metric. The run goes on: an evaluation may follow."""
        if state.is_world_process_zero and state.best_metric is not None:
            self._holder.get().summary["best_metric"] = state.best_metric
