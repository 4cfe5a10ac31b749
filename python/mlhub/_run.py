"""The run: what `mlhub.init` returns and training code talks to.

It writes events and files into the run directory and returns; shipping is the
forwarder's. What fails here is told once and counted, and never raised into the
training unless the run is strict. Reading runs back is `mlhub.Api`.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from . import _children, _ending, _place
from ._config import Config, Summary
from ._console import Console
from ._ending import Ending
from ._files import VERSION, read_json, write_json
from ._keeping import Keeping, describe_error, guarded
from ._native import Recorder, tell_exit
from ._place import Place, Ranks
from ._problems import MlhubError, Problems, WrongValue, say
from ._values import clip, flatten, number_of, to_json, to_jsonable, type_name

__all__ = ["Run"]

LEVELS = ("info", "warning", "error")
RECORD_MAX_BYTES = 60_000
"""Bytes in the body of one record; the hub takes 64 KiB."""
CAPTURE_WAIT_SECONDS = 10.0
"""How long the end waits for what is still being found out about code and machine."""
SHIPPED_POLL_SECONDS = 0.1
INTERRUPT = 2
"""The number of SIGINT: what Ctrl-C sends."""
FAILED = 1
"""Exit code of a run whose `with` block raised."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Run(Recorder, Keeping):
    """One execution: metrics over steps, config, files, and how it ended.

    Made by `mlhub.init()`. All methods may be called from any thread and from forked
    children. `id`, `name`, `project`, `mode`, `path` (the run directory) and `url` say
    what it is; `config` and `summary` are dictionaries.
    """

    def __init__(
        self,
        *,
        run_id: str,
        project: str,
        name: str | None,
        mode: str,
        place: Place | None,
        ranks: Ranks,
        problems: Problems,
        config: Mapping[str, Any],
        console: str = "off",
        writer: Any = None,
    ) -> None:
        self.id = run_id
        self.project = project
        self.name = name or run_id
        self.mode = mode
        self.path: Path | None = place.path if place is not None else None
        self._place = place
        self._ranks = ranks
        self._problems = problems
        self._pid = os.getpid()
        self._writer = writer
        if writer is not None:
            self._attach(writer)
        self._ended = False
        self._ending_now: Ending | None = None
        self._ending_lock = threading.RLock()
        self._started_at_ms = now_ms()
        self._media = itertools.count(1)
        self._capture: Any = None
        self.config = Config(
            config, told=self._tell_params, changed=self._tell_changed, trouble=self._trouble
        )
        self.summary = Summary(self._tell_summary, self._trouble)
        self._console: Console | None = None
        if place is not None and console != "off" and place.owner:
            self._console = Console(place.path, console, self._console_trouble)

    # --- metrics ------------------------------------------------------------

    # `log` itself is the native module's (`Recorder.log`): no frame of Python is in the
    # way of a training. It calls these two where there is more to do.

    def _log_refused(self, error: Exception, metrics: Any, step: Any, time_ms: Any) -> None:
        """What raised: a step that is no integer, something that is no mapping."""
        number, moment = number_of(step), number_of(time_ms)
        whole = step is None or (number is not None and number.is_integer())
        timed = time_ms is None or (moment is not None and math.isfinite(moment))
        plain = {type(step), type(time_ms)} <= {int, type(None)}
        if isinstance(metrics, Mapping) and whole and timed and not plain:
            # A step of a tensor, or 3.0; a time with parts of a millisecond.
            step = None if number is None else int(number)
            self.log(metrics, step=step, time_ms=None if moment is None else int(moment))
            return
        if isinstance(error, OverflowError):
            text = "log: the step must fit into 64 bits"
        elif not isinstance(metrics, Mapping):
            text = f"log: takes a mapping of names to values, not {type_name(metrics)}"
        elif not whole:
            text = f"log: step must be a whole number, not {type_name(step)}"
        elif not timed:
            text = f"log: time_ms must be a number, not {type_name(time_ms)}"
        else:
            text = f"log: {describe_error(error)}"
        self._problems.report(f"log:{text[:60]}", text, error=error)

    @guarded
    def _log_rest(
        self,
        step: int,
        rest: Mapping[Any, Any],
        warning: str | None,
        time_ms: int | None = None,
    ) -> None:
        """What the fast path does not take: anything but numbers."""
        if warning:
            self._problems.report(f"writer:{warning[:40]}", warning)
        for key, value in rest.items():
            if not isinstance(key, str):
                self._problems.report(
                    "log:key", f"log: names are texts; one is of type {type_name(key)}"
                )
                continue
            self._log_value(key, value, step, time_ms)

    def _log_value(self, key: str, value: Any, step: int, time_ms: int | None) -> None:
        from . import _media

        if isinstance(value, Mapping):
            joined = {f"{key}/{inner}": item for inner, item in value.items()}
            if joined:
                self.log(joined, step=step, time_ms=time_ms)
        elif isinstance(value, _media.Media):
            self._keep_media(key, value, step, time_ms=time_ms)
        elif isinstance(value, _media.Histogram):
            self._keep_histogram(key, value, step, time_ms=time_ms)
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], _media.Media):
            for item in value:
                self._keep_media(key, item, step, time_ms=time_ms)
        elif isinstance(value, str):
            self._keep_text(key, value, step, time_ms=time_ms)
        elif number_of(value) is not None:
            self._problems.report(
                "log:name", "log: a metric's name is no text that can be written; it is left out"
            )
        elif value is None:
            self._problems.report("log:None", f"log: `{key}` is None; such values are left out")
        elif _media.is_figure(value) or hasattr(value, "getbands"):
            self._keep_media(key, _media.Image(value), step, time_ms=time_ms)
        else:
            shape = getattr(value, "shape", None)
            what = type_name(value) + (f" of shape {tuple(shape)}" if shape is not None else "")
            self._problems.report(
                f"log:type:{type_name(value)}",
                f"log: `{key}` is {what}, no number; reduce it to one, or use log_histogram, "
                "log_image or log_table",
            )

    # --- params, tags, results ----------------------------------------------

    @guarded
    def _tell_params(self, params: dict[str, Any]) -> None:
        from ._capture import redact_mapping

        shown = {key: redact_mapping({key: value})[key] for key, value in params.items()}
        self._event({"params": shown})

    @guarded
    def _tell_changed(self, key: str) -> None:
        self._problems.report(
            f"config:{key}",
            f"config: `{key}` has a value already, which stays; use another name, or "
            "config.update(..., allow_change=True) for this process alone",
        )

    @guarded
    def _tell_summary(self, key: str, value: Any) -> None:
        from ._capture import redact_mapping

        number = number_of(value)
        if number is not None and not isinstance(value, str):
            self.log({f"summary/{key}": number}, step=self._step(None))
        else:
            shown = redact_mapping({key: to_jsonable(value)})[key]
            text = shown if isinstance(shown, str) else to_json(shown)
            self._event({"tags": {f"summary/{key}": clip(text)}})

    @guarded
    def tag(self, tags: Mapping[str, Any] | Sequence[str]) -> None:
        """Set tags: names, or names with values; of a tag the last value stands."""
        self._event({"tags": tags_of(tags)})

    @guarded
    def log_params(self, params: Any) -> None:
        """Put params into the config; nested names are joined by dots."""
        self.config.update(params)

    # --- what a person should know ------------------------------------------

    @guarded
    def alert(self, title: str, *, text: str = "", level: str = "info") -> None:
        """Tell people something; `level` is `info`, `warning` or `error`."""
        if level not in LEVELS:
            raise WrongValue(f"level must be one of {', '.join(LEVELS)}; got `{level}`")
        body = {"title": clip(str(title)), "text": clip(str(text)), "level": level}
        self._record("alert", {**body, "step": self._step(None)})
        if level != "info":
            self._event({"warning": f"{title}: {text}" if text else str(title)})

    @guarded
    def describe(self, batch: Any, *, name: str = "batch") -> Any:
        """Record and return shapes, dtypes, devices and statistics; never values."""
        from ._describe import describe

        facts = describe(batch)
        self._event({"entry": {name: facts}})
        return facts

    @guarded
    def progress(self, done: float, *, total: float | None = None, message: str = "") -> None:
        """Say how far the program is, in units of its own."""
        self._event({"progress": {"done": done, "total": total, "message": message or None}})

    def _record(self, kind: str, body: dict[str, Any], time_ms: int | None = None) -> None:
        size = len(to_json(body).encode("utf-8", "replace"))
        if size > RECORD_MAX_BYTES:
            raise WrongValue(f"a record of {size} bytes is too large; {RECORD_MAX_BYTES} at most")
        event: dict[str, Any] = {"record": {"kind": kind, "body": body}}
        self._event(event if time_ms is None else {"time_ms": time_ms, **event})

    def _event(self, event: dict[str, Any]) -> None:
        if self._writer is None:
            return
        line = to_json({"time_ms": now_ms(), **to_jsonable(event)})
        # Half a character of a pair has no bytes: it becomes a question mark.
        warning = self._writer.event(line.encode("utf-8", "replace"))
        if warning:
            self._problems.report(f"writer:{warning[:40]}", warning)

    def _trouble(self, where: str, error: Exception) -> None:
        """A value that cannot be taken. Raises MlhubError when the run is strict."""
        if isinstance(error, MlhubError):
            raise error  # told already
        kind = f"{where}:{type(error).__name__}"
        self._problems.report(kind, f"{where}: {describe_error(error)}", error=error)

    def _console_trouble(self, error: OSError) -> None:
        self._problems.report("console", f"output is not kept any more: {describe_error(error)}")

    # --- reading back -------------------------------------------------------

    def query(self, query: str | None = None, **options: Any) -> Any:
        """Runs of this project that match a query such as `metrics.acc > 0.9`.

        The options are those of `mlhub.Api.runs`. Raises MlhubError.
        """
        from ._api import Api

        with Api() as api:
            return list(api.runs(query, project=self.project, **options))

    # --- the end ------------------------------------------------------------

    @property
    def dropped(self) -> int:
        """Records that could not be written, such as on a full disk."""
        return int(self._writer.dropped) if self._writer is not None else 0

    @property
    def ended(self) -> bool:
        """Whether it was finished."""
        return self._ended

    def finish(self, exit_code: int = 0, *, wait_seconds: float = 0.0) -> bool:
        """End the run: `exit_code` 0 is `finished`, another `failed`.

        What was logged is on disk already; the forwarder ships it. With `wait_seconds`
        it is waited that long until all is on the hub; returns whether it is known to be.
        """
        self._end(Ending(int(exit_code)))
        return self.wait(timeout_seconds=wait_seconds) if wait_seconds > 0 else False

    def wait(self, *, timeout_seconds: float = 60.0) -> bool:
        """Wait until everything of an ended run is on the hub; returns whether it is."""
        if self.path is None:
            return True
        deadline = time.monotonic() + timeout_seconds
        while True:
            if (read_json(self.path / "supervisor.json") or {}).get("shipped") is True:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(SHIPPED_POLL_SECONDS)

    def _end(self, ending: Ending) -> None:
        if os.getpid() != self._pid:
            # A forked child: its records are its own, the run is its parent's.
            if self._writer is not None:
                self._writer.close()
            return
        with self._ending_lock:
            again, self._ended = self._ended, True
            if not again:
                self._ending_now = ending
        if again:
            under_way = self._ending_now
            dies = ending.signal is not None or ending.leaving
            if self._place is not None and under_way is not None and dies:
                # The process ends within the end of its run: that is the one that counts.
                self._tell_end(self._place, under_way)
            return
        try:
            self._close(ending)
        except Exception as error:  # an end must not become another failure
            say(f"warning: the end of the run could not be recorded: {describe_error(error)}")
        self._ending_now = None
        _ending.forget(self)
        _children.collect()
        from . import _init

        _init.ended(self)

    def _close(self, ending: Ending) -> None:
        if self._place is None:
            return
        self._problems.strict = False  # an end raises nothing
        self._tell_seeds("finish")
        if ending.message and self._writer is not None:
            self._event({"tags": {"exit": ending.message}})
        if self._capture is not None:
            self._wait_for_capture(0 if ending.signal is not None else CAPTURE_WAIT_SECONDS)
        dropped = self.dropped
        if dropped:
            self._event({"warning": f"{dropped} record(s) were dropped: the disk was full"})
        if self._console is not None:
            self._console.close()
        # One that fails, as on a full disk, must not keep the others from being done.
        self._close_writer()
        self._tell_rank()
        self._tell_end(self._place, ending)
        self._say_end(dropped)

    @guarded
    def _close_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()

    @guarded
    def _tell_rank(self) -> None:
        place = self._place
        if place is not None and self._ranks.world_size > 1:
            started_at = self._started_at_ms
            _place.write_rank(place.path, place.writer, self._ranks, started_at, now_ms())

    @guarded
    def _tell_end(self, place: Place, ending: Ending) -> None:
        if not place.owner or place.supervised or not place.main_machine:
            return
        told = {"version": VERSION, "code": ending.code, "signal": ending.signal}
        told["ended_at_ms"] = now_ms()
        # The code an interpreter ends with is known when it has ended; should that not
        # come about, what is known now counts.
        if ending.leaving and tell_exit(str(place.path / "exit.json")):
            write_json(place.path / "leaving.json", told)
        else:
            _place.write_end(place.path, told)

    def _wait_for_capture(self, seconds: float) -> None:
        """A signal leaves no time for it; it goes on by itself."""
        import subprocess

        try:
            self._capture.wait(seconds)
        except subprocess.TimeoutExpired:
            if seconds:
                self._problems.report(
                    "capture",
                    "finding out about code and packages takes long and goes on by itself",
                )
            _children.keep(self._capture)

    def _tell_seeds(self, when: str) -> None:
        from ._capture import seeds

        try:
            self._record("seeds", {"when": when, **seeds()})
        except Exception as error:  # a library that changed its ways
            self._problems.report("seeds", f"seeds: {describe_error(error)}")

    def _say_end(self, dropped: int) -> None:
        place = self._place
        if place is None or not place.owner:
            return
        if dropped:
            say(f"{dropped} record(s) were dropped: they could not be written to {place.path}")
        hidden = self._problems.total() - len(self._problems.counts)
        if hidden > 0:
            say(f"{hidden} more problem(s) of the kinds told above")
        if self.mode == "offline":
            say(f"run {self.id} is kept in {place.path}; ship it with: mlhub sync {place.path}")

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._end(Ending(0))
        elif issubclass(kind, KeyboardInterrupt):
            self._end(Ending(None, signal_number=INTERRUPT, message=kind.__qualname__))
        elif issubclass(kind, SystemExit):
            self._end(Ending(_ending.code_of(getattr(error, "code", None))))
        else:
            self._end(Ending(FAILED, message=kind.__qualname__))

    def __repr__(self) -> str:
        return f"<mlhub.Run {self.id} {self.mode}{' ended' if self._ended else ''}>"


def tags_of(tags: Mapping[str, Any] | Sequence[str] | str | None) -> dict[str, str]:
    """Tags by name, secrets left out; one without a value is `true`."""
    if tags is None:
        return {}
    if isinstance(tags, str):
        tags = [tags]
    if isinstance(tags, Mapping):
        from ._capture import redact_mapping

        flat = redact_mapping(flatten(tags))
        return {
            key: clip(value if isinstance(value, str) else to_json(value))
            for key, value in flat.items()
        }
    return {str(tag): "true" for tag in tags}
