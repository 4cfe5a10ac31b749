"""A script as people write them for MLflow, and a dump of what the server has then.

Run by MLflow's own interpreter: `script.py TRACKING_URI`. Prints one JSON document in which
ids and times are replaced, so that two servers that stored the same print the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import mlflow
import models
import numpy
from dumping import dump
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression


def train(client: MlflowClient) -> None:
    """Real training, logged by hand and by itself."""
    mlflow.set_experiment("flowers/trees")
    x, y = load_iris(return_X_y=True)
    with mlflow.start_run(run_name="./by hand", tags={"stage": "dev"}) as run:
        mlflow.log_params({"trees": 5, "depth": 3})
        for step, trees in enumerate((1, 2, 5)):
            model = RandomForestClassifier(n_estimators=trees, random_state=0).fit(x, y)
            mlflow.log_metric("train/accuracy", float(model.score(x, y)), step=step)
        mlflow.log_metrics({"odd": float("nan"), "large": 1e300, "below.zero": -0.5}, step=7)
        mlflow.set_tags({"note": "caf\u00e9 \u2603", "mlflow.note.content": "**bold**"})
        mlflow.log_input(mlflow.data.from_numpy(x, name="iris"), context="train")
        with tempfile.TemporaryDirectory() as folder:
            for name in ("a b+c.txt", "\u00e9.bin"):
                Path(folder, name).write_bytes(name.encode())
            mlflow.log_artifacts(folder, "files/below")
        mlflow.log_dict({"a": [1, 2]}, "dict.json")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("inner", 1.0)
    client.log_batch(
        run.info.run_id,
        metrics=[Metric("batched", step / 7, 1_000 + step, step) for step in range(100)],
        params=[Param("late", "1")],
        tags=[RunTag("stage", "prod")],
    )
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_metric("after", 2.0)
    mlflow.sklearn.autolog(log_models=False, log_datasets=False)
    with mlflow.start_run(run_name="by itself"):
        LogisticRegression(max_iter=200, random_state=0).fit(x, y)
    mlflow.sklearn.autolog(disable=True)
    with mlflow.start_run(run_name="asynchronous") as run:
        for step in range(50):
            mlflow.log_metric("m", float(step), step=step, synchronous=False)
    mlflow.flush_async_logging()
    client.set_terminated(run.info.run_id, "FAILED")


def refusal(call: Any) -> str:
    """How a call is refused."""
    try:
        call()
    except MlflowException as error:
        return str(error.error_code)
    return "accepted"


def lives(client: MlflowClient) -> dict[str, Any]:
    """Deletes, restores and refusals."""
    other = client.create_experiment("other", tags={"a": "1"})
    run = client.create_run(other, run_name="gone").info.run_id
    client.log_param(run, "p", "1")
    said = {
        "taken": refusal(lambda: client.create_experiment("other")),
        "param": refusal(lambda: client.log_param(run, "p", "2")),
        "same param": refusal(lambda: client.log_param(run, "p", "1")),
        "no run": refusal(lambda: client.get_run("0" * 32)),
        "no experiment": refusal(lambda: client.get_experiment("12345")),
        "no name": str(client.get_experiment_by_name("nowhere")),
        "bad filter": refusal(lambda: client.search_runs([other], "metrics.a = 'x'")),
        "bad name": refusal(lambda: client.log_metric(run, "../x", 1.0)),
        "no tag": refusal(lambda: client.delete_tag(run, "none")),
    }
    client.set_terminated(run)
    client.delete_run(run)
    said["deleted run"] = refusal(lambda: client.log_metric(run, "m", 1.0))
    said["deleted"] = [
        r.info.lifecycle_stage for r in client.search_runs([other], "", ViewType.ALL)
    ]
    client.restore_run(run)
    client.rename_experiment(other, "renamed")
    client.delete_experiment(other)
    said["experiment"] = client.get_experiment(other).lifecycle_stage
    said["into deleted"] = refusal(lambda: client.create_run(other))
    client.restore_experiment(other)
    said["found"] = [e.name for e in client.search_experiments(filter_string="name LIKE 'ren%'")]
    return said


def searches(client: MlflowClient) -> dict[str, Any]:
    """What filters and orders find."""
    experiment = client.get_experiment_by_name("flowers/trees")
    found = {}
    for filter_string in (
        "",
        "metrics.`train/accuracy` > 0.9",
        "params.depth = '3' and tags.stage = 'prod'",
        "params.depth != '4'",
        "tags.stage LIKE 'p%'",
        "tags.stage ILIKE 'P%'",
        "attributes.status = 'FAILED'",
        "attributes.run_name = 'child'",
        "tags.nothing IS NULL and metrics.inner >= 1",
        "metrics.large < 1e301",
        "metrics.odd > 0",
    ):
        runs = client.search_runs(
            [experiment.experiment_id], filter_string, order_by=["run_name ASC"]
        )
        found[filter_string] = sorted(run.info.run_name for run in runs)
    pages, token = [], None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], max_results=2, order_by=["metrics.m DESC"], page_token=token
        )
        pages.append(len(page))
        token = page.token
        if not token:
            break
    return {"found": found, "pages": pages}


def main() -> None:
    """Do everything and say what is there."""
    numpy.random.seed(0)
    mlflow.set_tracking_uri(sys.argv[1])
    client = MlflowClient()
    train(client)
    said = {"lives": lives(client), "searches": searches(client), "dump": dump(client)}
    said["models"] = models.everything(client)
    print("\nDUMP " + json.dumps(said, sort_keys=True))


if __name__ == "__main__":
    main()
