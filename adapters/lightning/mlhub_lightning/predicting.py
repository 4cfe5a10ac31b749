"""Predictions of the hub's splits by the user's module and the loaders of their data.

Asks ``predict_step`` where the module has one, else the module itself. Rows come in the
order of the loader's dataset, and must be those of the split.
"""

from __future__ import annotations

from typing import Any

import torch
from mlhub_adapter import Run
from torch.utils.data import DataLoader

LOADERS = {
    "train": "train_dataloader",
    "validation": "val_dataloader",
    "test": "test_dataloader",
}


def predict(run: Run, trainer: Any, module: Any, data: Any) -> None:
    """Writes the predictions of every split that was asked for."""
    for split in run.predict_splits:
        loader = _loader(run, split, data if data is not None else module)
        outputs, targets = _answers(run, module, loader, split)
        task = run.task
        known = run.dataset.splits[split].rows if run.file.dataset else None
        if known is not None and known != len(targets):
            run.refuse(
                f"dataset.splits.{split}",
                f"the loader gives {len(targets)} rows where the split has {known}; read "
                f"{{splits.{split}}} in the data module, and filter nothing",
                code=65,
            )
        ids = [str(row) for row in range(len(targets))]
        if task == "regression":
            values = outputs.reshape(len(targets), -1)[:, 0]
            truth = [float(value) for value in targets.tolist()]
            run.predictions(split, ids=ids, y_true=truth, y_pred=values, task=task)
            continue
        labels, scores = _classes(module, data, outputs, targets)
        truth = [labels[int(value)] for value in targets.tolist()]
        # A module may give class numbers in place of scores.
        found: dict[str, Any] = {"y_score": scores} if scores is not None else {"y_pred": outputs}
        run.predictions(split, ids=ids, y_true=truth, labels=labels, task=task, **found)


def _loader(run: Run, split: str, source: Any) -> Any:
    name = LOADERS.get(split)
    if name is None:
        run.refuse(
            "evaluation.splits", f"{split} has no loader; there are {', '.join(LOADERS)}", code=69
        )
    loader = getattr(source, name)()
    if isinstance(loader, (list, tuple)):
        loader = loader[0]
    # In the order of the dataset, whatever the loader's own is.
    return DataLoader(loader.dataset, batch_size=loader.batch_size, collate_fn=loader.collate_fn)


def _answers(run: Run, module: Any, loader: Any, split: str) -> tuple[Any, Any]:
    base = next(kind for kind in type(module).__mro__ if kind.__name__ == "LightningModule")
    own = type(module).predict_step is not base.predict_step
    module.eval()
    outputs, targets = [], []
    with torch.no_grad():
        for at, batch in enumerate(loader):
            if not isinstance(batch, (list, tuple)) or len(batch) != 2:
                run.refuse("params.data", f"batches of {split} must be (inputs, targets)", code=69)
            moved = module.transfer_batch_to_device(batch, module.device, 0)
            said = module.predict_step(moved, at) if own else module(moved[0])
            outputs.append(said.detach().float().cpu())
            targets.append(batch[1].cpu())
    return torch.cat(outputs).double(), torch.cat(targets)


def _classes(module: Any, data: Any, outputs: Any, targets: Any) -> tuple[list[str], Any]:
    """Labels, and scores where the outputs are such."""
    wide = outputs.dim() == 2 and outputs.shape[1] > 1
    numbers = max(int(outputs.max()), int(targets.max())) + 1
    count = outputs.shape[1] if wide else max(2, numbers)
    given = getattr(data, "classes", None) or getattr(module, "classes", None)
    labels = [str(label) for label in given or range(count)]
    if wide:
        sums = outputs.sum(dim=1)
        is_shares = bool((outputs >= 0).all()) and bool(torch.allclose(sums, torch.ones_like(sums)))
        return labels, outputs if is_shares else torch.softmax(outputs, dim=1)
    flat = outputs.reshape(-1)
    if bool((flat == flat.round()).all()):
        return labels, None
    is_share = bool(((flat >= 0) & (flat <= 1)).all())
    return labels, flat if is_share else torch.sigmoid(flat)
