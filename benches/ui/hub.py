"""Fills this hub over its API, and feeds live points; standard library only."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable

HEADERS = {"content-type": "application/json"}
RUNS_PER_CREATION = 100
SEEDS = 5
TIME_FIRST_MS = 1_790_000_000_000
WIDE_STEPS = 20
POINTS_PER_REQUEST = 20_000


class Hub:
    """One hub; connections are of the thread that asks."""

    def __init__(self, url: str):
        self.address = url.removeprefix("http://")
        self.local = threading.local()

    def ask(self, method: str, path: str, body=None) -> dict:
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.address)
        text = None if body is None else json.dumps(body)
        self.local.connection.request(method, f"/api/v1{path}", text, HEADERS if text else {})
        answer = self.local.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {data[:500]!r}")
        return json.loads(data) if data else {}

    def create(self, project: str, params: dict[str, str], runs: list[dict]) -> list[str]:
        body = {
            "project": project, "experiment": project, "params": params, "snapshot": {}, "runs": runs,
        }  # fmt: skip
        return [run["id"] for run in self.ask("POST", "/runs", body)["runs"]]

    def start(self, run: str) -> None:
        self.ask("POST", f"/runs/{run}/attempts/1/start", {"started_at": TIME_FIRST_MS})

    def points(self, run: str, points: list[dict], start: int) -> None:
        batch = {"writer": "w", "start": start, "end": start + 1, "points": points}
        self.ask("POST", f"/runs/{run}/attempts/1/events", batch)

    def finish(self, run: str) -> None:
        end = {"ended_at": TIME_FIRST_MS + 3_600_000, "state": "finished", "exit": {"code": 0}}
        self.ask("POST", f"/runs/{run}/attempts/1/finish", end)

    def curves(
        self,
        project: str,
        count: int,
        names: list[str],
        steps: int,
        value: Callable[[int, int, int], float],
        *,
        end: bool = True,
    ) -> list[str]:
        """Runs in seed groups with a curve of every name."""
        made = []
        for first in range(0, count, SEEDS):
            seeds = [
                {"name": f"run-{r}", "seed": r} for r in range(first, min(first + SEEDS, count))
            ]
            made += self.create(project, {"group": str(first // SEEDS)}, seeds)
        for r, run in enumerate(made):
            self.start(run)
            points = [
                {
                    "name": name,
                    "step": s,
                    "time_ms": TIME_FIRST_MS + s * 1000,
                    "value": value(r, m, s),
                }
                for m, name in enumerate(names)
                for s in range(steps)
            ]
            self.points(run, points, 0)
            if end:
                self.finish(run)
        return made

    def wide(self, project: str, metrics: int) -> str:
        """A run with many metrics, few points each."""
        (run,) = self.create(project, {}, [{"name": "wide"}])
        self.start(run)
        per = max(1, POINTS_PER_REQUEST // WIDE_STEPS)
        for at, first in enumerate(range(0, metrics, per)):
            points = [
                {
                    "name": f"layer_{m // 100}/metric_{m}", "step": s,
                    "time_ms": TIME_FIRST_MS + s * 1000, "value": m * 0.01 + s,
                }
                for m in range(first, min(first + per, metrics))
                for s in range(WIDE_STEPS)
            ]  # fmt: skip
            self.points(run, points, at)
        self.finish(run)
        return run

    @staticmethod
    def chunks(rows: int) -> range:
        return range(0, rows, RUNS_PER_CREATION)

    def rows(self, project: str, first: int, rows: int) -> None:
        """Runs of one request from `first` on, with five params and five metrics each."""
        params = {f"p{j}": str((first // RUNS_PER_CREATION * 7 + j) % 10) for j in range(5)}
        count = min(RUNS_PER_CREATION, rows - first)
        for at, run in enumerate(self.create(project, params, [{} for _ in range(count)])):
            points = [
                {
                    "name": f"m{j}", "step": 1, "time_ms": TIME_FIRST_MS,
                    "value": ((first + at) * 2654435761 + j * 40503) % 1_000_003 / 1_000_003,
                }
                for j in range(5)
            ]  # fmt: skip
            self.points(run, points, 0)
