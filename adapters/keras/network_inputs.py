"""What a network on tables needs: features as standardised numbers, orders of rows by the
seed, and the project's own code kept beside the model. Knows no framework.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from mlhub_adapter import Data, Run, Table

    Floats = npt.NDArray[np.float32]

CODE_FOLDER = "code"
MAX_CODE_FILES = 500


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
    def fit(cls, table: Table, *, standardize: bool, shape: list[int]) -> Preparation:
        """From the training rows; ``shape`` empty is one axis."""
        import numpy as np

        mean, scale, categories = [], [], []
        for at, name in enumerate(table.names):
            count = len(table.categories.get(name, ()))
            present = table.features[:, at][~np.isnan(table.features[:, at])]
            is_scaled = standardize and count == 0 and present.size > 0
            deviation = float(present.std()) if is_scaled else 1.0
            mean.append(float(present.mean()) if is_scaled else 0.0)
            scale.append(deviation if deviation > 0 else 1.0)
            categories.append(count)
        width = sum(count or 1 for count in categories)
        if shape and int(np.prod(shape)) != width:
            raise failure.config(
                "params.input_shape", f"does not hold the {width} numbers that a row has"
            )
        return cls(mean, scale, categories, shape or [width])

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

    def to_json(self) -> dict[str, Any]:
        """To keep beside the model."""
        return asdict(self)


@dataclass(frozen=True)
class TargetScale:
    """Values to predict, standardised by the training rows for the network."""

    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def fit(cls, targets: Any) -> TargetScale:
        """From the training rows' values."""
        deviation = float(targets.std())
        return cls(float(targets.mean()), deviation if deviation > 0 else 1.0)

    def apply(self, targets: Any) -> Any:
        """As the network learns them."""
        return (targets - self.mean) / self.scale

    def undo(self, outputs: Any) -> Any:
        """As they are in the dataset."""
        import numpy as np

        return np.asarray(outputs, dtype=np.float64).reshape(-1) * self.scale + self.mean


def arrays(data: Data, split: str, preparation: Preparation, scale: TargetScale) -> tuple[Any, Any]:
    """Inputs and targets of a split."""
    import numpy as np

    targets = data.targets(split)
    fitting = targets.astype(np.int32) if data.classes else scale.apply(targets).astype(np.float32)
    return preparation.apply(data.split(split)), fitting


def order_of_rows(rows: int, *, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The rows' order in an epoch: of the seed and the epoch alone, so resuming finds it."""
    import numpy as np

    return np.random.default_rng([seed, epoch]).permutation(rows)


def import_module(name: str, field: str, *, folder: Path) -> ModuleType:
    """A module of the project (or installed), by its name."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise failure.config(field, f"{name} cannot be imported: {error}") from None


def keep_code(run: Run, project: Path) -> None:
    """Leaves the modules that came from the project beside the model, which needs them."""
    root = project.resolve()
    kept = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        path = Path(file).resolve() if file else None
        if path and path.suffix == ".py" and path.is_relative_to(root):
            relative = path.relative_to(root)
            if not {"site-packages", "dist-packages"} & set(relative.parts):
                kept.append(relative)
    # The adapter and the kit are no part of a model, even if the project holds them.
    own = {Path(__file__).resolve().parent, Path(failure.__file__).resolve().parent}
    kept = [name for name in kept if not own & set((root / name).parents)]
    if len(kept) > MAX_CODE_FILES:
        raise failure.config("params", f"the model's code has more than {MAX_CODE_FILES} files")
    for name in sorted(set(kept)):
        run.artifact(f"{CODE_FOLDER}/{name.as_posix()}", root / name, kind="model")


def described_output(data: Data, target: str | None) -> dict[str, Any]:
    """The output as ``model.json`` says it."""
    if data.classes:
        return {"kind": "classes", "labels": data.classes}
    return {"kind": "value", "name": target or "value"}


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as a file beside the model."""
    return json.dumps(settings, indent=1) + "\n"
