"""Runs one scenario of one tracker in a process of its own and prints one JSON line.

    python worker.py PEER SCENARIO FOLDER [NUMBER ...]

Nothing is timed here but the tracker's own calls; interpreters, imports and servers are
started before the clock is.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
METRICS_PER_CALL = 10
WARM_UP_CALLS = 50
STOP_SECONDS = 20


def values(step: int, width: int) -> dict[str, float]:
    """A plausible training step: every value differs, none is round."""
    return {
        f"metric_{i}": math.exp(-step / 1000) + math.sin(step * 0.37 + i) * 0.01
        for i in range(width)
    }


def quantile(sorted_values: list[float], q: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(q * len(sorted_values)))]


def log_cost(peer, folder: Path, calls: int) -> dict:
    """Nanoseconds of one call with ten scalars, as the training loop sees it."""
    batches = [values(step, METRICS_PER_CALL) for step in range(calls + WARM_UP_CALLS)]
    run = peer.open(folder, "log")
    took, clock = [], time.perf_counter_ns
    for step, batch in enumerate(batches):
        begun = clock()
        peer.log(run, batch, step)
        took.append(clock() - begun)
    begun = time.perf_counter()
    peer.close(run)
    took = sorted(took[WARM_UP_CALLS:])
    return {
        "p50_us": quantile(took, 0.50) / 1000,
        "p99_us": quantile(took, 0.99) / 1000,
        "mean_us": statistics.fmean(took) / 1000,
        "close_s": time.perf_counter() - begun,
    }


def fill(peer, folder: Path, runs: int, width: int, steps: int) -> dict:
    """Writes runs one after the other; says how long it took until all was stored."""
    batches = [values(step, width) for step in range(steps)]
    begun = time.perf_counter()
    for index in range(runs):
        run = peer.open(folder, f"store-{index}")
        for step, batch in enumerate(batches):
            peer.log(run, batch, step)
        peer.close(run)
    if hasattr(peer, "close_all"):
        peer.close_all()
    return {"seconds": time.perf_counter() - begun}


def store(peer, folder: Path, runs: int, width: int, steps: int) -> dict:
    """Points a second, from the first run's start until the last point is stored."""
    took = answer_of(child("fill", folder, runs, width, steps))["seconds"]
    points = runs * width * steps
    stored = sum(counted(folder, f"store-{index}") for index in {0, runs // 2, runs - 1})
    expected = len({0, runs // 2, runs - 1}) * width * steps
    if stored != expected:
        raise SystemExit(f"{stored} of {expected} points are stored")
    return {"points_per_s": points / took, "seconds": took, "points": points}


def child(scenario: str, folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, __file__, sys.argv[1], scenario, str(folder), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def answer_of(done: subprocess.CompletedProcess[str]) -> dict:
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(done.args)} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.split("RESULT ")[-1].splitlines()[0])


def counted(folder: Path, name: str) -> int:
    """Points of a run, read by another process: what is stored, not what is remembered."""
    return answer_of(child("count", folder, name))["points"]


def count(peer, folder: Path, name: str) -> dict:
    return {"points": peer.count(folder, name)}


def used(folder: Path) -> int:
    """Bytes of disk that the folder takes, logs of servers left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "server.log")
    return sum(path.stat().st_blocks * 512 for path in files)


def killed(peer, folder: Path, calls: int) -> dict:
    """Share of the points that survive SIGKILL right after the last call returned."""
    done = child("victim", folder, calls)
    if done.returncode != -signal.SIGKILL:
        raise SystemExit(f"the victim ended with {done.returncode}: {done.stderr[-2000:]}")
    settle = getattr(peer, "settle", None)
    if settle is not None:
        settle(folder)
    stored = counted(folder, "victim")
    return {"survived_percent": 100 * stored / (calls * METRICS_PER_CALL)}


def victim(peer, folder: Path, calls: int) -> dict:
    run = peer.open(folder, "victim")
    for step in range(calls):
        peer.log(run, values(step, METRICS_PER_CALL), step)
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def read(peer, folder: Path, steps: int) -> dict:
    """Milliseconds to read one series back, whole and as a chart."""
    answer_of(child("prepare", folder, steps))
    answer = {}
    for scenario in ("history", "chart"):
        function = getattr(peer, scenario, None)
        if function is None:
            continue
        took = []
        for _round in range(5):
            begun = time.perf_counter()
            found = function(folder, "read", "loss")
            took.append((time.perf_counter() - begun) * 1000)
        if scenario == "history" and len(found) != steps:
            raise SystemExit(f"{len(found)} of {steps} points came back")
        answer[f"{scenario}_ms"] = statistics.median(took)
    return answer


def prepare(peer, folder: Path, steps: int) -> dict:
    run = peer.open(folder, "read")
    series = [math.sin(step * 0.01) + step * 1e-6 for step in range(steps)]
    if hasattr(peer, "bulk"):
        peer.bulk(run, "loss", series)
    else:
        for step, value in enumerate(series):
            peer.log(run, {"loss": value}, step)
    peer.close(run)
    if hasattr(peer, "close_all"):
        peer.close_all()
    return {}


def table(peer, folder: Path, runs: int, searches: int) -> dict:
    """Milliseconds of one search of the run table: filter, sort, first hundred."""
    search = peer.table(folder, os.environ["BENCH_URL"], runs)
    search()
    took = sorted(search() for _search in range(searches))
    return {"search_ms": statistics.median(took), "search_p95_ms": quantile(took, 0.95)}


def load(
    peer,
    folder: Path,
    connections: int,
    points: int,
    seconds: int,
    requests: int,
    shape: str | None = None,
) -> dict:
    """Requests of many connections at once, made ahead and sent by the load generator."""
    url = os.environ["BENCH_URL"]
    target = peer.load_target(url, connections)
    done = subprocess.run(
        [
            os.environ["BENCH_LOAD"], "--address", url.removeprefix("http://"),
            "--shape", shape or target["shape"], "--runs", ",".join(target["runs"]),
            "--connections", str(connections), "--points", str(points),
            "--seconds", str(seconds), "--requests", str(requests),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"the load generator failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def idle(peer, folder: Path) -> dict:
    """Milliseconds from start to the first answer, and memory of the server doing nothing."""
    return {"start_ms": SERVER["start_ms"], "rss_mb": resident(SERVER["pid"]) / 1e6}


def resident(group: int) -> int:
    """Bytes of resident memory of a process group."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) != group:
                    continue
                text = (entry / "status").read_text()
            except (ProcessLookupError, FileNotFoundError):
                continue
            total += sum(
                int(row.split()[1]) * 1024 for row in text.splitlines() if row.startswith("VmRSS")
            )
    return total


def stop(pid: int) -> None:
    """Ends a server that this process started, with all it started, and waits for that."""
    os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while resident(pid) > 0:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.01)


SERVER: dict = {}


def main() -> None:
    name, scenario, folder, *numbers = sys.argv[1:]
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    peer = importlib.import_module(f"peers.{name}")
    function = SCENARIOS[scenario]
    outer = "BENCH_URL" in os.environ
    server = None
    if not outer and hasattr(peer, "start"):
        server = peer.start(place)
        os.environ["BENCH_URL"] = server["url"]
        SERVER.update(server)
    try:
        answer = function(peer, place, *(int(n) if n.isdigit() else n for n in numbers))
    finally:
        if server is not None:
            stop(server["pid"])
    if scenario == "store":
        # Of the stopped tracker, and of what it keeps: not the copy a client spools.
        kept = getattr(peer, "kept", lambda folder: folder)(place)
        answer["bytes_per_point"] = used(kept) / answer["points"]
    print("\nRESULT " + json.dumps(answer))


SCENARIOS = {
    "log": log_cost,
    "store": store,
    "fill": fill,
    "killed": killed,
    "read": read,
    "count": count,
    "prepare": prepare,
    "victim": victim,
    "table": table,
    "load": load,
    "idle": idle,
}

if __name__ == "__main__":
    main()
