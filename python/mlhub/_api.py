"""`mlhub.Api`: reads runs, histories, files and logs back from a hub.

Gives plain Python by default, and pandas, polars or Arrow where asked, imported at that
moment. Changes nothing on the hub. Raises MlhubError, unlike what a training calls.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Union

from . import _history
from ._artifacts import MANIFEST
from ._frames import check_format, frame_of_rows, number
from ._http import Hub, find_hub, part
from ._native import hash_file
from ._problems import MlhubError

__all__ = ["Api", "Downloaded", "Groups", "RunInfo", "Runs"]

PAGE_ROWS = 1000
PIECE_BYTES = 1 << 20

PathLike = Union[str, "os.PathLike[str]"]


class Downloaded(NamedTuple):
    """A file that was fetched."""

    path: Path
    artifact: str
    """Its path in the run."""
    hash: str
    """BLAKE3 of its content, hex, as the hub says."""
    size_bytes: int


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

        `order` names what to sort by, such as `metrics.acc desc, created`; newest first
        without it. Pages are fetched as they are needed; `limit` is the number of runs at
        most.
        """
        check_limit(limit)
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
        runs: Iterable[str | RunInfo],
        metrics: Sequence[str] | None = None,
        *,
        samples: int | None = None,
        from_step: int | None = None,
        to_step: int | None = None,
        format: str = "list",
    ) -> Any:
        """Points of several runs and metrics in one table, a row each.

        `runs` are ids or what `runs()` gave; `metrics` names, where `*` is any text, or all
        of them. Columns: run, metric, step, time_ms (since the epoch), value. All points, or
        about `samples` per series, among them every spike. `format` is `list` (of dicts),
        `pandas`, `polars` or `arrow`.
        """
        known = [run.id if isinstance(run, RunInfo) else str(run) for run in runs]
        check_format(format)
        window = {"from": from_step, "to": to_step}
        names = None if metrics is None else list(metrics)
        if samples is None:
            return _history.whole(self._hub, known, names, window, format)
        return _history.sampled(self._hub, known, names, window, samples, format)

    def groups(
        self,
        query: str | None = None,
        *,
        by: str | Sequence[str],
        metrics: str | Sequence[str] = (),
        project: str | None = None,
        experiment: str | None = None,
        state: str | Sequence[str] | None = None,
        order: str | None = None,
        limit: int | None = None,
    ) -> Groups:
        """Runs that agree in something, as one: mean, std, min, max, count over seeds.

        `by` names what they agree in, such as `params.lr`; `metrics` what is summarised,
        such as `metrics.acc` or `max(metrics.acc)`. `order` is
        `runs`, one of `by`, or one of `metrics` (by its mean), with `desc` after it.
        """
        texts = [by] if isinstance(by, str) else list(by)
        if not texts:
            raise ValueError("by names nothing to group by, such as `params.lr`")
        check_limit(limit)
        states = [state] if isinstance(state, str) else list(state or [])
        asked = {
            "query": query or "",
            "project": project,
            "experiment": experiment,
            "states": states,
            "group_by": texts,
            "summarise": [metrics] if isinstance(metrics, str) else list(metrics),
            "order": [order] if order is not None else [],
        }
        return Groups(self._hub, asked, limit)

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

    def count(self) -> int:
        """How many match in all, without fetching them."""
        page = self._hub.json("GET", "/api/v1/runs", query={**self._asked, "limit": 1})
        return int(page["total"])

    def to_frame(self, format: str = "pandas") -> Any:
        """One row per run: what it is, `params.*`, `tags.*` and `metrics.*` (the last values)."""
        return frame_of_rows([run.row() for run in self], format)


class Groups:
    """Groups of runs, fetched page by page as they are looked at.

    Each is a dict: what is grouped by; `runs`, how many; `query`, which finds them; and
    for each thing summarised `<name>.mean`, `.std` (of the sample), `.min`, `.max` and
    `.count`.
    """

    def __init__(self, hub: Hub, asked: dict[str, Any], limit: int | None) -> None:
        self._hub = hub
        self._asked = asked
        self._limit = limit

    def __iter__(self) -> Iterator[dict[str, Any]]:
        left = self._limit
        cursor: str | None = None
        while left is None or left > 0:
            rows = PAGE_ROWS if left is None else min(PAGE_ROWS, left)
            body = {**self._asked, "limit": rows, "cursor": cursor}
            page = self._hub.json("POST", "/api/v1/runs/search", body=body)
            for facts in page["groups"]:
                yield self._row(facts)
            if left is not None:
                left -= len(page["groups"])
            cursor = page.get("next_cursor")
            if not cursor or not page["groups"]:
                return

    def _row(self, facts: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = {key: facts["keys"].get(key) for key in self._asked["group_by"]}
        row["runs"] = facts["runs"]
        for name in self._asked["summarise"]:
            found = facts["statistics"].get(name) or {}
            for key in ("mean", "std", "min", "max", "count"):
                row[f"{name}.{key}"] = number(found.get(key))
        row["query"] = facts["query"]
        return row

    def to_frame(self, format: str = "pandas") -> Any:
        """One row per group."""
        return frame_of_rows(list(self), format)


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
        facts = self.facts if "params" in self.facts else self._detail()
        return dict(facts.get("params") or {})

    @property
    def config(self) -> Any:
        """Its whole config, nested."""
        return (self._detail().get("snapshot") or {}).get("config")

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        facts = self.facts if "tags" in self.facts else self._detail()
        return dict(facts.get("tags") or {})

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
        check_format(format)
        window = {"from": from_step, "to": to_step}
        names = None if metrics is None else list(metrics)
        if samples is None:
            return _history.whole(self._hub, [self.id], names, window, format)
        return _history.sampled(self._hub, [self.id], names, window, samples, format)

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Media, histograms, alerts, warnings and other records, oldest first.

        The newest 1000 at most; with `kind`, those of that kind. The hub gives no more.
        """
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

    def inputs(self) -> list[dict[str, Any]]:
        """What it used: source_run, source_path, hash, name and used_at of each artifact."""
        found: list[dict[str, Any]] = self._hub.json("GET", self._path("inputs"))["inputs"]
        return found

    def users(self, path: str) -> list[dict[str, Any]]:
        """Which runs used an artifact of this one, newest first."""
        query = {"path": path}
        found: list[dict[str, Any]] = self._hub.json(
            "GET", self._path("artifacts", "users"), query=query
        )["inputs"]
        return found

    def download(
        self,
        path: str | None = None,
        *,
        into: PathLike = ".",
    ) -> list[Downloaded]:
        """Fetch a file, all files of a folder, or everything, below `into`.

        Each file appears whole, with the hash the hub names, or not at all. Raises
        MlhubError when there is no such path.
        """
        chosen = [
            facts
            for facts in self.artifacts()
            if path is None
            or facts["path"] == path
            or (
                facts["path"].startswith(path.rstrip("/") + "/")
                and not facts["path"].endswith(f"/{MANIFEST}")
            )
        ]
        if not chosen:
            raise MlhubError(f"the run {self.id} has no artifact `{path or ''}`")
        url = self._path("artifacts", "content")
        return [
            fetch(self._hub, url, {"path": facts["path"]}, facts, Path(into)) for facts in chosen
        ]

    def row(self) -> dict[str, Any]:
        """One flat row: what it is, `params.*`, `tags.*`, `metrics.*`."""
        names = ("id", "name", "project", "experiment", "state", "group", "seed", "created_at")
        row = {name: self.facts.get(name) for name in names}
        row.update({f"params.{key}": value for key, value in self.params.items()})
        row.update({f"tags.{key}": value for key, value in self.tags.items()})
        last = self.facts.get("metrics")
        if not isinstance(last, dict):
            last = {key: facts["last"] for key, facts in self.metrics().items()}
        row.update({f"metrics.{key}": number(value) for key, value in last.items()})
        return row

    def __repr__(self) -> str:
        return f"<mlhub.RunInfo {self.id} {self.facts.get('state')}>"


def fetch(
    hub: Hub, url: str, query: dict[str, Any], facts: dict[str, Any], folder: Path
) -> Downloaded:
    """Fetch a file whose `path`, `size_bytes` and `hash` are known, below `folder`.

    It appears whole or not at all. Raises MlhubError.
    """
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
        with (
            hub.open("GET", url, query=query, accept="*/*") as answer,
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
        if hash_file(str(making)) != facts["hash"]:
            raise MlhubError(f"`{name}` came with other content than the hub names")
        os.replace(making, place)
    finally:
        making.unlink(missing_ok=True)
    return Downloaded(place, name, facts["hash"], size)


def check_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError("limit must be at least 1")
