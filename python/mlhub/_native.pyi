"""The native half of the SDK: writes events into a memory-mapped file."""

import os
from collections.abc import Mapping
from typing import Any

__version__: str

def tell_exit(path: str | os.PathLike[str]) -> bool:
    """Write `path` (an `exit.json`) when this process exits, with its exit code.

    Returns False where the system does not tell the code (anything but glibc).
    """

def hash_file(path: str | os.PathLike[str]) -> str:
    """BLAKE3 of a file, hex. Raises OSError."""

class Recorder:
    """The base of `mlhub.Run`: its `log`, as one native call."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None: ...
    def _attach(self, writer: Writer) -> None:
        """Record into this file from now on; only the first call counts."""
    def log(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        *,
        time_ms: int | None = None,
    ) -> None:
        """Record values of one step.

        `metrics` maps names to numbers (of Python, numpy, torch, jax; NaN and infinities
        are values), or to texts, media, or mappings of such, whose names are joined by `/`.
        Without `step` it is one after the greatest so far, from 0. `time_ms` is
        milliseconds since the epoch, now when absent.

        What is no number is given to `_log_rest`, what raised to `_log_refused`.
        """

class Writer:
    """Writes the events of this process to a file of its own.

    Thread-safe. A forked child writes a file of its own from its first record on.
    What a call returned from survives SIGKILL of the process. When the disk is full
    records are dropped and counted, and room is looked for again every second.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Make `path` (`events/<writer>.mlog`), or one beside it when it exists.

        Raises OSError when no file can be made there.
        """
    def event(self, json: str | bytes) -> str | None:
        """Write an event line, one JSON object; return a warning, once per cause."""
    def flush(self) -> None:
        """Wait until everything is on the disk itself; raises OSError when it refuses."""
    def close(self) -> None:
        """Cut the file to its size; what is written later is dropped and counted."""
    @property
    def path(self) -> str:
        """The file of this process."""
    @property
    def dropped(self) -> int:
        """Records dropped."""
    @property
    def warning(self) -> str | None:
        """The last warning."""
    @property
    def closed(self) -> bool:
        """Whether it was closed."""
    @property
    def next_step(self) -> int:
        """The step the next record without one gets."""
