"""Which run is current: one name, so that asking costs nothing and imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._run import Run

run: Run | None = None
"""The run of the latest `init` that has not ended."""
