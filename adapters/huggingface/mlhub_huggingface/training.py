"""transformers' Trainer as a run of the hub: curves, validation, checkpoints, SIGTERM.

The order of rows is drawn from the seed and the epoch, so that a resumed run sees the rows
of an uninterrupted one; generators, optimizer and scheduler are in the Trainer's checkpoint.
The Trainer's own evaluating and logging are not used.
"""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

from mlhub_huggingface import outcome
from mlhub_huggingface.settings import training_arguments

if TYPE_CHECKING:
    from mlhub_adapter import Checkpoint, Run

    from mlhub_huggingface.examples import Collator, Examples
    from mlhub_huggingface.problems import Problem

WORK = "trainer"
"""The folder the Trainer writes its checkpoints to, before they are the run's."""

STATE = "state"


class Order:
    """A sampler: all rows in an order of the seed and the epoch.

    With accumulation it is filled up to whole steps of the optimizer, else a step would
    reach over the epoch's end, where no checkpoint can find its middle.
    """

    def __init__(self, rows: int, batch: int, accumulation: int, seed: int) -> None:
        self.rows, self.seed, self.epoch = rows, seed, 0
        batches = -(-rows // batch)
        self.per_epoch = -(-batches // accumulation)
        missing = self.per_epoch * accumulation - batches
        self.length = rows if missing == 0 else (batches + missing) * batch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[int]:
        import torch

        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + self.epoch) % 2**63)
        order = torch.randperm(self.rows, generator=generator).tolist()
        return iter((order * (-(-self.length // self.rows)))[: self.length])


@dataclass
class Memory:
    """What later steps depend on beside the Trainer's own state."""

    loss: float = 0.0
    steps: int = 0
    """Sum of losses since the last point of the curve, and the steps it is of."""
    best: float | None = None
    patience: int = 0
    """The least validation loss, and the evaluations since."""
    weights: dict[str, Any] = field(default_factory=dict)
    """The weights of the least validation loss, of those that are trained."""
    stopped_early: bool = False
    lora: dict[str, Any] = field(default_factory=dict)
    """At a checkpoint, the weights of low-rank adapters: what the Trainer saves of them it
    cannot load in every release."""


def train(
    run: Run,
    problem: Problem,
    model: Any,
    rows: Examples,
    validation: Examples | None,
    collator: Collator,
    saved: Checkpoint | None,
) -> tuple[Any, int]:
    """Trains the model, or goes on from a checkpoint; returns it with the weights to keep, and
    the steps taken."""
    from transformers import PrinterCallback

    work = run.dir / WORK
    arguments = training_arguments(run, work)
    order = Order(
        len(rows), arguments.train_batch_size, run.params["gradient_accumulation"], run.small_seed
    )
    memory: Memory = Memory(**saved.unpickle(STATE)) if saved else Memory()
    trainer = _trainer_class()(
        model=model, args=arguments, train_dataset=rows.features, data_collator=collator
    )
    trainer.order, trainer.memory, trainer.log_every = order, memory, run.params["log_every"]
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_callback(run, problem, trainer, validation, collator))
    if not memory.stopped_early:
        _loop(run, trainer, saved)
    shutil.rmtree(work, ignore_errors=True)
    model = trainer.model
    if memory.weights:
        model.load_state_dict(memory.weights, strict=False)
    return model, trainer.state.global_step or (saved.step if saved else 0)


def _loop(run: Run, trainer: Any, saved: Checkpoint | None) -> None:
    with run.interruptible():
        try:
            trainer.train(resume_from_checkpoint=str(saved.file(WORK)) if saved else None)
        except RuntimeError as error:
            if "out of memory" not in str(error):
                raise
            raise failure.config(
                "params.batch_size", "memory is short; say a smaller batch_size or max_length"
            ) from None
        ended = trainer.memory.stopped_early or trainer.state.global_step >= trainer.state.max_steps
        if run.stop_requested and not ended:
            run.stop()


def _trainer_class() -> Any:
    """Trainer with the order of rows, the loss of each step and the gradient's norm."""
    import torch
    from transformers import Trainer

    class HubTrainer(Trainer):  # type: ignore[misc]
        order: Order
        memory: Memory
        log_every = 1
        norm: Any = None

        def _get_train_sampler(self, *_: Any) -> Any:
            return self.order

        def training_step(self, *given: Any, **named: Any) -> Any:
            loss = super().training_step(*given, **named)
            self.memory.loss = self.memory.loss + loss.detach().double()
            return loss

        def _load_from_checkpoint(self, *given: Any, **named: Any) -> None:
            if self.memory.lora:
                self.model.load_state_dict(self.memory.lora, strict=False)
            else:
                super()._load_from_checkpoint(*given, **named)

        def create_accelerator_and_postprocess(self) -> None:
            super().create_accelerator_and_postprocess()
            clip = self.accelerator.clip_grad_norm_

            def noted(parameters: Any, *rest: Any, **named: Any) -> Any:
                parameters = list(parameters)
                step = self.state.global_step + 1
                if step % self.log_every == 0 or step == self.state.max_steps:
                    grads = [each.grad.norm() for each in parameters if each.grad is not None]
                    self.norm = torch.stack(grads).norm() if grads else None
                return clip(parameters, *rest, **named)

            self.accelerator.clip_grad_norm_ = noted

    return HubTrainer


def _callback(
    run: Run, problem: Problem, trainer: Any, validation: Examples | None, collator: Collator
) -> Any:
    """Tells of steps, validates, and asks for checkpoints."""
    from transformers import TrainerCallback

    params, memory, order = run.params, trainer.memory, trainer.order
    save_every = params["checkpoint_every"] or order.per_epoch
    evaluate_every = params["evaluate_every"] or order.per_epoch

    class HubCallback(TrainerCallback):  # type: ignore[misc]
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # The step knows the epoch exactly; the state's own is a fraction.
            order.epoch = state.global_step // order.per_epoch

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            step, last = state.global_step, state.global_step >= state.max_steps
            said: dict[str, float] = {}
            memory.steps += 1
            if step % params["log_every"] == 0 or last:
                said.update(_curve(trainer))
            if validation is not None and (step % evaluate_every == 0 or last):
                found = outcome.assess(trainer.model, problem, validation, collator, params)
                said.update({f"validation/{name}": value for name, value in found.items()})
                _remember(trainer, found["loss"], params["early_stopping_patience"])
            if said:
                run.log(said, step=step, progress=(step, state.max_steps))
            control.should_log = control.should_evaluate = False
            control.should_save = step % save_every == 0 or run.stop_requested
            control.should_training_stop |= run.stop_requested or memory.stopped_early

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            control.should_log = control.should_evaluate = control.should_save = False

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            step = state.global_step
            folder = Path(args.output_dir) / f"checkpoint-{step}"
            memory.loss = float(memory.loss)
            memory.lora = _trained(trainer.model) if params["lora"] is not None else {}
            run.checkpoint(
                {
                    WORK: lambda path: os.replace(folder, path),
                    STATE: pickle.dumps(dict(memory.__dict__)),
                },
                step=step,
            )

    return HubCallback()


def _curve(trainer: Any) -> dict[str, float]:
    memory = trainer.memory
    said = {
        "train/loss": float(memory.loss) / memory.steps,
        "train/learning_rate": float(trainer.lr_scheduler.get_last_lr()[0]),
    }
    if trainer.norm is not None:
        said["train/gradient_norm"] = float(trainer.norm)
    memory.loss, memory.steps, trainer.norm = 0.0, 0, None
    return said


def _remember(trainer: Any, loss: float, patience: int) -> None:
    """Keeps the best weights where training may end early, and ends it."""
    if patience == 0:
        return
    memory = trainer.memory
    if memory.best is None or loss < memory.best:
        memory.best, memory.patience = loss, 0
        memory.weights = _trained(trainer.model)
    else:
        memory.patience += 1
        memory.stopped_early = memory.patience >= patience


def _trained(model: Any) -> dict[str, Any]:
    """Copies of all weights but the frozen ones."""
    frozen = {name for name, each in model.named_parameters() if not each.requires_grad}
    return {
        name: value.detach().cpu().clone()
        for name, value in model.state_dict().items()
        if name not in frozen
    }
