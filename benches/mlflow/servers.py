"""The servers that are measured: this hub, MLflow's own with SQLite and with PostgreSQL, and
FastTrackML. Each is started on a free port of 127.0.0.1 with empty data."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peers import mlflow_tables, serving
from ui.hub import Hub

ROOT = Path(__file__).resolve().parent.parent.parent
# Packages that only a measured server needs, each in a folder of its own.
PACKAGES = ROOT / "target" / "bench" / "packages"
PSYCOPG, FASTTRACKML = "psycopg2-binary==2.9.13", "fasttrackml==0.6.0"
API = "/api/2.0/mlflow"
FILLERS = 8
PROJECT = "table"


def binary(name: str) -> Path:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / os.environ.get("BENCH_PROFILE", "release") / name


def mlflow_python() -> Path:
    folder = Path(os.environ.get("MLHUB_TEST_MLFLOW") or ROOT / "target/venv-mlflow")
    return folder / "bin" / "python"


def package(requirement: str, *options: str) -> Path:
    """The folder with a package of the Python index, fetched if it is not there."""
    folder = PACKAGES / requirement
    if not folder.exists():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(part)]
        subprocess.run([*pip, *options, requirement], check=True)
        part.rename(folder)
    return folder


class Server:
    """One that is measured, with an experiment of its own to log to."""

    name: str
    title: str
    # Requests of a connection that are made ahead, of batches and of single metrics: what it
    # answers in the time at most, so that they need not run out.
    ahead: tuple[int, int]

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        port = serving.free_port()
        command = self.command(port)
        self.process = serving.serve(command, f"http://127.0.0.1:{port}", "/health", folder)
        self.url = self.process["url"]
        self.experiment = self.post("experiments/create", {"name": "load"})["experiment_id"]

    def command(self, port: int) -> list[str]:
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def fill(self, first: int, runs: int) -> str:
        """Runs with five params and five metrics each; returns their experiment."""
        raise NotImplementedError

    def stop(self) -> None:
        os.killpg(self.process["pid"], 15)

    def post(self, path: str, body: dict) -> dict:
        return self.timed(path, body)[0]

    def timed(self, path: str, body: dict) -> tuple[dict, float]:
        """The answer, and milliseconds until it was read."""
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=600)
        text = json.dumps(body)
        connection.connect()
        begun = time.perf_counter()
        connection.request("POST", f"{API}/{path}", text, {"content-type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        took = (time.perf_counter() - begun) * 1000
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{self.name}: {path}: {answer.status} {data[:500]!r}")
        return json.loads(data), took

    def runs(self, count: int) -> list[str]:
        made = [
            self.post("runs/create", {"experiment_id": self.experiment}) for _run in range(count)
        ]
        return [one["run"]["info"]["run_id"] for one in made]

    def load(self, shape: str, connections: int, points: int, seconds: int, ahead: int) -> dict:
        """Requests of many connections at once, each to a run of its own."""
        done = subprocess.run(
            [
                str(binary("mlhub-load")), "--address", self.url.removeprefix("http://"),
                "--shape", shape, "--runs", ",".join(self.runs(connections)),
                "--connections", str(connections), "--points", str(points),
                "--seconds", str(seconds), "--requests", str(ahead),
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"the load generator failed: {done.stderr[-2000:]}")
        return json.loads(done.stdout)


class MlHub(Server):
    name, title, ahead = "hub", "mlhub", (1500, 20_000)

    def command(self, port: int) -> list[str]:
        data = str(self.folder / "hub")
        return [str(binary("mlhub")), "serve", "--data-dir", data, "--port", str(port)]

    def version(self) -> str:
        return ""

    def fill(self, first: int, runs: int) -> str:
        hub = Hub(self.url)
        with ThreadPoolExecutor(FILLERS) as pool:
            list(pool.map(lambda at: hub.rows(PROJECT, at, runs), range(first, runs, 100)))
        found = self.post("experiments/search", {"filter": f"name = '{PROJECT}/{PROJECT}'"})
        return found["experiments"][0]["experiment_id"]


class Mlflow(Server):
    name, title, ahead = "mlflow", "MLflow, SQLite", (200, 4000)

    def command(self, port: int) -> list[str]:
        command = [str(mlflow_python()), "-m", "mlflow", "server", "--host", "127.0.0.1"]
        return [*command, "--port", str(port), "--backend-store-uri", self.backend()]

    def backend(self) -> str:
        return f"sqlite:///{self.folder}/mlflow.db"

    def version(self) -> str:
        code = "import mlflow; print(mlflow.__version__)"
        python = [mlflow_python(), "-c", code]
        return subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip()

    def fill(self, first: int, runs: int) -> str:
        base = mlflow_tables.Sqlite(self.folder / "mlflow.db")
        return mlflow_tables.fill(base, runs, fasttrackml=False)


class MlflowPostgres(Mlflow):
    """The same with PostgreSQL, in a cluster of its own, as it is set up by itself."""

    name, title = "mlflow-postgres", "MLflow, PostgreSQL"

    def __init__(self, folder: Path):
        self.cluster = Cluster(folder.with_name(f"{folder.name}-data"))
        # The server finds the driver there, and so does this process.
        driver = str(package(PSYCOPG))
        os.environ["PYTHONPATH"] = driver
        sys.path.insert(0, driver)
        try:
            super().__init__(folder)
        except BaseException:
            self.cluster.stop()
            raise
        finally:
            del os.environ["PYTHONPATH"]

    def backend(self) -> str:
        return f"postgresql+psycopg2://{self.cluster.address}"

    def fill(self, first: int, runs: int) -> str:
        base = Postgres(f"postgresql://{self.cluster.address}")
        return mlflow_tables.fill(base, runs, fasttrackml=False)

    def stop(self) -> None:
        super().stop()
        self.cluster.stop()


class FastTrackMl(Server):
    name, title, ahead = "fasttrackml", "FastTrackML, SQLite", (200, 4000)

    def command(self, port: int) -> list[str]:
        return [
            str(package(FASTTRACKML, "--no-deps") / "bin" / "fml"), "server", "--log-level", "error",
            "--listen-address", f"127.0.0.1:{port}",
            "--database-uri", f"sqlite://{self.folder}/fasttrackml.db",
            "--default-artifact-root", f"{self.folder}/artifacts",
        ]  # fmt: skip

    def version(self) -> str:
        return FASTTRACKML.rpartition("=")[2]

    def fill(self, first: int, runs: int) -> str:
        base = mlflow_tables.Sqlite(self.folder / "fasttrackml.db")
        return mlflow_tables.fill(base, runs, fasttrackml=True)


class Cluster:
    """A PostgreSQL server that listens on a socket in its folder only."""

    def __init__(self, folder: Path):
        self.folder, self.address = folder, f"bench@/postgres?host={folder}"
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        found = shutil.which("initdb") or (versions and str(versions[-1]))
        if not found:
            raise SystemExit("PostgreSQL is missing (Debian: apt-get install postgresql)")
        self.programs = Path(found).resolve().parent
        folder.mkdir(parents=True)
        # The server refuses to run as root.
        self.user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
        if self.user:
            shutil.chown(folder, "nobody")
        self.run("initdb", "-U", "bench", "-A", "trust", "-E", "UTF8", "-D", "data")
        options = f"-k {folder} -c listen_addresses=''"
        self.run("pg_ctl", "start", "-w", "-D", "data", "-l", "log", "-o", options)

    def run(self, program: str, *arguments: str) -> None:
        command = [*self.user, str(self.programs / program), *arguments]
        # What it starts inherits no pipe, which would stay open.
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        self.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", "data")


class Postgres:
    """The database of a server, for a moment."""

    def __init__(self, url: str):
        import psycopg2

        self.base = psycopg2.connect(url)
        self.cursor = self.base.cursor()

    def columns(self, table: str) -> list[str]:
        self.cursor.execute(f"SELECT * FROM {table} LIMIT 0")
        return [column.name for column in self.cursor.description]

    def insert(self, table: str, columns: str, rows: Iterable[tuple]) -> None:
        from psycopg2.extras import execute_values

        statement = f"INSERT INTO {table} ({columns}) VALUES %s"
        execute_values(self.cursor, statement, rows, page_size=1000)

    def close(self) -> None:
        self.base.commit()
        self.base.close()
