"""MLflow through its own server (SQLite behind it), each call waiting for the answer."""

from __future__ import annotations

import sys
from pathlib import Path

from peers import mlflow_tables, serving
from peers.mlflow_sync import MODULE, close, count, history, load_runs, log, open  # noqa: F401


def start(folder: Path) -> dict:
    port = serving.free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--default-artifact-root", f"{folder}/artifacts",
    ]  # fmt: skip
    return serving.serve(command, f"http://127.0.0.1:{port}", "/health", folder)


def table(folder: Path, url: str, runs: int):
    """Fills the table beside the running server; returns what searches it once."""
    experiment = mlflow_tables.fill(
        mlflow_tables.Sqlite(folder / "mlflow.db"), runs, fasttrackml=False
    )
    return lambda: mlflow_tables.search(url, experiment)


def load_target(url: str, runs: int) -> dict:
    """Runs for the load generator."""
    return load_runs(url, runs)
