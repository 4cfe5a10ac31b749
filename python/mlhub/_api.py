"""`mlhub.Api`: reads runs, histories, files and logs back from a hub.

Gives plain Python by default, and pandas, polars or Arrow where asked, imported at that
moment. Changes nothing on the hub. Raises MlhubError, unlike what a training calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Union

from ._http import Hub, find_hub, part
from ._problems import MlhubError

__all__ = ["Api", "Downloaded", "RunInfo", "Runs"]

PAGE_ROWS = 1000
POINTS_MAX = 100_000
"""Points of one series in one answer of the hub."""
PIECE_BYTES = 1 << 20
FORMATS = ("list", "pandas", "polars", "arrow")
COLUMNS = ("run", "metric", "step", "time_ms", "value")
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
STEP_MIN, STEP_MAX = -(2**63), 2**63 - 1

PathLike = Union[str, "os.PathLike[str]"]


class Downloaded(NamedTuple):
    """A file that was fetched."""

    path: Path
    artifact: str
    """Its path in the run."""
    hash: str
    """BLAKE3 of its content, hex, as the hub says."""
    size_bytes: int


def number(value: Any) -> Any:
    """A number of the hub's JSON, whose non-finite ones are texts."""
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


class Api:
    """A hub to read from: that of `url`, or of the data directory `data_dir`.

    Without both: MLHUB_URL, else MLHUB_DATA_DIR, else `~/.mlhub`. Where no hub serves a
    data directory, one is started and ended with this object. `token` is for hubs
    that ask for one, else MLHUB_TOKEN.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        data_dir: PathLike | None = None,
    ) -> None:
        self._hub: Hub = find_hub(url=url, token=token, folder=data_dir)

    @property
    def url(self) -> str:
        """Where the hub is."""
        return self._hub.url

    def projects(self) -> list[dict[str, Any]]:
        """All projects, last active first."""
        found: list[dict[str, Any]] = self._hub.json("GET", "/api/v1/projects")["projects"]
        return found

    def run(self, run_id: str) -> RunInfo:
        """One run by its id or a unique beginning of it."""
        return RunInfo(self._hub, self._hub.json("GET", f"/api/v1/runs/{part(run_id)}"))

    def runs(
        self,
        query: str | None = None,
        *,
        project: str | None = None,
        experiment: str | None = None,
        state: str | Sequence[str] | None = None,
        group: str | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Runs:
        """Runs that match a query such as `metrics.acc > 0.9 and params.lr = 0.01`.

        `order` names what to sort by, such as `metrics.acc desc, created`. Pages
        are fetched as they are needed; `limit` is the number of runs at most.
        """
        if limit is not None and limit < 1:
            raise ValueError("limit must be at least 1")
        states = state if state is None or isinstance(state, str) else ",".join(state)
        asked = {
            "query": query,
            "project": project,
            "experiment": experiment,
            "state": states,
            "group": group,
            "order": order,
        }
        return Runs(self._hub, asked, limit)

    def history(
        self,
        runs: Sequence[str | RunInfo],
        metrics: Sequence[str],
        *,
        samples: int | None = None,
        from_step: int | None = None,
        to_step: int | None = None,
        format: str = "list",
    ) -> Any:
        """Points of several runs and metrics, one row each.

        Columns: run, metric, step, time_ms (since the epoch), value. All points, or about
        `samples` per series, among them every spike. `format` is `list` (of dicts),
        `pandas`, `polars` or `arrow`.
        """
        known = [run.id if isinstance(run, RunInfo) else str(run) for run in runs]
        columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        for series in self._series(known, list(metrics), samples, from_step, to_step):
            size = len(series["steps"])
            columns["run"] += [series["run"]] * size
            columns["metric"] += [series["metric"]] * size
            columns["step"] += series["steps"]
            columns["time_ms"] += series["times_ms"]
            columns["value"] += [number(value) for value in series["values"]]
        return frame(columns, format)

    def _series(
        self,
        runs: list[str],
        metrics: list[str],
        samples: int | None,
        from_step: int | None,
        to_step: int | None,
    ) -> Iterator[dict[str, Any]]:
        if not runs or not metrics:
            return
        if samples is not None and not 2 <= samples <= POINTS_MAX:
            raise ValueError(f"samples must be 2 to {POINTS_MAX}")
        body = {
            "runs": runs,
            "metrics": metrics,
            "from_step": from_step,
            "to_step": to_step,
            "max_points": samples or POINTS_MAX,
        }
        body = {key: value for key, value in body.items() if value is not None}
        for series in self._hub.json("POST", "/api/v1/series/query", body=body)["series"]:
            if samples is not None or series["exact"]:
                yield series
                continue
            # Too many for one answer: the two halves of its steps.
            steps = series["steps"]
            low = min(steps) if from_step is None else max(from_step, min(steps))
            high = max(steps) if to_step is None else min(to_step, max(steps))
            if low == high:
                raise MlhubError(
                    f"`{series['metric']}` has more than {POINTS_MAX} points at step {low}"
                )
            middle = (low + high) // 2
            one, name = [series["run"]], [series["metric"]]
            yield from self._series(one, name, None, low, middle)
            yield from self._series(one, name, None, middle + 1, high)

    def close(self) -> None:
        """End the hub, if it was started here."""
        self._hub.close()

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Runs:
    """Runs that match, fetched page by page as they are looked at."""

    def __init__(self, hub: Hub, asked: dict[str, Any], limit: int | None) -> None:
        self._hub = hub
        self._asked = asked
        self._limit = limit

    def __iter__(self) -> Iterator[RunInfo]:
        left = self._limit
        cursor: str | None = None
        while left is None or left > 0:
            rows = PAGE_ROWS if left is None else min(PAGE_ROWS, left)
            query = {**self._asked, "limit": rows, "cursor": cursor}
            page = self._hub.json("GET", "/api/v1/runs", query=query)
            for facts in page["runs"]:
                yield RunInfo(self._hub, facts)
            if left is not None:
                left -= len(page["runs"])
            cursor = page.get("next_cursor")
            if not cursor or not page["runs"]:
                return

    def to_frame(self, format: str = "pandas") -> Any:
        """One row per run: what it is, `params.*`, `tags.*` and `metrics.*` (the last values)."""
        rows = [run.row() for run in self]
        names = list(dict.fromkeys(name for row in rows for name in row))
        return frame({name: [row.get(name) for row in rows] for name in names}, format)


class RunInfo:
    """A run on the hub. `id`, `name`, `project`, `state`, ... and what it logged."""

    def __init__(self, hub: Hub, facts: dict[str, Any]) -> None:
        self._hub = hub
        self.facts = facts
        """Everything the hub says of it."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(f"the run has no `{name}`") from None

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.facts["id"])

    @property
    def params(self) -> dict[str, str]:
        """Its params, flat, as the hub keeps them."""
        return dict(self._detail().get("params") or {})

    @property
    def config(self) -> Any:
        """Its whole config, nested."""
        return (self._detail().get("snapshot") or {}).get("config")

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return dict(self._detail().get("tags") or {})

    def _detail(self) -> dict[str, Any]:
        if "snapshot" not in self.facts:
            self.facts = {**self.facts, **self._hub.json("GET", self._path())}
        return self.facts

    def refresh(self) -> RunInfo:
        """Ask the hub again; returns itself."""
        self.facts = self._hub.json("GET", self._path())
        return self

    def _path(self, *more: str) -> str:
        return "/".join(["/api/v1/runs", part(self.id), *more])

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Each metric's count, last, min, max and last_step, by name."""
        found = self._hub.json("GET", self._path("metrics"))["metrics"]
        return {
            facts["name"]: {key: number(value) for key, value in facts.items() if key != "name"}
            for facts in found
        }

    def summary(self) -> dict[str, Any]:
        """The last value of each metric, and what was put into `run.summary`."""
        found = {name: facts["last"] for name, facts in self.metrics().items()}
        for key, value in self.tags.items():
            if key.startswith("summary/"):
                found[key] = value
        return found

    def history(
        self,
        metrics: Sequence[str] | None = None,
        *,
        samples: int | None = None,
        from_step: int | None = None,
        to_step: int | None = None,
        format: str = "list",
    ) -> Any:
        """Points of its metrics (all of them unless named); see `Api.history`."""
        names = list(self.metrics()) if metrics is None else list(metrics)
        api = Api.__new__(Api)
        api._hub = self._hub
        return api.history(
            [self.id],
            names,
            samples=samples,
            from_step=from_step,
            to_step=to_step,
            format=format,
        )

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Media, histograms, alerts, warnings and other records, oldest first."""
        query = {"kind": kind, "limit": PAGE_ROWS}
        found: list[dict[str, Any]] = self._hub.json("GET", self._path("records"), query=query)[
            "records"
        ]
        return found

    def logs(self, stream: str = "stdout") -> str:
        """What the program printed: `stdout` or `stderr`."""
        pieces: list[bytes] = []
        offset = 0
        while True:
            query = {"offset": offset}
            with self._hub.open("GET", self._path("logs", part(stream)), query=query) as answer:
                piece = answer.read()
            if not piece:
                return b"".join(pieces).decode("utf-8", "replace")
            pieces.append(piece)
            offset += len(piece)

    def artifacts(self) -> list[dict[str, Any]]:
        """Path, hash (BLAKE3), size_bytes and kind of each stored file."""
        found: list[dict[str, Any]] = self._hub.json("GET", self._path("artifacts"))["artifacts"]
        return found

    def download(self, path: str | None = None, *, into: PathLike = ".") -> list[Downloaded]:
        """Fetch a file, all files of a folder, or everything, below `into`.

        Each file appears whole or not at all. Raises MlhubError when there is no such path.
        """
        folder = Path(into)
        chosen = [
            facts
            for facts in self.artifacts()
            if path is None
            or facts["path"] == path
            or facts["path"].startswith(path.rstrip("/") + "/")
        ]
        if not chosen:
            raise MlhubError(f"the run {self.id} has no artifact `{path or ''}`")
        return [self._fetch(facts, folder) for facts in chosen]

    def _fetch(self, facts: dict[str, Any], folder: Path) -> Downloaded:
        name = facts["path"]
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or any(one in ("", ".", "..") for one in parts):
            raise MlhubError(f"the artifact path `{name}` is not safe")
        place = folder.joinpath(*parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        if folder.resolve() not in (place.parent.resolve(), *place.parent.resolve().parents):
            raise MlhubError(f"a link in {folder} leads `{name}` out of it")
        making = place.with_name(f".{place.name[:100]}.{os.getpid()}.part")
        size = 0
        try:
            query = {"path": name}
            with (
                self._hub.open(
                    "GET", self._path("artifacts", "content"), query=query, accept="*/*"
                ) as answer,
                open(making, "wb") as file,
            ):
                while True:
                    piece = answer.read(PIECE_BYTES)
                    if not piece:
                        break
                    size += len(piece)
                    file.write(piece)
            if size != facts["size_bytes"]:
                raise MlhubError(f"`{name}` came with {size} of {facts['size_bytes']} bytes")
            os.replace(making, place)
        finally:
            making.unlink(missing_ok=True)
        return Downloaded(place, name, facts["hash"], size)

    def row(self) -> dict[str, Any]:
        """One flat row: what it is, `params.*`, `tags.*`, `metrics.*`."""
        names = ("id", "name", "project", "experiment", "state", "group", "seed", "created_at")
        row = {name: self.facts.get(name) for name in names}
        row.update({f"params.{key}": value for key, value in self.params.items()})
        row.update({f"tags.{key}": value for key, value in self.tags.items()})
        row.update({f"metrics.{key}": facts["last"] for key, facts in self.metrics().items()})
        return row

    def __repr__(self) -> str:
        return f"<mlhub.RunInfo {self.id} {self.facts.get('state')}>"


def frame(columns: dict[str, list[Any]], format: str) -> Any:
    """Columns in the form asked for. Raises ValueError, or ImportError when it is missing."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got `{format}`")
    if format == "list":
        return [dict(zip(columns, values)) for values in zip(*columns.values())]
    if format == "pandas":
        import pandas

        return pandas.DataFrame(columns)
    if format == "polars":
        import polars

        return polars.DataFrame(columns, strict=False)
    import pyarrow

    return pyarrow.table(columns)
