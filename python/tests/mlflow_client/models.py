"""Models as people log, register and load them, and what the server has of them then.

Everything is in words that do not depend on ids, times and places, so that two servers that
did the same say the same.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, ViewType
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

EXPERIMENT = "models"
# Tags that say what only one server can say.
PLACE_TAGS = ("mlflow.user", "mlflow.source.name", "mlflow.source.git.commit")


def refusal(call: Callable[[], Any]) -> str:
    """How a call is refused."""
    try:
        call()
    except MlflowException as error:
        return str(error.error_code)
    return "accepted"


def predictions(uri: str) -> list[int]:
    """What a model answers that is loaded from somewhere."""
    x, _ = load_iris(return_X_y=True)
    return [int(label) for label in mlflow.pyfunc.load_model(uri).predict(x)[::10]]


def train(client: MlflowClient) -> dict[str, Any]:
    """A model logged, registered, promoted, and loaded from everywhere it is."""
    mlflow.set_experiment(EXPERIMENT)
    x, y = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=300, random_state=0).fit(x, y)
    with mlflow.start_run(run_name="maker") as run:
        mlflow.log_param("c", "1.0")
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name="iris",
            signature=infer_signature(x, y),
            pip_requirements=[],
        )
        dataset = mlflow.data.from_numpy(x, name="iris")
        score = float(model.score(x, y))
        mlflow.log_metric("accuracy", score, model_id=info.model_id, dataset=dataset)
        mlflow.log_metric("loss", 0.5, step=1, model_id=info.model_id)
    client.set_registered_model_alias("iris", "champion", "1")
    said: dict[str, Any] = {
        "own": [int(label) for label in model.predict(x)[::10]],
        "alias": predictions("models:/iris@champion"),
        "number": predictions("models:/iris/1"),
        "latest": predictions("models:/iris/latest"),
        "logged": predictions(f"models:/{info.model_id}"),
        "run": predictions(f"runs:/{run.info.run_id}/model"),
        "uri": info.model_uri == f"models:/{info.model_id}",
    }
    with mlflow.start_run(run_name="reader") as reader:
        mlflow.log_input(mlflow.data.from_numpy(x, name="iris"), model=None)
        client.log_inputs(
            reader.info.run_id, models=[mlflow.entities.LoggedModelInput(info.model_id)]
        )
        client.log_outputs(reader.info.run_id, [LoggedModelOutput(info.model_id, 3)])
    mlflow.sklearn.autolog(log_models=True, log_datasets=False, silent=True)
    with mlflow.start_run(run_name="by itself"):
        LogisticRegression(max_iter=200, random_state=0).fit(x, y)
    mlflow.sklearn.autolog(disable=True)
    with mlflow.start_run(run_name="maker of two") as run:
        for step in range(2):
            mlflow.sklearn.log_model(model, name="twin", step=step, pip_requirements=[])
    said["twin"] = predictions(f"runs:/{run.info.run_id}/twin")
    return said


def logged_models(client: MlflowClient) -> dict[str, Any]:
    """Logged models made, changed, found and deleted by single calls."""
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    lone = client.create_logged_model(
        experiment, name="lone", params={"a": "1"}, tags={"t": "x"}, model_type="agent"
    )
    client.set_logged_model_tags(lone.model_id, {"t": "y", "u": "z"})
    client.delete_logged_model_tag(lone.model_id, "u")
    client.log_model_artifact(lone.model_id, __file__)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "caf\u00e9 1.txt").write_text("one")
        client.log_model_artifacts(lone.model_id, folder)
    client.finalize_logged_model(lone.model_id, "READY")
    failed = client.create_logged_model(experiment, name="failed")
    client.finalize_logged_model(failed.model_id, "FAILED")
    gone = client.create_logged_model(experiment, name="gone")
    client.delete_logged_model(gone.model_id)
    said: dict[str, Any] = {
        "gone": refusal(lambda: client.get_logged_model(gone.model_id)),
        "no model": refusal(lambda: client.get_logged_model("m-" + "0" * 32)),
        "bad name": refusal(lambda: client.create_logged_model(experiment, name="a/b")),
        "no experiment": refusal(lambda: client.create_logged_model("12345", name="a")),
        "no tag": refusal(lambda: client.delete_logged_model_tag(lone.model_id, "none")),
        "files": sorted(file.path for file in client.list_logged_model_artifacts(lone.model_id)),
        "local": sorted(
            path.name
            for path in Path(
                mlflow.artifacts.download_artifacts(f"models:/{lone.model_id}")
            ).iterdir()
        ),
    }

    def names(**how: Any) -> list[str]:
        found = client.search_logged_models([experiment], **how)
        return [model.name for model in found]

    # Both fields: of a name alone, MLflow finds only metrics without a digest.
    iris = mlflow.data.from_numpy(load_iris(return_X_y=True)[0], name="iris")
    dataset = {"dataset_name": "iris", "dataset_digest": iris.digest}
    descending = {"field_name": "metrics.accuracy", "ascending": False}
    said["found"] = {
        "all": sorted(names()),
        "by name": names(filter_string="name = 'model'"),
        "like": sorted(names(filter_string="name LIKE 'l%'")),
        "param": names(filter_string="params.a = '1' AND tags.t = 'y'"),
        "metric": names(filter_string="metrics.accuracy > 0.9"),
        "type": names(filter_string="model_type = 'agent'"),
        "ids": names(filter_string=f"model_id IN ('{lone.model_id}')"),
        "dataset": names(datasets=[dataset]),
        "other dataset": names(datasets=[{"dataset_name": "other"}]),
        "dataset metric": names(filter_string="metrics.accuracy > 0.1", datasets=[dataset]),
        "order": names(order_by=[descending])[0],
        "bad filter": refusal(lambda: names(filter_string="nothing.a = 'x'")),
        "bad order": refusal(lambda: names(order_by=[{"field_name": "params.a"}])),
    }
    pages, token = [], None
    while True:
        page = client.search_logged_models([experiment], max_results=2, page_token=token)
        pages.append([model.model_id for model in page])
        token = page.token
        if not token:
            break
    said["pages"] = [len(page) for page in pages]
    said["each once"] = len({one for page in pages for one in page}) == sum(map(len, pages))
    return said


def registry(client: MlflowClient) -> dict[str, Any]:
    """Registered models and versions, changed and searched."""
    client.create_registered_model("plain", tags={"team": "a"}, description="words")
    maker = next(
        run
        for run in client.search_runs([client.get_experiment_by_name(EXPERIMENT).experiment_id])
        if run.info.run_name == "maker"
    )
    run_id = maker.info.run_id
    client.log_text(run_id, "weights", "old/weights.txt")
    source = f"{maker.info.artifact_uri}/old"
    for text in ("first", "second", "third"):
        client.create_model_version(
            "plain", source, run_id=run_id, tags={"n": text}, description=text
        )
    client.create_model_version(
        "plain", "s3://bucket/model", tags={"n": "outside"}, run_link="https://there/#/runs/1"
    )
    client.create_model_version("plain", "models:/iris@champion")
    client.update_registered_model("plain", "other words")
    client.update_model_version("plain", "2", "the second")
    client.set_registered_model_tag("plain", "team", "b")
    client.set_model_version_tag("plain", "1", "x", "1")
    client.delete_model_version_tag("plain", "1", "n")
    client.delete_registered_model_tag("plain", "none")
    client.set_registered_model_alias("plain", "best", "1")
    client.set_registered_model_alias("plain", "best", "2")
    client.set_registered_model_alias("plain", "old", "1")
    client.delete_registered_model_alias("plain", "old")
    client.delete_registered_model_alias("plain", "never")
    client.transition_model_version_stage("plain", "1", "Production")
    client.transition_model_version_stage("plain", "2", "production", True)
    client.transition_model_version_stage("plain", "3", "Staging")
    client.delete_model_version("plain", "3")
    client.rename_registered_model("plain", "renamed")
    client.create_registered_model("empty")
    client.create_registered_model("passing")
    client.delete_registered_model("passing")
    said: dict[str, Any] = {
        "taken": refusal(lambda: client.create_registered_model("empty")),
        "taken by rename": refusal(lambda: client.rename_registered_model("empty", "renamed")),
        "no model": refusal(lambda: client.get_registered_model("passing")),
        "no version": refusal(lambda: client.get_model_version("renamed", "3")),
        "odd version": refusal(lambda: client.get_model_version("renamed", "x")),
        "bad name": refusal(lambda: client.create_registered_model("a/b")),
        "no alias": refusal(lambda: client.get_model_version_by_alias("renamed", "never")),
        "odd alias": refusal(lambda: client.set_registered_model_alias("renamed", "v1", "1")),
        "alias of nothing": refusal(
            lambda: client.set_registered_model_alias("renamed", "best", "9")
        ),
        "bad stage": refusal(
            lambda: client.transition_model_version_stage("renamed", "1", "shelf")
        ),
        "local source": refusal(lambda: client.create_model_version("renamed", "/etc")),
        "climbing source": refusal(
            lambda: client.create_model_version("renamed", "mlflow-artifacts:/0/../x")
        ),
        "source of another": refusal(
            lambda: client.create_model_version("renamed", source, run_id="0" * 32)
        ),
        "by alias": client.get_model_version_by_alias("renamed", "best").version,
        "latest": sorted(
            (one.current_stage, one.version) for one in client.get_latest_versions("renamed")
        ),
        "latest of one": [
            one.version for one in client.get_latest_versions("renamed", ["production"])
        ],
        "download": client.get_model_version_download_uri("renamed", "1").replace(run_id, "RUN"),
        "outside": client.get_model_version_download_uri("renamed", "4"),
    }
    said["models"] = {
        filter_string: [one.name for one in client.search_registered_models(filter_string)]
        for filter_string in ("", "name = 'iris'", "name LIKE 'r%'", "tags.team = 'b'")
    }
    said["models"]["order"] = [
        one.name for one in client.search_registered_models(order_by=["name DESC"])
    ]
    said["models"]["bad"] = refusal(lambda: client.search_registered_models("odd = 'x'"))
    said["versions"] = {
        filter_string.replace(run_id, "RUN"): sorted(
            (one.name, one.version) for one in client.search_model_versions(filter_string)
        )
        for filter_string in (
            "",
            "name = 'renamed'",
            f"run_id = '{run_id}'",
            "tags.n = 'second'",
            "tags.n != 'second'",
            "source_path LIKE 's3:%'",
            "version_number > 1 AND name ILIKE 'REN%'",
        )
    }
    said["pages"], token = [], None
    while True:
        page = client.search_model_versions(
            "name = 'renamed'", max_results=2, order_by=["version_number ASC"], page_token=token
        )
        said["pages"].append([one.version for one in page])
        token = page.token
        if not token:
            break
    return said


def version_dump(version: Any, known: dict[str, str]) -> dict[str, Any]:
    source = version.source or ""
    for found, name in known.items():
        source = source.replace(found, name)
    return {
        "version": version.version,
        "stage": version.current_stage,
        "status": version.status,
        "description": version.description or "",
        "source": source,
        "run": known.get(version.run_id, version.run_id) or "",
        "run_link": version.run_link or "",
        "tags": version.tags,
        "aliases": sorted(version.aliases),
    }


def model_dump(model: Any, known: dict[str, str], files: list[str]) -> dict[str, Any]:
    location = model.artifact_location
    for found, name in known.items():
        location = location.replace(found, name)
    tags = {key: value for key, value in model.tags.items() if key not in PLACE_TAGS}
    return {
        "name": model.name,
        "type": model.model_type or "",
        "status": str(model.status),
        "source run": known.get(model.source_run_id, model.source_run_id) or "",
        "params": model.params,
        "tags": sorted(tags),
        "versions": tags.get("mlflow.modelVersions", ""),
        "metrics": sorted(
            [
                metric.key,
                repr(metric.value),
                metric.step,
                known.get(metric.run_id, metric.run_id),
                metric.dataset_name or "",
            ]
            for metric in model.metrics or []
        ),
        "location": location,
        "files": files,
    }


def model_files(client: MlflowClient, model: str, folder: str | None = None) -> list[str]:
    found: list[str] = []
    for file in client.list_logged_model_artifacts(model, folder):
        found += model_files(client, model, file.path) if file.is_dir else [file.path]
    return sorted(found)


def dump(client: MlflowClient) -> dict[str, Any]:
    """Everything there is of models."""
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    runs = client.search_runs([experiment], "", ViewType.ALL)
    known = {run.info.run_id: run.info.run_name for run in runs}
    models = client.search_logged_models([experiment])
    known |= {model.model_id: f"MODEL {model.name}" for model in models}
    known[f"mlflow-artifacts:/{experiment}/"] = "mlflow-artifacts:/EXP/"
    of_models = [model_dump(model, known, model_files(client, model.model_id)) for model in models]
    of_runs = {}
    for run in runs:
        # Searches of MLflow leave the inputs out.
        whole = client.get_run(run.info.run_id)
        outputs = [(known[one.model_id], one.step) for one in whole.outputs.model_outputs]
        inputs = [known[one.model_id] for one in whole.inputs.model_inputs]
        files = sorted(file.path for file in client.list_artifacts(run.info.run_id))
        of_runs[run.info.run_name] = [sorted(outputs), sorted(inputs), files]
    registered = {}
    for model in client.search_registered_models():
        # Searches of MLflow leave the aliases out.
        versions = [
            client.get_model_version(one.name, one.version)
            for one in client.search_model_versions(f"name = '{model.name}'")
        ]
        registered[model.name] = {
            "description": model.description or "",
            "tags": model.tags,
            "aliases": {key: str(value) for key, value in model.aliases.items()},
            "versions": sorted(
                (version_dump(version, known) for version in versions),
                key=lambda one: int(one["version"]),
            ),
        }
    return {
        "logged": sorted(of_models, key=lambda one: json.dumps(one, sort_keys=True)),
        "runs": of_runs,
        "registered": registered,
    }


def everything(client: MlflowClient) -> dict[str, Any]:
    """All of it, in the order in which it builds on each other."""
    numpy.random.seed(0)
    with contextlib.suppress(MlflowException):
        client.create_experiment(EXPERIMENT)
    return {
        "trained": train(client),
        "logged models": logged_models(client),
        "registry": registry(client),
        "dump": dump(client),
    }
