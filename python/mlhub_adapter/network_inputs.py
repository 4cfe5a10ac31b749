"""What adapters of networks on tables share: features as standardised numbers, orders of rows
by the seed, states as files, answers that do not depend on other rows, and the project's own
code kept beside the model.

Trains nothing and knows no framework. numpy is imported inside the functions, so importing
this costs nothing.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable

from mlhub_adapter import failure, serving

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from mlhub_adapter.run import Run
    from mlhub_adapter.serving import Model
    from mlhub_adapter.table import Data, Table

    Floats = npt.NDArray[np.float32]

CODE_FOLDER = "code"
"""Below the model's files: the project's modules that it needs."""

MAX_CODE_FILES = 500
PREDICT_ROWS = 64
"""Rows that are predicted at a time, always as many, so that what is compiled for them is the
same whatever is asked at once."""


# --- inputs and targets -----------------------------------------------------


@dataclass(frozen=True)
class Preparation:
    """How cells become inputs: numbers less their mean by their deviation (0 where missing),
    categories as one column each. Fitted on the training rows only."""

    mean: list[float]
    """One per feature; of categories 0."""
    scale: list[float]
    categories: list[int]
    """Number of categories per feature; 0 for numbers."""
    shape: list[int]
    """A row's shape."""

    @classmethod
    def fit(cls, table: Table, *, standardise: bool, shape: Sequence[int] = ()) -> Preparation:
        """From the training rows; ``shape`` empty is one axis."""
        import numpy as np

        mean, scale, categories = [], [], []
        for at, name in enumerate(table.names):
            count = len(table.categories.get(name, ()))
            present = table.features[:, at][~np.isnan(table.features[:, at])]
            is_scaled = standardise and count == 0 and present.size > 0
            deviation = float(present.std()) if is_scaled else 1.0
            mean.append(float(present.mean()) if is_scaled else 0.0)
            scale.append(deviation if deviation > 0 else 1.0)
            categories.append(count)
        width = sum(count or 1 for count in categories)
        if shape and int(np.prod(shape)) != width:
            raise failure.config(
                "params.input_shape", f"does not hold the {width} numbers that a row has"
            )
        return cls(mean, scale, categories, list(shape) or [width])

    def apply(self, table: Table) -> Floats:
        """Rows as ``[rows, *shape]``."""
        import numpy as np

        parts = []
        for at, count in enumerate(self.categories):
            column = table.features[:, at]
            if count:
                parts.append((column[:, None] == np.arange(count)).astype(np.float64))
            else:
                scaled = (column - self.mean[at]) / self.scale[at]
                parts.append(np.nan_to_num(scaled, nan=0.0)[:, None])
        joined = np.concatenate(parts, axis=1).astype(np.float32)
        return joined.reshape(len(table), *self.shape)


@dataclass(frozen=True)
class TargetScale:
    """Values to predict, standardised by the training rows for the network."""

    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, data: Data) -> TargetScale:
        """From the training rows' values; classes are left as they are."""
        if data.classes:
            return cls()
        targets = data.targets("train")
        deviation = float(targets.std())
        return cls(float(targets.mean()), deviation if deviation > 0 else 1.0)

    def apply(self, targets: Any) -> Any:
        """As the network learns them."""
        return (targets - self.mean) / self.scale

    def undo(self, outputs: Any) -> Any:
        """As they are in the dataset, ``[rows]``."""
        import numpy as np

        return np.asarray(outputs, dtype=np.float64).reshape(-1) * self.scale + self.mean


def arrays(data: Data, split: str, preparation: Preparation, scale: TargetScale) -> tuple[Any, Any]:
    """Inputs ``[rows, *shape]`` as float32, and targets ``[rows]`` of a split: class numbers as
    int32, or standardised values as float32."""
    import numpy as np

    targets = data.targets(split)
    fitting = targets.astype(np.int32) if data.classes else scale.apply(targets).astype(np.float32)
    return preparation.apply(data.split(split)), fitting


def order_of_rows(rows: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The rows' order in an epoch: of the seed and the epoch alone, so resuming finds it."""
    import numpy as np

    return np.random.default_rng([seed, epoch]).permutation(rows)


# --- outputs ----------------------------------------------------------------


def predicted(answer: Callable[[Any], Any], inputs: Any) -> npt.NDArray[np.float64]:
    """Outputs ``[rows, outputs]``; ``answer`` is always given ``PREDICT_ROWS`` rows, the last
    of them zeros where fewer are left."""
    import numpy as np

    parts = []
    for first in range(0, len(inputs), PREDICT_ROWS):
        rows = inputs[first : first + PREDICT_ROWS]
        padded = np.zeros((PREDICT_ROWS, *inputs.shape[1:]), dtype=inputs.dtype)
        padded[: len(rows)] = rows
        found = np.asarray(answer(padded), dtype=np.float64)
        parts.append(found.reshape(PREDICT_ROWS, -1)[: len(rows)])
    return np.concatenate(parts)


def softmax(scores: Any) -> Any:
    """Scores of classes ``[rows, classes]`` as shares that sum to one."""
    import numpy as np

    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def described_output(data: Data, target: str | None) -> dict[str, Any]:
    """The output as ``model.json`` says it."""
    if data.classes:
        return {"kind": "classes", "labels": data.classes}
    return {"kind": "value", "name": target or "value"}


def write_predictions(
    run: Run,
    data: Data,
    scale: TargetScale,
    answer: Callable[[Table], Any],
    *,
    shares: Callable[[Any], Any] = softmax,
) -> None:
    """Prediction files of the splits that are asked for; ``answer`` gives a table's outputs, of
    which ``shares`` makes the scores of classes."""
    for split, table in data.predict.items():
        outputs = answer(table)
        told: dict[str, Any] = {"ids": table.ids, "y_true": table.target, "task": data.task}
        if data.classes:
            run.predictions(split, y_score=shares(outputs), labels=data.classes, **told)
        else:
            run.predictions(split, y_pred=scale.undo(outputs), **told)


def describe(run: Run, data: Data) -> None:
    """Leaves ``model.json`` of a model that answers rows of the dataset."""
    run.model(
        input=serving.table_input(data, allows_missing=True),
        output=described_output(data, run.dataset.target),
        task=data.task,
    )


# --- states and settings as files -------------------------------------------


def pack(values: Sequence[Any]) -> bytes:
    """Arrays in their order, as an NPZ file."""
    import numpy as np

    file = io.BytesIO()
    numbered: dict[str, Any] = {str(at): np.asarray(value) for at, value in enumerate(values)}
    np.savez(file, **numbered)
    return file.getvalue()


def unpack(content: bytes, like: Sequence[Any], *, field: str) -> list[Any]:
    """The arrays that :func:`pack` saved; refuses ``field`` where the file is damaged or they
    have not the shapes and dtypes of ``like``."""
    import numpy as np

    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            found = [file[str(at)] for at in range(len(file.files))]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise failure.config(field, f"the state is damaged ({type(error).__name__})") from None
    if len(found) == len(like):
        # NPZ keeps the bytes of types that numpy has not, such as bfloat16, but no name.
        found = [
            array.view(other.dtype) if array.dtype.kind == "V" else array
            for array, other in zip(found, like)
        ]
    if [_form(array) for array in found] != [_form(other) for other in like]:
        raise failure.config(field, "the state has other arrays than the model that is made now")
    return found


def _form(array: Any) -> tuple[tuple[int, ...], str]:
    return tuple(array.shape), str(array.dtype)


def settings_text(preparation: Preparation, scale: TargetScale, **more: Any) -> str:
    """How inputs and targets are prepared, as a file to keep beside the model."""
    said = {"preparation": asdict(preparation), "target": asdict(scale), **more}
    return json.dumps(said, indent=1) + "\n"


def read_settings(model: Model, name: str) -> tuple[Preparation, TargetScale]:
    """What :func:`settings_text` wrote; refuses a model whose file is damaged."""
    try:
        said = json.loads(model.file(name).read_text(encoding="utf-8"))
        return Preparation(**said["preparation"]), TargetScale(**said["target"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{name} is damaged ({type(error).__name__})"
        raise failure.config("model.path", message) from None


# --- the project's code -----------------------------------------------------


def named(path: str, field: str, *, folder: Path) -> Any:
    """What ``package.module:name`` or ``package.module.name`` stands for, in a folder's
    modules or installed ones; refuses ``field``."""
    module, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    if not module or not name:
        raise failure.config(field, f"{path} is no import path; write package.module:name")
    found: Any = import_module(module, field, folder=folder)
    for part in name.split("."):
        if not hasattr(found, part):
            known = [known for known in vars(found) if not known.startswith("_")]
            raise failure.unknown(field, part, known, f"in {module}")
        found = getattr(found, part)
    return found


def import_module(name: str, field: str, *, folder: Path) -> ModuleType:
    """A module of a folder, or an installed one, by its name; refuses ``field``."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise failure.config(field, f"{name} cannot be imported: {error}") from None


def keep_code(run: Run, project: Path, *, adapter: Path) -> None:
    """Leaves the modules that came from the project beside the model, which needs them: those
    that were imported, but not the adapter's own nor installed packages."""
    root = project.resolve()
    apart = {adapter.resolve(), Path(__file__).resolve().parent}
    kept = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        path = Path(file).resolve() if isinstance(file, str) else None
        if not path or path.suffix != ".py" or root not in path.parents:
            continue
        is_installed = {"site-packages", "dist-packages"} & set(path.relative_to(root).parts)
        if not is_installed and not apart & set(path.parents):
            kept.add(path.relative_to(root))
    if len(kept) > MAX_CODE_FILES:
        raise failure.config("params", f"the model's code has more than {MAX_CODE_FILES} files")
    for name in sorted(kept):
        run.artifact(f"{CODE_FOLDER}/{name.as_posix()}", root / name, kind="model")
