"""Lets MLflow's own tests start this hub where they start MLflow's server; a plugin of pytest.

Read by conformance.py, which says how it is used. MLHUB_CONFORMANCE_BINARY is the program, and
empty to leave everything as it is but for what tests of a client need to meet a server of theirs;
MLHUB_CONFORMANCE_RESULTS is the file that gets a line of JSON for each test. Tests that start no
server are left out, and so are repetitions with MLflow's store of files.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import posixpath
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import mlflow.artifacts
import pytest
from conformance_known import never

BINARY = os.environ["MLHUB_CONFORMANCE_BINARY"]
RESULTS = Path(os.environ["MLHUB_CONFORMANCE_RESULTS"])
HOST = "127.0.0.1"
START_SECONDS = 60
# What tests ask for when they need a server.
SERVERS = {"mlflow_client", "client", "mlflow_client_with_secrets", "artifacts_server", "cli_env"}
# Modules that log wherever they are told to: they are told to log to a hub.
FLUENT = ("test_tracking.py", "test_log_image.py", "test_log_figure.py")


def copy_of(uri: str) -> str:
    """Where the files of an address are, for tests that look at them: a copy."""
    scheme, colon, path = uri.partition(":")
    return mlflow.artifacts.download_artifacts(scheme + colon + posixpath.normpath(path))


def record(line: dict[str, str]) -> None:
    with RESULTS.open("a") as results:
        results.write(json.dumps(line) + "\n")


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/version")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Hub:
    """A hub with an empty data directory, as long as the block lasts."""

    def __init__(self, app: object, port: int):
        self.port = port
        self.url = f"http://{HOST}:{port}"

    def __enter__(self) -> str:
        self.folder = Path(tempfile.mkdtemp(prefix="mlhub-conformance-"))
        command = [BINARY, "serve", "--data-dir", str(self.folder / "data")]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "log").read_text()
                self.__exit__()
                raise RuntimeError(f"the hub does not answer: {said}")
            time.sleep(0.02)
        # Some call the command line beside it, which has to find the same server.
        mlflow.set_tracking_uri(self.url)
        return self.url

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def init_server(*_: object, **__: object) -> Iterator[str]:
    from tests.helper_functions import get_safe_port

    with Hub(None, get_safe_port()) as url:
        yield url


@contextlib.contextmanager
def launch_server(_host: str, port: int, *_: object) -> Iterator[subprocess.Popen]:
    hub = Hub(None, port)
    with hub:
        yield hub.process


def pytest_sessionstart() -> None:
    """Before any module of tests is read, so that they import what is put in place here."""
    import mlflow.server.handlers
    import mlflow.utils.providers
    import tests.tracking.integration_test_utils as utils

    # Its tests may be of another release: what that has and this has not is of no use here.
    if not hasattr(mlflow.utils.providers, "_PROVIDER_BACKEND_AVAILABLE"):
        mlflow.utils.providers._PROVIDER_BACKEND_AVAILABLE = False
    if not BINARY:
        return
    mlflow.server.handlers.initialize_backend_stores = lambda *_, **__: None
    utils.ServerThread = Hub
    utils._init_server = init_server


@contextlib.contextmanager
def mlflow_server(folder: Path, database: str) -> Iterator[None]:
    """MLflow's own server, as the fixtures of its tests start it."""
    from mlflow.server import handlers
    from mlflow.server.fastapi_app import app
    from tests.helper_functions import get_safe_port
    from tests.tracking.integration_test_utils import ServerThread

    handlers._tracking_store = handlers._model_registry_store = None
    handlers.initialize_backend_stores(database, default_artifact_root=folder.as_uri())
    with ServerThread(app, get_safe_port()) as url:
        mlflow.set_tracking_uri(url)
        yield


@pytest.fixture
def fluent_server(tmp_path: Path, db_uri: str) -> Iterator[None]:
    from mlflow.tracking._tracking_service.utils import _use_tracking_uri

    server = init_server() if BINARY else mlflow_server(tmp_path / "artifacts", db_uri)
    with _use_tracking_uri(None), server:
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept = []
    for item in items:
        module = item.module
        if BINARY and hasattr(module, "_launch_server"):
            module._launch_server = launch_server
        fluent = item.path.name in FLUENT
        if fluent:
            item.fixturenames.append("fluent_server")
            if BINARY:
                module.local_file_uri_to_path = copy_of
        calls = getattr(item, "callspec", None)
        of_files = calls is not None and "file" in calls.params.values()
        if not (fluent or SERVERS & set(item.fixturenames)) or of_files:
            continue
        if why := never(item.name.split("[")[0]):
            record({"test": item.nodeid, "outcome": "never", "when": "call", "why": why})
        else:
            kept.append(item)
    left_out = [item for item in items if item not in kept]
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" and report.passed:
        return
    why = ""
    if report.skipped and isinstance(report.longrepr, tuple):
        why = report.longrepr[2]
    elif report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message if crash else str(report.longrepr)
    line = {
        "test": report.nodeid,
        "outcome": report.outcome,
        "when": report.when,
        "why": why[:2000],
    }
    record(line)
