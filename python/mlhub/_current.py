"""Which run is current: one name, so that asking costs nothing and imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._run import Run

run: Run | None = None
"""The run of the latest `init` that has not ended."""
unended: list[Run] = []
"""All of them, in the order of their `init`; the last is the current one."""


def enter(entered: Run) -> None:
    """It is current until it ends or another is."""
    global run
    leave(entered)
    unended.append(entered)
    run = entered


def leave(ended: Run) -> None:
    """The one before it is current again."""
    global run
    unended[:] = [other for other in unended if other is not ended]
    run = unended[-1] if unended else None
