"""The ``pytorch`` adapter: from the run directory to a trained model, and back to answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, failure
from mlhub_adapter.seeding import pin_threads

if TYPE_CHECKING:
    import torch
    from mlhub_adapter.serving import Model, Served
    from torch import Tensor, nn

    from mlhub_pytorch.data import Problem

MODEL_FILE = "model.pt"
"""TorchScript from raw rows to scores or values; needs no code to be loaded."""

STATE_FILE = "state_dict.pt"
"""The weights of the user's model alone, for its own code."""


class PyTorch(Adapter):
    """Trains any module; serves and exports what it left."""

    threads = None  # Said by a param, and pinned before torch is loaded.

    def __init__(self, project: str | None = None) -> None:
        self.project = project

    def train(self, run: Run) -> None:
        """Trains in one process or several, predicts, leaves the model."""
        from mlhub_pytorch import launch

        if run.params["processes"] > 1 and not launch.is_rank():
            if ":" in run.params["device"]:
                run.refuse("params.device", "several processes take a GPU each: write cuda")
            launch.launch(run, self.folder / "train.py", self.project)
            return
        if not launch.is_started_here():
            self._train(run)
            return
        launch.follow_the_starter()
        try:
            self._train(run)
        except failure.Refused as refusal:
            launch.note(refusal)
            raise failure.Stopped from None

    def _train(self, run: Run) -> None:
        pin_threads(run.params["threads"])
        import torch
        from mlhub_adapter.torch import describe, deterministic, device

        from mlhub_pytorch import data, ranks
        from mlhub_pytorch.loop import Loop

        place = device(run.params["device"])
        if run.params["precision"] == "fp16" and place.type != "cuda":
            run.refuse("params.precision", f"fp16 needs a GPU; bf16 works on {place.type}")
        deterministic(run.params["deterministic"])
        run.seed_everything()
        group = ranks.join(place)
        problem = data.load(run)
        if run.params["early_stopping_epochs"] and problem.validation is None:
            run.refuse(
                "params.early_stopping_epochs",
                "needs validation rows: give the dataset a split named validation, or set "
                "params.validation_fraction",
            )
        saved = run.resume(
            may_change=("epochs", "checkpoint_every"),
            torch=torch.__version__,
            features=problem.table.train.names if problem.table else None,
        )
        loop = Loop(run, problem, place, group)
        if group.first:
            said: Any = problem.table
            if said is None:
                parts = {"train": problem.train, **problem.predict}
                said = {name: _described(part) for name, part in parts.items()}
            batch = describe(problem.example)
            run.entry(said, device=str(place), library=f"torch {torch.__version__}", example=batch)
        loop.train(saved)
        if group.first:
            answer = loop.finish()
            _predict(run, problem, answer.to(place), place)
            _leave(run, problem, answer.cpu())
        group.wait()

    def load(self, model: Model) -> Served:
        """Answers single inputs."""
        pin_threads(1)
        from mlhub_pytorch.serving import ServedModule

        return ServedModule(model)

    def export(self, run: Run, model: Model) -> None:
        """Writes the model as ONNX."""
        pin_threads(1)
        from mlhub_pytorch.serving import export

        export(run, model)


def _described(part: Any) -> dict[str, Any]:
    """A split that is not in memory: its first row's shape with the number of rows."""
    import torch

    first = torch.as_tensor(part.rows[0][0])
    return {
        "shape": [len(part), *first.shape],
        "dtype": str(first.dtype)[6:],
        "features_of_the_first_row": {"missing": int(torch.isnan(first.double()).sum())},
    }


def _predict(run: Run, problem: Problem, answer: nn.Module, place: torch.device) -> None:
    import torch
    from torch.utils.data import DataLoader

    for name, split in problem.predict.items():
        found: list[Tensor] = []
        with torch.no_grad():
            for inputs, _ in DataLoader(split.rows, batch_size=run.params["batch_size"]):
                found.append(answer(inputs.to(place)).double().cpu())
        said = torch.cat(found)
        if not bool(torch.isfinite(said).all()):
            raise ArithmeticError("a prediction is not finite; the model has diverged")
        outcome: dict[str, Any] = {"y_pred": said}
        if problem.classes:
            outcome = {"y_score": said, "labels": problem.classes}
        run.predictions(name, ids=split.ids, y_true=split.truth, task=problem.task, **outcome)


def _leave(run: Run, problem: Problem, answer: nn.Module) -> None:
    import torch
    from mlhub_adapter import serving
    from mlhub_adapter.torch import save_torchscript

    weights = answer.whole.core.state_dict()
    run.artifact(STATE_FILE, partial(torch.save, weights), kind="model")
    try:
        run.artifact(MODEL_FILE, partial(save_torchscript, answer, problem.example), kind="model")
    except RuntimeError as error:
        run.warning(f"the model cannot be served or exported: {error}; its weights are left")
        return
    known = problem.model_input
    if problem.table is not None:
        known = serving.table_input(problem.table, allows_missing=True)
    elif run.dataset.format == "image_folder" and not run.params["dataset_function"]:
        channels, height, width = problem.input_shape
        known = {"kind": "image", "channels": channels, "height": height, "width": width}
    output: dict[str, Any] = {"kind": "value", "name": run.dataset.target or "value"}
    if problem.classes:
        output = {"kind": "classes", "labels": problem.classes}
    run.model(input=known, output=output)
