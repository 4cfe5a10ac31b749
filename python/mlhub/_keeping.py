"""The part of a run that keeps files: media, artifacts, checkpoints.

Files are whole in the run directory before the event that names them. Encoding is
`_media`'s; shipping is the forwarder's.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable, TypeVar

from ._artifacts import MANIFEST, manifest_of
from ._copy import copy_file, copy_folder, relative_inside, safe_path, write_whole
from ._native import hash_file
from ._place import Place
from ._problems import MlhubError, Problems, WrongType, WrongValue
from ._values import type_name

__all__ = ["Keeping", "describe_error", "guarded"]

TEXT_INLINE_MAX = 1000
"""Characters of a logged text kept in its record; longer texts become files."""

Function = TypeVar("Function", bound=Callable[..., Any])


def guarded(method: Function) -> Function:
    """A method that tells what went wrong in it instead of raising (unless strict)."""

    @functools.wraps(method)
    def call(self: Keeping, *arguments: Any, **options: Any) -> Any:
        try:
            return method(self, *arguments, **options)
        except MlhubError:
            raise  # strict, told already
        except Exception as error:
            message = f"{method.__name__}: {describe_error(error)}"
            kind = f"{method.__name__}:{type(error).__name__}"
            self._problems.report(kind, message, error=error)
            return None

    return call  # type: ignore[return-value]


def describe_error(error: BaseException) -> str:
    """The error in words; those of the system name the file and what happened.

    Words of others may hold values of the training, which are not told: of their errors
    it is the type, and where it was raised.
    """
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}" if error.strerror else str(error) or type_name(error)
    if isinstance(error, (MlhubError, WrongType, WrongValue)):
        return str(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type_name(error)
    file = os.path.basename(trace.tb_frame.f_code.co_filename)
    return f"{type_name(error)} in {file}, line {trace.tb_lineno}"


class Keeping:
    """What keeps files; the rest of the run is `Run`."""

    path: Path | None
    project: str
    _place: Place | None
    _problems: Problems
    _pid: int
    _media: Iterator[int]
    _writer: Any

    def _event(self, event: dict[str, Any]) -> None:
        raise NotImplementedError

    def _record(self, kind: str, body: dict[str, Any], time_ms: int | None = None) -> None:
        raise NotImplementedError

    # --- media --------------------------------------------------------------

    @guarded
    def log_image(
        self, key: str, image: Any, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Keep a picture: a file, a PIL image, a figure or an array (see `mlhub.Image`)."""
        from ._media import Image

        self._keep_media(key, as_media(Image, image, caption), step)

    @guarded
    def log_images(
        self,
        key: str,
        images: Sequence[Any],
        *,
        step: int | None = None,
        captions: Sequence[str] | None = None,
    ) -> None:
        """Keep several pictures under one name and step."""
        from ._media import Image

        step = self._step(step)
        for at, image in enumerate(images):
            caption = captions[at] if captions is not None and at < len(captions) else None
            self._keep_media(key, as_media(Image, image, caption), step)

    @guarded
    def log_audio(
        self,
        key: str,
        audio: Any,
        *,
        sample_rate: int | None = None,
        step: int | None = None,
        caption: str | None = None,
    ) -> None:
        """Keep sound: a file, or samples at `sample_rate` hertz (see `mlhub.Audio`)."""
        from ._media import Audio

        medium = (
            audio
            if isinstance(audio, Audio)
            else Audio(audio, sample_rate=sample_rate, caption=caption)
        )
        self._keep_media(key, medium, step)

    @guarded
    def log_video(
        self,
        key: str,
        video: Any,
        *,
        fps: float = 4.0,
        step: int | None = None,
        caption: str | None = None,
    ) -> None:
        """Keep a video: a file, or frames at `fps` per second (see `mlhub.Video`)."""
        from ._media import Video

        medium = video if isinstance(video, Video) else Video(video, fps=fps, caption=caption)
        self._keep_media(key, medium, step)

    @guarded
    def log_table(
        self,
        key: str,
        table: Any = None,
        *,
        columns: Sequence[str] | None = None,
        rows: Sequence[Sequence[Any]] | None = None,
        step: int | None = None,
        caption: str | None = None,
    ) -> None:
        """Keep a table: a data frame, columns by name, or rows (see `mlhub.Table`)."""
        from ._media import Table

        if not isinstance(table, Table):
            table = Table(table, columns=columns, rows=rows, caption=caption)
        self._keep_media(key, table, step)

    @guarded
    def log_text(
        self, key: str, text: str, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Keep free text."""
        self._keep_text(key, str(text), self._step(step), caption=caption)

    @guarded
    def log_figure(
        self, key: str, figure: Any, *, step: int | None = None, caption: str | None = None
    ) -> None:
        """Keep a figure of matplotlib (as PNG) or plotly (as its JSON)."""
        from ._media import Image, encode_figure

        medium = Image(figure, caption=caption)
        self._keep(key, "figure", encode_figure(figure), medium.caption, step)

    @guarded
    def log_histogram(
        self,
        key: str,
        values: Any = None,
        *,
        bins: int = 64,
        counts: Sequence[float] | None = None,
        edges: Sequence[float] | None = None,
        step: int | None = None,
    ) -> None:
        """Record how values are spread: counts between edges, never the values."""
        from ._media import Histogram

        if not isinstance(values, Histogram):
            values = Histogram(values, bins=bins, counts=counts, edges=edges)
        self._keep_histogram(key, values, self._step(step))

    # `time_ms` of these is when it was logged, where that was said.

    def _keep_histogram(
        self, key: str, histogram: Any, step: int, *, time_ms: int | None = None
    ) -> None:
        body = {
            "name": key,
            "step": step,
            "counts": histogram.counts,
            "edges": histogram.edges,
            "non_finite": histogram.non_finite,
        }
        self._record("histogram", body, time_ms)

    def _keep_text(
        self,
        key: str,
        text: str,
        step: int,
        *,
        caption: str | None = None,
        time_ms: int | None = None,
    ) -> None:
        from ._media import Text

        if len(text) > TEXT_INLINE_MAX:
            self._keep_media(key, Text(text, caption=caption), step, time_ms=time_ms)
            return
        body = {"name": key, "step": step, "text": text, "caption": caption}
        self._record("text", body, time_ms)

    def _keep_media(
        self, key: str, medium: Any, step: int | None, *, time_ms: int | None = None
    ) -> None:
        self._keep(key, medium.kind, medium.encode(), medium.caption, step, time_ms=time_ms)

    def _keep(
        self,
        key: str,
        kind: str,
        encoded: Any,
        caption: str | None,
        step: int | None,
        *,
        time_ms: int | None = None,
    ) -> None:
        """Write a medium into the run directory, then say so."""
        if self.path is None:
            return
        step = self._step(step)
        number = next(self._media)
        part = f"{os.getpid()}-{number}" if os.getpid() != self._pid else str(number)
        folder = f"artifacts/media/{safe_path(key)}"
        path = f"{folder}/{step}-{self._writer_stem()}{part}.{encoded.ending}"
        (self.path / folder).mkdir(parents=True, exist_ok=True)
        if isinstance(encoded.content, Path):
            copy_file(encoded.content, self.path / path)
        else:
            write_whole(self.path / path, encoded.content)
        self._event({"artifact": {"path": path, "kind": kind}})
        body = {"type": kind, "name": key, "step": step, "path": path, "caption": caption}
        self._record("media", {**body, **encoded.facts}, time_ms)

    def _writer_stem(self) -> str:
        """Told apart between the processes of one run; nothing for the first."""
        return "" if self._place is None or self._place.owner else f"{self._place.writer}-"

    def _step(self, step: int | None) -> int:
        """The step given, or that of the newest metrics."""
        if step is not None:
            return int(step)
        return max(0, int(self._writer.next_step) - 1) if self._writer is not None else 0

    # --- files --------------------------------------------------------------

    @guarded
    def log_artifact(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        kind: str | None = None,
        link: bool = False,
        aliases: Sequence[str] = (),
    ) -> str | None:
        """Keep a file or a folder; returns its path in the run, `artifacts/<name>`.

        It is copied into the run directory at once, so that the original may change
        afterwards. `link=True` makes hard links instead: fast and without space, right
        only for files that are not written again. `kind` is a word such as `model`.

        What runs of a project log under one name are its versions: `use_artifact` finds
        them as `name:latest`, `name:v0`, or `name:ALIAS` for the `aliases` given here. What
        is logged under a name again takes the place of what was there.
        """
        source = Path(path)
        if self.path is None:
            return None
        if isinstance(aliases, str):
            aliases = [aliases]
        if not source.exists():
            raise FileNotFoundError(f"there is no file or folder `{source}`")
        inside = relative_inside(source, self.path)
        if inside is not None and name is None:
            kept = inside
        else:
            kept = f"artifacts/{safe_path(name or source.name)}"
            place = self.path / kept
            place.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                # Beside what is shipped: a copy that breaks off is nothing.
                making = self.path / f".copying-{os.getpid()}-{os.urandom(4).hex()}"
                copy_folder(source, place, making, link=link)
            else:
                copy_file(source, place, link=link)
        versioned = kept
        if (self.path / kept).is_dir():
            versioned = f"{kept}/{MANIFEST}"
            write_whole(self.path / versioned, manifest_of(self.path / kept, kept))
        event: dict[str, Any] = {"path": kept}
        if kind is not None:
            event["kind"] = kind
        self._event({"artifact": event})
        # The alias is for this content, whatever is logged under the name later.
        content = hash_file(str(self.path / versioned)) if aliases else None
        for alias in aliases:
            body = {"path": versioned, "alias": str(alias), "hash": content}
            self._record("artifact_alias", body)
        return kept

    def use_artifact(self, reference: str, *, into: str | os.PathLike[str] | None = None) -> Path:
        """Fetch an artifact of another run, and record that this run used it.

        `reference` is `name:latest`, `name:v3` or `name:ALIAS` for what runs of this
        project logged under that name; `RUN/path`, the run by its id, or by its name in
        this project; `PROJECT/RUN/path`; or a path alone, the newest in this project. It
        is downloaded below `into`, or below the run directory's `inputs/`, and checked
        against its hash. Returns the local path. Raises MlhubError when it cannot be had:
        what follows needs it.
        """
        from ._api import Api, fetch
        from ._artifacts import CONTENT, find, version_query

        with Api() as api:
            hub = api._hub
            found = find(hub, reference, self.project)
            folder = self.path or Path.cwd()
            folder = Path(into) if into is not None else folder / "inputs" / found.run
            if found.version is None:
                files = api.run(found.run).download(found.path, into=folder)
            else:
                project = found.version.project
                files = [
                    fetch(hub, CONTENT, version_query(project, facts), facts, folder)
                    for facts in found.version.files
                ]
        for file in files:
            self._note_use({"run": found.run, "path": file.artifact, "hash": file.hash})
        return folder / found.path

    @guarded
    def _note_use(self, body: dict[str, Any]) -> None:
        self._record("artifact_used", body)

    def checkpoint(self, path: str | os.PathLike[str], *, step: int) -> str | None:
        """Keep a complete checkpoint of `step`, from which the run can be resumed."""
        kept = self.log_artifact(
            path, name=f"checkpoints/{step}-{Path(path).name}", kind="checkpoint"
        )
        if kept is not None:
            self._event({"checkpoint": {"step": int(step), "path": kept}})
        return kept


def as_media(kind: Any, value: Any, caption: str | None) -> Any:
    return value if isinstance(value, kind) else kind(value, caption=caption)
