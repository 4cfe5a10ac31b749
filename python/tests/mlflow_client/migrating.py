"""Writes what people have in MLflow, and tells what a store has, by MLflow's own client.

`migrating.py write URI` logs to a store, `migrating.py tell URI...` prints everything in each
as JSON, ids and times of runs among it, and loads models. Works with clients from 2.x on.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy.pool

# MLflow 2.x asks for a name that SQLAlchemy no longer has, and does nothing with it.
if not hasattr(sqlalchemy.pool, "FallbackAsyncAdaptedQueuePool"):
    sqlalchemy.pool.FallbackAsyncAdaptedQueuePool = sqlalchemy.pool.AsyncAdaptedQueuePool

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

MAJOR = int(mlflow.__version__.split(".")[0])
PAGE = 1000


def write(client: MlflowClient) -> None:
    """Runs nested, deleted, failed and running, a trained model, and a registry with gaps."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    first = client.create_experiment("caf\u00e9 & co", tags={"team": "\u00fc", "empty": ""})
    run = client.create_run(first, start_time=1_700_000_000_000, run_name="points/\u00e9")
    values = [0.1, -0.0, 1e-300, 1e308, math.nan, math.inf, -math.inf, 0.30000000000000004]
    points = [
        Metric("loss/val", values[step % len(values)], 1_700_000_000_000 + step, step - 3)
        for step in range(2500)
    ]
    for start in range(0, len(points), PAGE):
        client.log_batch(run.info.run_id, metrics=points[start : start + PAGE])
    client.log_batch(
        run.info.run_id,
        metrics=[Metric("again", 1.0, 5, 0), Metric("again", 2.0, 5, 0), Metric("once", 3.5, 7, 0)],
        params=[Param(f"p{index}", "v" * index) for index in range(100)],
        tags=[RunTag("mlflow.note.content", "a note\nof two lines"), RunTag("t", "x")],
    )
    client.log_text(run.info.run_id, "caf\u00e9", "texts/a b/\u00fc.txt")
    client.log_text(run.info.run_id, "", "empty.bin")
    client.set_terminated(run.info.run_id, "FAILED", 1_700_000_100_000)
    gone = client.create_run(first, start_time=1_700_000_200_000, run_name="gone")
    client.log_param(gone.info.run_id, "kept", "yes")
    client.log_text(gone.info.run_id, "kept", "kept.txt")
    client.set_terminated(gone.info.run_id, "KILLED", 1_700_000_300_000)
    client.delete_run(gone.info.run_id)
    open_run = client.create_run(first, start_time=1_700_000_400_000, run_name="running")
    client.log_metric(open_run.info.run_id, "m", 1.0, 1_700_000_400_001, 0)
    second = client.create_experiment("deleted later")
    lost = client.create_run(second, start_time=1_700_000_500_000, run_name="lost")
    client.set_terminated(lost.info.run_id)
    client.delete_experiment(second)

    mlflow.set_experiment("models")
    x, y = load_iris(return_X_y=True)
    mlflow.sklearn.autolog(silent=True, log_input_examples=False)
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_input(mlflow.data.from_numpy(x, name="iris"), context="training")
        with mlflow.start_run(run_name="child", nested=True):
            LogisticRegression(max_iter=300, random_state=0).fit(x, y)
    mlflow.sklearn.autolog(disable=True)
    with mlflow.start_run(run_name="maker") as maker:
        model = LogisticRegression(max_iter=300, random_state=0).fit(x, y)
        where = {"name": "model"} if MAJOR >= 3 else {"artifact_path": "model"}
        for _ in range(3):
            mlflow.sklearn.log_model(
                model, **where, registered_model_name="iris", pip_requirements=[]
            )
    client.delete_model_version("iris", "2")
    client.set_registered_model_alias("iris", "champion", "3")
    client.set_registered_model_tag("iris", "task", "classes")
    client.set_model_version_tag("iris", "1", "good", "no")
    client.update_registered_model("iris", "flowers")
    client.update_model_version("iris", "3", "the best")
    client.transition_model_version_stage("iris", "1", "Archived")
    if MAJOR >= 3:
        lone = client.create_logged_model(
            parent.info.experiment_id, name="lone", params={"a": "1"}, tags={"t": "x"}
        )
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "weights 1.bin").write_bytes(bytes(range(256)))
            client.log_model_artifacts(lone.model_id, folder)
        client.finalize_logged_model(lone.model_id, "READY")
        metric = {"model_id": lone.model_id, "timestamp": 9, "step": 2}
        client.log_metric(maker.info.run_id, "accuracy", 0.75, **metric)
    client.set_tag(parent.info.run_id, "maker", maker.info.run_id)


def files_of(root: str) -> dict[str, str]:
    # By the place and not by the run: clients remember where the artifacts of a run's id are.
    artifacts = get_artifact_repository(root)
    seen: dict[str, str] = {}
    folders: list[str | None] = [None]
    while folders:
        for file in artifacts.list_artifacts(folders.pop()):
            if file.is_dir:
                folders.append(file.path)
            # Loading a model from a folder leaves a note of that name in it.
            elif not file.path.endswith("registered_model_meta"):
                content = Path(artifacts.download_artifacts(file.path)).read_bytes()
                seen[file.path] = hashlib.sha256(content).hexdigest()
    return seen


def run_of(client: MlflowClient, run: Any) -> dict[str, Any]:
    info, data = run.info, run.data
    histories = {
        key: sorted(
            [m.step, m.timestamp, repr(m.value)]
            for m in {
                (m.step, m.timestamp, repr(m.value)): m
                for m in client.get_metric_history(info.run_id, key)
            }.values()
        )
        for key in data.metrics
    }
    inputs = [
        [
            one.dataset.name,
            one.dataset.digest,
            one.dataset.source_type,
            one.dataset.source,
            one.dataset.schema,
            one.dataset.profile,
            sorted((tag.key, tag.value) for tag in one.tags),
        ]
        for one in run.inputs.dataset_inputs
    ]
    said = {
        "name": info.run_name,
        "status": info.status,
        "stage": info.lifecycle_stage,
        "start": info.start_time,
        "end": info.end_time,
        "user": info.user_id,
        "params": data.params,
        # The hub keeps the user of a run there.
        "tags": {key: value for key, value in data.tags.items() if key != "mlflow.user"},
        "metrics": {key: repr(value) for key, value in data.metrics.items()},
        "histories": histories,
        "inputs": sorted(inputs),
        "files": files_of(info.artifact_uri) if info.lifecycle_stage == "active" else {},
    }
    if MAJOR >= 3:
        said["made"] = sorted([one.model_id, one.step] for one in run.outputs.model_outputs)
        said["read"] = sorted(one.model_id for one in run.inputs.model_inputs)
    return said


def models_of(client: MlflowClient, experiment: str) -> dict[str, Any]:
    said = {}
    for model in client.search_logged_models([experiment]):
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model.model_id}"))
        files = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            # A note about the registry, which clients write into what they download.
            if path.is_file() and path.name != "registered_model_meta"
        }
        said[model.model_id] = {
            "name": model.name,
            "type": model.model_type or "",
            "run": model.source_run_id or "",
            "status": str(model.status),
            "created": model.creation_timestamp,
            "params": model.params,
            "tags": model.tags,
            "metrics": sorted(
                [m.key, m.step, m.timestamp, repr(m.value), m.run_id] for m in model.metrics or []
            ),
            "files": files,
        }
    return said


def registry_of(client: MlflowClient) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for model in client.search_registered_models():
        versions = client.search_model_versions(f"name='{model.name}'")
        said[model.name] = {
            "description": model.description or "",
            "tags": model.tags,
            "aliases": {key: str(value) for key, value in model.aliases.items()},
            "versions": {
                str(version.version): {
                    "run": version.run_id,
                    "stage": version.current_stage,
                    "description": version.description or "",
                    "tags": version.tags,
                }
                for version in versions
            },
        }
    return said


def tell(client: MlflowClient) -> dict[str, Any]:
    """Everything, by names and ids that a move keeps."""
    experiments = {}
    for experiment in client.search_experiments(ViewType.ALL):
        runs = client.search_runs([experiment.experiment_id], "", ViewType.ALL)
        experiments[experiment.name] = {
            "stage": experiment.lifecycle_stage,
            "tags": dict(experiment.tags),
            "runs": {run.info.run_id: run_of(client, run) for run in runs},
            "models": models_of(client, experiment.experiment_id) if MAJOR >= 3 else {},
        }
    said = {"experiments": experiments, "registry": registry_of(client)}
    if "iris" in said["registry"]:
        from sklearn.datasets import load_iris

        x, _ = load_iris(return_X_y=True)
        loaded = [mlflow.pyfunc.load_model(f"models:/iris{of}") for of in ("@champion", "/1")]
        said["predictions"] = [[int(y) for y in model.predict(x)[::10]] for model in loaded]
    return said


def main() -> None:
    what, *uris = sys.argv[1:]
    for uri in uris:
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        client = MlflowClient()
        if what == "write":
            write(client)
        else:
            print("TOLD " + json.dumps(tell(client)))


if __name__ == "__main__":
    main()
