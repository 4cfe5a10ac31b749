"""Puts the author's kit on the import path, and makes the runs that the tests share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlhub_adapter.testing import RunDirectory

    from nursery import Nursery

PYTHON = Path(__file__).resolve().parents[3] / "python"
sys.path[:0] = [str(PYTHON), str(PYTHON / "tests" / "kit")]


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """The process that has imported the libraries."""
    from mlhub_adapter.testing import interpreter

    import support
    from nursery import Nursery

    log = tmp_path_factory.mktemp("nursery") / "stderr.log"
    made = Nursery(interpreter(), support.FOLDER, PYTHON, log)
    yield made
    made.close()


@pytest.fixture(scope="session")
def trained(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunDirectory]:
    """A run of each problem and more, by name, which ended well."""
    import catalogue

    runs = catalogue.finished(tmp_path_factory.mktemp("runs"))
    for run in runs.values():
        assert nursery.train(run) == 0, run.told("error")
    return runs
