"""What the documents show is run as it stands there, against a real hub."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY, Hub, wait_until

import mlhub

CODE = re.compile(r"`([^`]+)`")
NO_PYTHON = ("MLHUB_", "mlhub sync", "with")


def library(name: str) -> Any:
    """The module, or a skipped test; none is where the gate has all of them."""
    if os.environ.get("MLHUB_TEST_INTEGRATIONS") == "all":
        return importlib.import_module(name)
    return pytest.importorskip(name)


def rows() -> list[tuple[str, list[str]]]:
    """The first cell of each row of the table, and the code in its last."""
    found = []
    for line in (REPOSITORY / "docs/migrate.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 4:
            spans = [code for code in CODE.findall(cells[-1]) if not code.startswith(NO_PYTHON)]
            found.append((cells[0], spans))
    return found


def test_the_migration_page_runs_from_top_to_bottom(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pandas = library("pandas")
    figures = library("matplotlib.figure")
    linear = library("sklearn.linear_model")
    monkeypatch.setenv("MLHUB_DIR", str(tmp_path / "runs"))
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    figure = figures.Figure()
    figure.subplots().plot([1, 2])
    with mlhub.init("p", config={"lr": 0.1}, console="off") as earlier:
        earlier.log({"loss": 1.0})
        earlier.log_artifact(path, name="m")
    assert earlier.wait(timeout_seconds=60), "everything is on the hub"
    names: dict[str, Any] = {
        "mlhub": mlhub, "c": {"layers": 2}, "x": 0.5, "i": 3, "a": np.zeros((4, 4)),
        "df": pandas.DataFrame({"n": [1, 2]}), "fig": figure, "v": np.arange(100.0),
        "path": path, "run_id": earlier.id, "estimator": linear.LogisticRegression(),
        "X": [[0.0], [1.0]], "y": [0, 1],
    }  # fmt: skip
    ran = 0
    for name, spans in rows():
        for code in spans:
            try:
                exec(compile(code, f"migrate.md, {name}", "exec"), names)  # noqa: S102
            except Exception as error:
                pytest.fail(f"{name}: `{code}`: {error!r}")
            ran += 1
    assert ran >= 24
    mlhub.finish()
    told = [line for line in capfd.readouterr().err.splitlines() if "mlhub: warning" in line]
    assert told == []
    found = names["found"].refresh()
    assert [row["value"] for row in found.history(["loss"])] == [1.0]
    assert found.id in [run.id for run in names["runs"]]
    with mlhub.Api() as api:
        (named,) = api.runs("name = 'n'", project="p")
        wait_until(lambda: named.refresh().state == "finished", "the run ends on the hub")
        assert named.params["lr"] == "0.1"
        assert earlier.id in {one["source_run"] for one in named.inputs()}
        assert "artifacts/m" in {file["path"] for file in named.artifacts()}


def test_other_columns_are_python_too() -> None:
    """Of the libraries that are not here, the code at least parses."""
    for line in (REPOSITORY / "docs/migrate.md").read_text().splitlines():
        for code in CODE.findall(line) if line.startswith("| ") else []:
            if "=" in code and not code.startswith(("WANDB_", "MLHUB_")):
                compile(code, "migrate.md", "exec")
