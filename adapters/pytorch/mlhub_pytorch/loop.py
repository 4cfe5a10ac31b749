"""The loop: epochs over batches, metrics, early stopping, checkpoints.

An epoch begins with generators made of seed, epoch and rank, and ends in a checkpoint that
holds all the next one depends on; so a killed and resumed run ends in the same bits.
Knows neither files of the dataset nor what the model is.
"""

from __future__ import annotations

import copy
import math
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from mlhub_adapter import Checkpoint, Run, seed_everything
from mlhub_adapter.torch import epoch_seed, generator, load, seed_worker
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mlhub_pytorch import parts
from mlhub_pytorch.data import Problem, Split
from mlhub_pytorch.modules import Answer, Whole
from mlhub_pytorch.ranks import Ranks

TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
LAST, BEST = "last.pt", "best.pt"
"""Files of a checkpoint: the state after its epoch, and the best model's weights."""


@dataclass
class Watch:
    """Looks for the best epoch by the validation loss, and for the end."""

    patience: int
    best_step: int = 0
    best_loss: float = math.inf
    last_step: int = 0

    def see(self, step: int, loss: float) -> bool:
        """Takes an epoch into account; whether it is the best so far."""
        self.last_step = step
        if not loss < self.best_loss:
            return False
        self.best_step, self.best_loss = step, loss
        return True

    @property
    def over(self) -> bool:
        """Whether no better epoch came for as long as it was waited."""
        return 0 < self.patience <= self.last_step - self.best_step


class Loop:
    """A training under way."""

    def __init__(self, run: Run, problem: Problem, device: torch.device, ranks: Ranks) -> None:
        self.run, self.problem, self.device, self.ranks = run, problem, device, ranks
        params = run.params
        self.loss = parts.loss(run, problem).to(device)
        self.single = isinstance(self.loss, parts.ONE_OUTPUT)
        self.whole: Whole = parts.model(run, problem, self.loss).to(device)
        self.shift, self.scale = _target_scale(run, problem)
        self._try()
        self.model = ranks.wrap(self.whole, device)
        trained = [value for value in self.whole.parameters() if value.requires_grad]
        if not trained:
            run.refuse("params.model", "the model has no parameter to train")
        self.optimizer = parts.optimizer(run, trained)
        self.scheduler = parts.scheduler(run, self.optimizer)
        self.step_function = parts.stepper(run)
        self.type = TYPES.get(params["precision"])
        self.scaler = _scaler(params["precision"] == "fp16")
        self.watch = Watch(params["early_stopping_epochs"])
        self.best: dict[str, Any] | None = None

    def train(self, saved: Checkpoint | None) -> None:
        """All epochs that are left."""
        if saved:
            self._restore(saved)
        epochs = self.run.params["epochs"]
        # Not Run.steps: ranks that were not told to stop at one time must stop at one epoch.
        with self.run.interruptible():
            for epoch in range(saved.step + 1 if saved else 1, epochs + 1):
                if self.watch.over:
                    break
                metrics = self._epoch(epoch)
                if self._validate(epoch, metrics) and self.run.params["keep"] == "best":
                    self.best = copy.deepcopy(self.whole.state_dict())
                stopping = self.ranks.any(self.run.stop_requested)
                if self.ranks.first:
                    self.run.log(metrics, step=epoch, progress=(epoch, epochs))
                    if self._is_due(epoch, stopping):
                        self._save(epoch)
                if stopping and epoch < epochs:
                    self.run.stop()

    def finish(self) -> Answer:
        """The model that is kept, to give answers: the best where there is one, else the last."""
        if self.best is not None:
            self.whole.load_state_dict(self.best)
        answer = Answer(
            self.whole,
            classes=len(self.problem.classes),
            single=self.single,
            shift=self.shift,
            scale=self.scale,
        )
        answer.eval()
        return answer

    # --- an epoch -----------------------------------------------------------

    def _epoch(self, epoch: int) -> dict[str, float]:
        began = time.perf_counter()
        params, run = self.run.params, self.run
        seed_everything(epoch_seed(run.seed, epoch, self.ranks.rank))
        self.model.train()
        loader = self._loader(self.problem.train, epoch)
        if not len(loader):
            run.refuse("params.drop_last", "leaves no batch: there are fewer rows than that")
        sums = torch.zeros(3, dtype=torch.float64)
        norms, accumulate = [], params["accumulate"]
        self.optimizer.zero_grad()
        for at, (inputs, targets) in enumerate(loader, 1):
            inputs, targets = inputs.to(self.device), targets.to(self.device)
            group = min(accumulate, len(loader) - (at - 1) // accumulate * accumulate)
            is_step = at % accumulate == 0 or at == len(loader)
            with nullcontext() if is_step else self.ranks.unsynced(self.model):
                loss, outputs = self._loss(self.model, inputs, targets, training=True)
                self.scaler.scale(loss / group).backward()
            sums += self._sums(loss, outputs, targets)
            if is_step:
                norms.append(self._step())
        sums = self.ranks.sum(sums)
        if not math.isfinite(float(sums[0])):
            raise ArithmeticError("the training loss is not finite; lower params.learning_rate")
        seconds = time.perf_counter() - began
        metrics = self._means("train", sums)
        metrics["train/learning_rate"] = float(self.optimizer.param_groups[0]["lr"])
        metrics["train/gradient_norm"] = float(sum(norms) / len(norms))
        metrics["time/epoch_seconds"] = seconds
        metrics["time/rows_per_second"] = float(sums[2]) / seconds
        return metrics

    def _step(self) -> float:
        clip = self.run.params["gradient_clip"]
        self.scaler.unscale_(self.optimizer)
        # Without a bound it only measures.
        norm = nn.utils.clip_grad_norm_(self.whole.parameters(), clip or math.inf)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        if self.scheduler is not None and self.run.params["scheduler_interval"] == "step":
            self._advance_scheduler(float("nan"))
        return float(norm)

    def _loss(
        self, model: nn.Module, inputs: Any, targets: Tensor, *, training: bool
    ) -> tuple[Tensor, Tensor | None]:
        with self._autocast():
            aim = self._aim(targets)
            if training and self.step_function is not None:
                loss = self.step_function(model, inputs, aim, self.loss)
                return loss, None
            outputs = model(inputs)
            if not self.problem.classes or self.single:
                outputs = outputs.reshape(-1)
            return self.loss(outputs.float(), aim), outputs

    def _aim(self, targets: Tensor) -> Tensor:
        """What the outputs are held against: scaled values, class numbers."""
        if self.problem.classes:
            return targets.float() if self.single else targets
        return (targets.float() - self.shift) / self.scale

    def _sums(self, loss: Tensor, outputs: Tensor | None, targets: Tensor) -> Tensor:
        """Sums over a batch of loss, right answers or squared errors, and rows."""
        rows = len(targets)
        good = math.nan
        if outputs is not None:
            said = outputs.detach().float()
            if not self.problem.classes:
                good = float(((said * self.scale + self.shift) - targets).double().square().sum())
            else:
                answer = (said > 0).long() if self.single else said.argmax(dim=1)
                good = float((answer == targets).sum())
        return torch.tensor([float(loss.detach()) * rows, good, rows], dtype=torch.float64)

    def _means(self, split: str, sums: Tensor) -> dict[str, float]:
        loss, good, rows = sums.tolist()
        metrics = {f"{split}/loss": loss / rows}
        if not math.isnan(good):
            name = "accuracy" if self.problem.classes else "rmse"
            value = good / rows if self.problem.classes else math.sqrt(good / rows)
            metrics[f"{split}/{name}"] = value
        return metrics

    def _validate(self, epoch: int, metrics: dict[str, float]) -> bool:
        """Adds the validation's metrics; whether this epoch is the best so far."""
        watched = metrics["train/loss"]
        better = False
        if self.problem.validation is not None:
            self.model.eval()
            sums = torch.zeros(3, dtype=torch.float64)
            # Every rank looks at all rows, so that all of them decide alike.
            with torch.no_grad():
                for inputs, targets in self._loader(self.problem.validation, None):
                    inputs, targets = inputs.to(self.device), targets.to(self.device)
                    loss, outputs = self._loss(self.whole, inputs, targets, training=False)
                    sums += self._sums(loss, outputs, targets)
            metrics.update(self._means("validation", sums))
            watched = metrics["validation/loss"]
            better = self.watch.see(epoch, watched)
        if self.scheduler is not None and self.run.params["scheduler_interval"] == "epoch":
            self._advance_scheduler(watched)
        return better

    def _advance_scheduler(self, watched: float) -> None:
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(watched)
        else:
            self.scheduler.step()

    # --- its parts ----------------------------------------------------------

    def _loader(self, split: Split, epoch: int | None) -> Any:
        """Batches of a rank's rows: shuffled in an epoch of training, else in order."""
        params = self.run.params
        options: dict[str, Any] = {}
        seed = epoch_seed(self.run.seed, epoch or 0)
        if epoch is not None:
            order = torch.randperm(len(split), generator=generator(seed)).tolist()
            options = {"sampler": self.ranks.share(order), "drop_last": params["drop_last"]}
        if params["num_workers"]:
            options["worker_init_fn"] = seed_worker
        return DataLoader(
            split.rows,
            batch_size=params["batch_size"],
            num_workers=params["num_workers"],
            generator=generator(epoch_seed(self.run.seed, epoch or 0, self.ranks.rank)),
            **options,
        )

    def _autocast(self) -> Any:
        if self.type is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.type)

    def _try(self) -> None:
        """Two rows through the model: a wrong shape is refused before training."""
        run, outputs = self.run, 1
        if self.problem.classes and not self.single:
            outputs = len(self.problem.classes)
        example = self.problem.example.to(self.device)
        self.whole.eval()
        try:
            with torch.no_grad():
                given = self.whole(example)
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            shape = [len(example), *self.problem.input_shape]
            told = str(error).splitlines()[0]
            run.refuse("params.model", f"the model does not take inputs of shape {shape}: {told}")
        expected = [[len(example), outputs]] + ([[len(example)]] if outputs == 1 else [])
        if list(getattr(given, "shape", [])) not in expected:
            shape = list(getattr(given, "shape", []))
            run.refuse("params.model", f"gives outputs of shape {shape}, not {expected[0]}")

    # --- checkpoints --------------------------------------------------------

    def _is_due(self, epoch: int, stopping: bool) -> bool:
        every = self.run.params["checkpoint_every"]
        ends = epoch == self.run.params["epochs"] or self.watch.over
        return stopping or (every > 0 and (ends or epoch % every == 0))

    def _save(self, epoch: int) -> None:
        state = {
            "model": self.whole.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict() if self.scheduler else None,
            "scaler": self.scaler.state_dict(),
            "watch": asdict(self.watch),
        }
        files: dict[str, Any] = {LAST: partial(torch.save, state)}
        if self.best is not None:
            files[BEST] = partial(torch.save, self.best)
        self.run.checkpoint(files, step=epoch)

    def _restore(self, saved: Checkpoint) -> None:
        try:
            state = load(saved.file(LAST))
            self.whole.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            if self.scheduler:
                self.scheduler.load_state_dict(state["scheduler"])
            self.scaler.load_state_dict(state["scaler"])
            self.watch = Watch(**state["watch"])
            if (saved.path / BEST).exists():
                self.best = load(saved.file(BEST))
        except (RuntimeError, KeyError, ValueError, EOFError) as error:
            raise saved.damaged(error, LAST) from None


def _target_scale(run: Run, problem: Problem) -> tuple[float, float]:
    """Mean and spread of the training targets, where values are standardised."""
    if problem.classes or not run.params["standardise"]:
        return 0.0, 1.0
    rows = problem.train.rows
    values = torch.tensor([float(rows[at][1]) for at in range(len(rows))], dtype=torch.float64)
    spread = float(values.std(unbiased=False))
    return float(values.mean()), spread if spread > 0 else 1.0


def _scaler(enabled: bool) -> Any:
    if hasattr(torch.amp, "GradScaler"):
        return torch.amp.GradScaler("cuda", enabled=enabled)
    return torch.cuda.amp.GradScaler(enabled=enabled)
