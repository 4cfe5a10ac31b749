"""Every experiment and run of a server, value for value, told without ids and times.

Works with every client from 2.x on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import ViewType

# Tags that say who ran the script, and where.
PLACE_TAGS = ("mlflow.user", "mlflow.source.name", "mlflow.source.git.commit")


def inputs_of(run: Any) -> list[Any]:
    seen = []
    for one in run.inputs.dataset_inputs:
        dataset = one.dataset
        tags = sorted((tag.key, tag.value) for tag in one.tags)
        seen.append(
            [
                dataset.name,
                dataset.digest,
                dataset.source_type,
                dataset.schema,
                dataset.profile,
                tags,
            ]
        )
    return sorted(seen)


def files_of(client: MlflowClient, run: str, folder: str | None = None) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for file in client.list_artifacts(run, folder):
        if file.is_dir:
            seen |= files_of(client, run, file.path)
        else:
            local = mlflow.artifacts.download_artifacts(run_id=run, artifact_path=file.path)
            content = Path(local).read_bytes()
            seen[file.path] = [
                file.file_size,
                content.hex() if len(content) < 100 else len(content),
            ]
    return seen


def dump(client: MlflowClient) -> list[Any]:
    """Every experiment with every run, value for value."""
    everything = []
    for experiment in sorted(client.search_experiments(ViewType.ALL), key=lambda one: one.name):
        runs = client.search_runs([experiment.experiment_id], "", ViewType.ALL)
        names = {run.info.run_id: run.info.run_name for run in runs}
        seen = []
        for run in sorted(runs, key=lambda one: one.info.run_name):
            run_id = run.info.run_id
            tags = {
                key: names.get(value, value)
                for key, value in run.data.tags.items()
                if key not in PLACE_TAGS
            }
            histories = {
                key: [[m.step, repr(m.value)] for m in client.get_metric_history(run_id, key)]
                for key in run.data.metrics
            }
            place = run.info.artifact_uri.replace(run_id, "RUN").replace(
                experiment.experiment_id, "EXP"
            )
            seen.append(
                {
                    "name": run.info.run_name,
                    "status": run.info.status,
                    "stage": run.info.lifecycle_stage,
                    "user": run.info.user_id,
                    "ended": run.info.end_time is not None,
                    "artifact_uri": place,
                    "params": run.data.params,
                    "tags": tags,
                    "metrics": {key: repr(value) for key, value in run.data.metrics.items()},
                    "histories": {key: sorted(points) for key, points in histories.items()},
                    "inputs": inputs_of(run),
                    "files": files_of(client, run_id),
                }
            )
        everything.append(
            {
                "name": experiment.name,
                "stage": experiment.lifecycle_stage,
                "tags": dict(experiment.tags),
                "runs": seen,
            }
        )
    return everything
