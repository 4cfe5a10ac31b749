"""The native half of the SDK: writes events into a memory-mapped file."""

import os
from collections.abc import Mapping
from typing import Any

__version__: str

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
    def log(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        time_ms: int | None = None,
    ) -> int | tuple[int, dict[Any, Any], str | None]:
        """Write the numbers among the values of `metrics`.

        Without `step` it is one after the greatest so far; `time_ms` is milliseconds
        since the epoch, now when absent. Returns the step; or, only when there is
        something to say, the step, the items that are no numbers, and a warning (once
        per cause). Raises TypeError when `metrics` is no mapping or `step` no integer,
        OverflowError when `step` does not fit into 64 bits.
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
