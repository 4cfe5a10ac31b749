"""The adapter author's kit: an adapter for ML Experiment Hub as one Python class.

    from mlhub_adapter import Adapter, Run, main

    class Mean(Adapter):
        def train(self, run: Run) -> None:
            data = run.tables()
            run.entry(data)
            values = data.numbers("train")
            mean = sum(values) / len(values)
            for split, table in data.predict.items():
                run.predictions(split, ids=table.ids, y_true=table.target, y_pred=[mean] * len(table))

    if __name__ == "__main__":
        main(Mean())

Speaks protocol 1 (`adapters/SPEC.md`) with nothing but the standard library; numpy and
frameworks are imported where they are used. It knows no hub and no network: the run
directory is all it reads and writes.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mlhub_adapter.adapter import Adapter, main
    from mlhub_adapter.checkpoint import Checkpoint
    from mlhub_adapter.failure import Refused, Stopped
    from mlhub_adapter.run import Run
    from mlhub_adapter.seeding import pin_threads, seed_everything
    from mlhub_adapter.serving import Invalid, Model, Served
    from mlhub_adapter.table import Data, Table

__version__ = "0.1.0"

__all__ = [
    "Adapter",
    "Checkpoint",
    "Data",
    "Invalid",
    "Model",
    "Refused",
    "Run",
    "Served",
    "Stopped",
    "Table",
    "main",
    "pin_threads",
    "seed_everything",
]

_HOMES = {
    "Adapter": "adapter",
    "Checkpoint": "checkpoint",
    "Data": "table",
    "Invalid": "serving",
    "Model": "serving",
    "Refused": "failure",
    "Run": "run",
    "Served": "serving",
    "Stopped": "failure",
    "Table": "table",
    "main": "adapter",
    "pin_threads": "seeding",
    "seed_everything": "seeding",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `mlhub_adapter` has no attribute `{name}`")
    found = getattr(import_module(f"mlhub_adapter.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
