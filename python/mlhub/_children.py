"""Processes that are started and not waited for: forwarders, what captures, `tee`.

They outlive their run and may end at any time of a long training; their exit status is
collected now and then, so that none stays in the process table. Kills none.
"""

from __future__ import annotations

import atexit
import os
from typing import Any

__all__ = ["collect", "keep"]

running: list[Any] = []
"""Each a `subprocess.Popen`."""


def keep(process: Any) -> None:
    """Collect this one's exit status some time after it ends."""
    running.append(process)


def collect() -> None:
    """Forget those that have ended; called when a run starts and when it ends."""
    running[:] = [process for process in running if process.poll() is None]


def let_go() -> None:
    """They go on by themselves: without a status Python would warn at their collection."""
    for process in running:
        process.returncode = 0
    running.clear()


atexit.register(let_go)
# What a parent started is nobody's child to wait for in a fork.
os.register_at_fork(after_in_child=let_go)
