"""Fills one tracker with the data that the browser looks at; runs in that tracker's environment.

    python fill.py PEER FOLDER JSON      JSON: {"runs": .., "metrics": .., "steps": .., "table": .., "wide": ..}

Starts the tracker's server on a free port and prints one line of JSON: its address, process id,
and the pages to open. It makes no figures: curves are made from the seed's number alone and are the
same for every tracker.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

SEEDS = 5
TIME_FIRST_MS = 1_790_000_000_000


def value(run: int, metric: int, step: int) -> float:
    """A falling curve with a ripple; every run and metric has its own."""
    rate = 0.002 * (1 + (run // SEEDS) % 7)
    ripple = math.sin(step * 0.37 + run * 1.7 + metric) * 0.05
    return (1 + metric * 0.1) * math.exp(-rate * step) + ripple + 0.1


def curve_names(count: int) -> list[str]:
    return [f"{'train' if m % 2 else 'val'}/metric_{m:02}" for m in range(count)]


def mlhub(folder: Path, size: dict) -> dict:
    from concurrent.futures import ThreadPoolExecutor

    from peers.mlhub_sdk import start

    from ui import hub

    server = start(folder)
    api = hub.Hub(server["url"])
    runs = api.curves("curves", size["runs"], curve_names(size["metrics"]), size["steps"], value)
    wide = api.wide("wide", size["wide"])
    with ThreadPoolExecutor(4) as pool:
        list(
            pool.map(
                lambda first: api.rows("table", first, size["table"]), api.chunks(size["table"])
            )
        )
    return {**server, "runs": runs, "wide": wide}


def mlflow(folder: Path, size: dict) -> dict:
    import sqlite3

    import mlflow as library
    from mlflow.tracking import MlflowClient
    from peers.mlflow_server import start

    library.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    client = MlflowClient()
    experiment = client.create_experiment("curves")
    names = curve_names(size["metrics"])
    runs = []
    for run in range(size["runs"]):
        made = client.create_run(experiment, run_name=f"run-{run}")
        client.log_param(made.info.run_id, "group", run // SEEDS)
        runs.append(made.info.run_id)
    base = sqlite3.connect(folder / "mlflow.db")
    insert(base, runs, names, size["steps"])
    wide_of = client.create_experiment("wide")
    wide = client.create_run(wide_of, run_name="wide").info.run_id
    insert(base, [wide], [f"layer_{m // 100}/metric_{m}" for m in range(size["wide"])], 20)
    base.close()
    for run in [*runs, wide]:
        client.set_terminated(run)
    server = start(folder)
    return {**server, "runs": runs, "wide": wide, "experiment": experiment, "wide_of": wide_of}


def insert(base, runs: list[str], names: list[str], steps: int) -> None:
    """By SQL: logging through the client would take an hour and changes nothing that is shown."""
    points = (
        (name, value(r, m, step), TIME_FIRST_MS + step * 1000, step, 0, run)
        for r, run in enumerate(runs)
        for m, name in enumerate(names)
        for step in range(steps)
    )
    base.executemany(
        'INSERT INTO metrics ("key", value, timestamp, step, is_nan, run_uuid) VALUES (?,?,?,?,?,?)',
        points,
    )
    last = steps - 1
    latest = (
        (name, value(r, m, last), TIME_FIRST_MS + last * 1000, last, 0, run)
        for r, run in enumerate(runs)
        for m, name in enumerate(names)
    )
    base.executemany(
        'INSERT INTO latest_metrics ("key", value, timestamp, step, is_nan, run_uuid) '
        "VALUES (?,?,?,?,?,?)",
        latest,
    )
    base.commit()


def aim(folder: Path, size: dict) -> dict:
    import subprocess

    from aim import Run
    from peers import serving

    names = curve_names(size["metrics"])
    subprocess.run(
        [Path(sys.executable).parent / "aim", "init", "--skip-if-exists"], cwd=folder, check=True
    )
    quiet = {"system_tracking_interval": None, "capture_terminal_logs": False}
    runs = []
    for r in range(size["runs"]):
        run = Run(repo=str(folder), experiment="curves", log_system_params=False, **quiet)
        for step in range(size["steps"]):
            run.track({name: value(r, m, step) for m, name in enumerate(names)}, step=step)
        runs.append(run.hash)
        run.close()
    port = serving.free_port()
    command = [
        str(Path(sys.executable).parent / "aim"), "up", "--host", "127.0.0.1", "--port", str(port),
        "--repo", str(folder), "--workers", "1",
    ]  # fmt: skip
    server = serving.serve(command, f"http://127.0.0.1:{port}", "/", folder)
    return {**server, "runs": runs}


PEERS = {"mlhub": mlhub, "mlflow": mlflow, "aim": aim}

if __name__ == "__main__":
    found = PEERS[sys.argv[1]](Path(sys.argv[2]), json.loads(sys.argv[3]))
    print(json.dumps(found), flush=True)
