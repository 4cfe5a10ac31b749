"""Why tests of MLflow do not pass against the hub, by module and the beginning of their name."""

from __future__ import annotations

# What is no part of tracking, by words in the names of tests; those are not run.
NEVER = {
    ("gateway", "endpoint", "secret", "provider", "list_models", "model_definition"): "gateway",
    ("scorer", "online_scoring"): "scorers",
    ("graphql",): "GraphQL, which only MLflow's page uses",
    ("promptlab",): "promptlab",
    ("evaluation_dataset", "_experiments_rest_tracking", "dataset_experiment_association"): (
        "evaluation datasets"
    ),
    ("add_multiple_experiments_at_once",): "evaluation datasets",
    ("issue",): "issues",
    ("review",): "review queues",
    ("webhook",): "webhooks",
}

FILES = "looks into the folder of MLflow's server; artifacts are in the hub's own store"
ROOT = "needs a server that keeps artifacts in a folder of its own and says so in `artifact_uri`"
BEFORE = "looks for the folder of artifacts before there are any; here there is none"
COUNTS = "counts over traces for MLflow's page"


KNOWN = {
    "test_rest_tracking.py::test_create_get_search_experiment": (
        "differs",
        "an `artifact_location` is told as it was given; MLflow takes it as a folder of the server",
    ),
    "test_rest_tracking.py::test_artifacts[": ("differs", ROOT),
    "test_rest_tracking.py::test_create_model_version_with_path_source": ("differs", ROOT),
    "test_rest_tracking.py::test_create_model_version_with_file_uri": ("differs", ROOT),
    "test_mlflow_artifacts.py::test_mlflow_artifacts_rest_apis": ("differs", FILES),
    "test_mlflow_artifacts.py::test_log_artifact": ("differs", FILES),
    "test_mlflow_artifacts.py::test_mime_type_for_download_artifacts_api": (
        "differs",
        "uploads a file that is of no run; here every artifact is of a run or a logged model",
    ),
    "test_mlflow_artifacts.py::test_server_overrides_requested_mime_type": (
        "differs",
        "uploads a file that is of no run; here every artifact is of a run or a logged model",
    ),
    "test_tracking.py::test_get_artifact_uri_appends_to_uri_path_component_correctly[mysql:": (
        "differs",
        "an `artifact_location` with `?` is refused",
    ),
    "test_tracking.py::test_log_stream_empty": ("differs", BEFORE),
    "test_tracking.py::test_log_artifact": ("differs", BEFORE),
    "test_rest_tracking.py::test_calculate_trace_filter_correlation": ("not yet", COUNTS),
    "test_rest_tracking.py::test_query_trace_metrics": ("not yet", COUNTS),
}


def never(name: str) -> str | None:
    """What a test is about that is no part of tracking."""
    if "otel" in name:
        return None
    found = (why for words, why in NEVER.items() if any(word in name for word in words))
    return next(found, None)
