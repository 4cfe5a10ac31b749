"""mlhub: track, compare and reproduce any experiment.

    import mlhub

    with mlhub.init(project="digits", config={"lr": 0.1}) as run:
        for step in range(100):
            run.log({"loss": 1 / (step + 1)}, step=step)

`log` writes to a memory-mapped file and returns; a process of its own ships it to the
hub. Importing this module imports neither numpy nor any framework, and starts nothing.
"""

from __future__ import annotations

from . import _current

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any, TypeVar, overload

    from . import integrations, sklearn
    from ._api import Api, RunInfo
    from ._config import Config, Summary
    from ._init import init
    from ._media import Audio, Histogram, Image, Table, Text, Video
    from ._problems import MlhubError, MlhubWarning
    from ._run import Run

    Function = TypeVar("Function", bound=Callable[..., Any])
    config: Config
    summary: Summary
    run: Run | None

__version__ = "0.1.0"

__all__ = [
    "Api",
    "Audio",
    "Histogram",
    "Image",
    "MlhubError",
    "MlhubWarning",
    "Run",
    "RunInfo",
    "Table",
    "Text",
    "Video",
    "alert",
    "checkpoint",
    "describe",
    "finish",
    "init",
    "integrations",
    "log",
    "log_artifact",
    "log_audio",
    "log_figure",
    "log_histogram",
    "log_image",
    "log_images",
    "log_params",
    "log_table",
    "log_text",
    "log_video",
    "progress",
    "seed_everything",
    "sklearn",
    "tag",
    "track",
    "use_artifact",
]

_LAZY = {
    "Api": "_api",
    "Audio": "_media",
    "Histogram": "_media",
    "Image": "_media",
    "MlhubError": "_problems",
    "MlhubWarning": "_problems",
    "Run": "_run",
    "RunInfo": "_api",
    "Table": "_media",
    "Text": "_media",
    "Video": "_media",
    "init": "_init",
}
_MODULES = ("integrations", "sklearn")

_told_missing = False


def __getattr__(name: str) -> Any:
    import importlib

    if name in _LAZY:
        found = getattr(importlib.import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = found
        return found
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name == "run":
        return _current.run
    if name in ("config", "summary"):
        return getattr(_needed(name), name)
    raise AttributeError(f"module `mlhub` has no attribute `{name}`")


def __dir__() -> list[str]:
    return sorted([*__all__, "config", "run", "summary"])


def _needed(what: str) -> Run:
    """The current run. Raises MlhubError when there is none."""
    run = _run_or_none()
    if run is None:
        from ._problems import MlhubError

        raise MlhubError(f"there is no run: call mlhub.init() before mlhub.{what}")
    return run


def _run_or_none() -> Run | None:
    """The current run; in a child of multiprocessing it is joined on first use."""
    run = _current.run
    if run is not None:
        return run
    import os

    from ._init import init, parent_run

    return init() if parent_run(os.environ) is not None else None


def _call(method: str, /, *arguments: Any, **options: Any) -> Any:
    """Call a method of the current run; without one it is told once."""
    global _told_missing
    run = _run_or_none()
    if run is not None:
        return getattr(run, method)(*arguments, **options)
    if not _told_missing:
        _told_missing = True
        from ._problems import say

        say(f"warning: mlhub.{method}() without a run records nothing; call mlhub.init() first")
    return None


def log(metrics: Mapping[str, Any], step: int | None = None, *, time_ms: int | None = None) -> None:
    """Record values of one step in the current run; see `Run.log`."""
    run = _current.run
    if run is not None:
        run.log(metrics, step=step, time_ms=time_ms)
    else:
        _call("log", metrics, step=step, time_ms=time_ms)


def tag(tags: Mapping[str, Any] | Sequence[str]) -> None:
    """Set tags of the current run; see `Run.tag`."""
    _call("tag", tags)


def log_params(params: Any) -> None:
    """Put params into the config of the current run; see `Run.log_params`."""
    _call("log_params", params)


def log_artifact(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    kind: str | None = None,
    link: bool = False,
    aliases: Sequence[str] = (),
) -> str | None:
    """Keep a file or a folder; see `Run.log_artifact`."""
    kept: str | None = _call("log_artifact", path, name=name, kind=kind, link=link, aliases=aliases)
    return kept


def use_artifact(reference: str, *, into: str | os.PathLike[str] | None = None) -> Path:
    """Fetch an artifact of another run and record its use; see `Run.use_artifact`."""
    return _needed("use_artifact").use_artifact(reference, into=into)


def checkpoint(path: str | os.PathLike[str], *, step: int) -> str | None:
    """Keep a complete checkpoint; see `Run.checkpoint`."""
    kept: str | None = _call("checkpoint", path, step=step)
    return kept


def log_image(key: str, image: Any, *, step: int | None = None, caption: str | None = None) -> None:
    """Keep a picture; see `Run.log_image`."""
    _call("log_image", key, image, step=step, caption=caption)


def log_images(
    key: str,
    images: Sequence[Any],
    *,
    step: int | None = None,
    captions: Sequence[str] | None = None,
) -> None:
    """Keep several pictures; see `Run.log_images`."""
    _call("log_images", key, images, step=step, captions=captions)


def log_audio(
    key: str,
    audio: Any,
    *,
    sample_rate: int | None = None,
    step: int | None = None,
    caption: str | None = None,
) -> None:
    """Keep sound; see `Run.log_audio`."""
    _call("log_audio", key, audio, sample_rate=sample_rate, step=step, caption=caption)


def log_video(
    key: str,
    video: Any,
    *,
    fps: float = 4.0,
    step: int | None = None,
    caption: str | None = None,
) -> None:
    """Keep a video; see `Run.log_video`."""
    _call("log_video", key, video, fps=fps, step=step, caption=caption)


def log_table(
    key: str,
    table: Any = None,
    *,
    columns: Sequence[str] | None = None,
    rows: Sequence[Sequence[Any]] | None = None,
    step: int | None = None,
    caption: str | None = None,
) -> None:
    """Keep a table; see `Run.log_table`."""
    _call("log_table", key, table, columns=columns, rows=rows, step=step, caption=caption)


def log_text(key: str, text: str, *, step: int | None = None, caption: str | None = None) -> None:
    """Keep free text; see `Run.log_text`."""
    _call("log_text", key, text, step=step, caption=caption)


def log_figure(
    key: str, figure: Any, *, step: int | None = None, caption: str | None = None
) -> None:
    """Keep a figure; see `Run.log_figure`."""
    _call("log_figure", key, figure, step=step, caption=caption)


def log_histogram(
    key: str,
    values: Any = None,
    *,
    bins: int = 64,
    counts: Sequence[float] | None = None,
    edges: Sequence[float] | None = None,
    step: int | None = None,
) -> None:
    """Record how values are spread; see `Run.log_histogram`."""
    _call("log_histogram", key, values, bins=bins, counts=counts, edges=edges, step=step)


def alert(title: str, *, text: str = "", level: str = "info") -> None:
    """Tell people something; see `Run.alert`."""
    _call("alert", title, text=text, level=level)


def progress(done: float, *, total: float | None = None, message: str = "") -> None:
    """Say how far the program is; see `Run.progress`."""
    _call("progress", done, total=total, message=message)


def describe(batch: Any, *, name: str = "batch") -> Any:
    """Facts about a batch: shapes, dtypes, devices, statistics; never values.

    They are recorded in the current run, if there is one, and returned.
    """
    run = _run_or_none()
    if run is not None:
        return run.describe(batch, name=name)
    from ._describe import describe as describe_batch

    return describe_batch(batch)


def finish(exit_code: int = 0, *, wait_seconds: float = 0.0) -> bool:
    """End the current run, if there is one; see `Run.finish`."""
    run = _current.run
    return run.finish(exit_code, wait_seconds=wait_seconds) if run is not None else False


def seed_everything(seed: int) -> dict[str, str]:
    """Seed the generators of random, and of numpy, torch and tensorflow where loaded.

    Returns what was done for each, by name; JAX has no generator to seed. Records the
    seed as the param `seed` of the current run.
    """
    from mlhub_adapter.seeding import seed_everything as seed_all

    done = seed_all(seed)
    run = _current.run
    if run is not None:
        run.config.update({"seed": seed})
    return done


if TYPE_CHECKING:

    @overload
    def track(function: Function, /) -> Function: ...
    @overload
    def track(**options: Any) -> Callable[[Function], Function]: ...


def track(function: Any = None, /, **options: Any) -> Any:
    """Make every call of a function a run of its own.

    The run is named after the function unless `options` (those of `mlhub.init`) say
    otherwise; its arguments are the config. An exception makes it `failed` and is raised on.
    """
    from ._track import decorate

    if function is not None:
        return decorate(function, options)
    return lambda inner: decorate(inner, options)
