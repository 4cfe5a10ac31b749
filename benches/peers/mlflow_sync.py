"""MLflow with its embedded SQLite store, each call waiting for the database."""

from __future__ import annotations

import os
from pathlib import Path

import mlflow
from mlflow.tracking import MlflowClient

MODULE = "mlflow"
SYNCHRONOUS = True


def uri(folder: Path) -> str:
    return os.environ.get("BENCH_URL") or f"sqlite:///{folder}/mlflow.db"


def open(folder: Path, name: str):
    mlflow.set_tracking_uri(uri(folder))
    mlflow.set_experiment("bench")
    return mlflow.start_run(run_name=name)


def log(run, metrics: dict[str, float], step: int) -> None:
    mlflow.log_metrics(metrics, step=step, synchronous=SYNCHRONOUS)


def bulk(run, metric: str, values: list[float]) -> None:
    """Logs a whole series in the largest requests that the API takes."""
    entity = mlflow.entities.Metric
    client = MlflowClient()
    for first in range(0, len(values), 1000):
        rows = enumerate(values[first : first + 1000], first)
        client.log_batch(run.info.run_id, [entity(metric, v, 1 + s, s) for s, v in rows])


def load_runs(url: str, runs: int) -> dict:
    """Runs for the load generator."""
    mlflow.set_tracking_uri(url)
    client = MlflowClient()
    experiment = client.create_experiment("load")
    found = [client.create_run(experiment).info.run_id for _run in range(runs)]
    return {"shape": "mlflow", "runs": found}


def close(run) -> None:
    mlflow.flush_async_logging()
    mlflow.end_run()


def _runs(folder: Path, name: str):
    mlflow.set_tracking_uri(uri(folder))
    client = MlflowClient()
    experiment = client.get_experiment_by_name("bench")
    wanted = f"attributes.run_name = '{name}'"
    return client, client.search_runs([experiment.experiment_id], wanted)


def count(folder: Path, name: str) -> int:
    client, runs = _runs(folder, name)
    return sum(
        len(client.get_metric_history(run.info.run_id, metric))
        for run in runs
        for metric in run.data.metrics
    )


def history(folder: Path, name: str, metric: str) -> list[float]:
    client, runs = _runs(folder, name)
    return [m.value for m in client.get_metric_history(runs[0].info.run_id, metric)]
