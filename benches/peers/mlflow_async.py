"""MLflow with its embedded SQLite store and asynchronous logging."""

from __future__ import annotations

from peers import mlflow_sync as base
from peers.mlflow_sync import MODULE, bulk, close, count, history, log, open  # noqa: F401

base.SYNCHRONOUS = False
