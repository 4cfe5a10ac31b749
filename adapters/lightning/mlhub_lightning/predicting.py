"""Predictions of the hub's splits by the user's module and the loaders of their data.

Asks ``predict_step`` where the module has one, else the module itself. Rows come in the
order of the loader's dataset, and must be those of the split; labels of classes are told
by the data module, by the module, or by the split's own target column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from mlhub_adapter import Run, failure
from torch import Tensor
from torch.utils.data import DataLoader

from mlhub_lightning import labels, serving
from mlhub_lightning.outputs import Reading, reading

LOADERS = {
    "train": ("train_dataloader", "fit"),
    "validation": ("val_dataloader", "fit"),
    "test": ("test_dataloader", "test"),
}
"""The loader of a split, and the stage that prepares it."""

PURE = ("64", "64-true", "16-true", "bf16-true")
"""Precisions that the trainer leaves a module in; predictions are of single precision."""


@dataclass
class Answers:
    """What a module says of a split, ``[rows, ...]``, and what is true of its rows."""

    outputs: Tensor
    targets: Tensor
    example: Any
    """The first batch."""


def finish(run: Run, trainer: Any, module: Any, data: Any, keeper: Any) -> None:
    """Writes the predictions of every split that was asked for, and leaves the model."""
    if str(trainer.precision) in PURE:
        module.float()
    module.eval()
    found: dict[str, Answers] = {}
    for split in run.predict_splits:
        found[split] = _answers(run, module, data, split)
        keeper.seen(trainer, module, split, found[split].example)
    if not found:
        run.warning("no predictions were asked for, so the model is left without serving")
        return
    _check_rows(run, found)
    outputs = torch.cat([answers.outputs for answers in found.values()])
    if not bool(torch.isfinite(outputs).all()):
        raise ArithmeticError("a prediction is not finite; the model has diverged")
    targets = torch.cat([answers.targets for answers in found.values()])
    given = getattr(data, "classes", None) or getattr(module, "classes", None)
    columns = {split: labels.cells(run, split) for split in found}
    known = labels.known(given, columns, {name: one.targets for name, one in found.items()})
    read = reading(run.task, outputs, targets, known)
    for split, answers in found.items():
        _write(run, split, answers, read)
    first = next(iter(found.values()))
    serving.leave(run, module, read, first.example, first.outputs)


def _write(run: Run, split: str, answers: Answers, read: Reading) -> None:
    rows, values = answers.targets.reshape(-1).tolist(), read.values(answers.outputs)
    if read.labels is None:
        outcome: dict[str, Any] = {"y_pred": values}
        truth: list[Any] = [float(value) for value in rows]
    else:
        name = "y_score" if read.has_scores else "y_pred"
        outcome = {name: values, "labels": read.labels}
        truth = [read.labels[int(value)] for value in rows]
    ids = labels.ids(run, split, len(rows))
    run.predictions(split, ids=ids, y_true=truth, task=read.task, **outcome)


def _loader(run: Run, source: Any, split: str) -> Any:
    if split not in LOADERS:
        message = f"{split} has no loader; there are {', '.join(LOADERS)}"
        run.refuse("evaluation.splits", message, code=failure.UNSUPPORTED)
    name, stage = LOADERS[split]
    if stage != "fit":  # That one is done, and might draw other rows if done again.
        source.setup(stage=stage)
    loader = getattr(source, name)()
    if isinstance(loader, (list, tuple)):
        if len(loader) != 1:
            message = f"{name} gives {len(loader)} loaders; the hub has one split {split}"
            run.refuse("params.data", message, code=failure.UNSUPPORTED)
        loader = loader[0]
    if not isinstance(loader, DataLoader):
        return loader
    size = loader.batch_size
    if size is None and loader.batch_sampler is not None:
        size = getattr(loader.batch_sampler, "batch_size", 1)
    # In the order of the dataset, whatever the loader's own is.
    return DataLoader(loader.dataset, batch_size=size, collate_fn=loader.collate_fn)


def _answers(run: Run, module: Any, data: Any, split: str) -> Answers:
    outputs: list[Tensor] = []
    targets: list[Tensor] = []
    example = None
    loader = _loader(run, module if data is None else data, split)
    with torch.no_grad():
        for at, batch in enumerate(loader):
            if not isinstance(batch, (list, tuple)) or len(batch) != 2:
                message = f"batches of {split} must be (inputs, targets) to be predicted"
                run.refuse("params.data", message, code=failure.UNSUPPORTED)
            moved = _moved(module, data, batch)
            example = moved if example is None else example
            said = serving.asked(module, moved, at)
            truth = torch.as_tensor(batch[1]).cpu()
            if not isinstance(said, Tensor) or said.shape[:1] != truth.shape[:1]:
                message = "must answer a batch with a tensor that has a row for each of its rows"
                run.refuse("params.model", message, code=failure.UNSUPPORTED)
            outputs.append(said.detach().double().cpu())
            targets.append(truth)
    if not outputs:
        run.refuse(f"dataset.splits.{split}", "the loader gives no rows", code=failure.DATASET)
    return Answers(torch.cat(outputs), torch.cat(targets), example)


def _moved(module: Any, data: Any, batch: Any) -> Any:
    """A batch as the trainer would hand it on: by the hooks of the data module, where it
    has its own, else by the module's."""
    for name, more in (
        ("on_before_batch_transfer", ()),
        ("transfer_batch_to_device", (module.device,)),
        ("on_after_batch_transfer", ()),
    ):
        bases = type(data).__mro__ if data is not None else ()
        base = next((kind for kind in bases if kind.__name__ == "LightningDataModule"), None)
        own = base is not None and getattr(type(data), name) is not getattr(base, name)
        batch = getattr(data if own else module, name)(batch, *more, dataloader_idx=0)
    return batch


def _check_rows(run: Run, found: dict[str, Answers]) -> None:
    for split, answers in found.items():
        known = run.dataset.split(split).rows
        if known is not None and known != len(answers.targets):
            message = (
                f"the loader gives {len(answers.targets)} rows where the split has {known}; "
                f"read {{splits.{split}}} in the data module, and filter nothing"
            )
            run.refuse(f"dataset.splits.{split}", message, code=failure.DATASET)
