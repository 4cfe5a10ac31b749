"""Files of the run directory: whole JSON by rename, processes and hosts by name.

The layout is `docs/run-directory.md`. Knows nothing of runs in memory.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["boot_id", "process_identity", "read_json", "start_ticks", "write_json"]

VERSION = 1
"""Version of the run directory this SDK writes, and the greatest it reads."""


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Write a JSON file whole, or not at all. Raises OSError."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    making = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        os.replace(making, path)
    except OSError:
        try:
            making.unlink()
        except OSError:
            pass
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, or None when it is missing or no object."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is none.

    One that has ended and that nobody waited for is none.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        return None if fields[0] in (b"Z", b"X", b"x") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def boot_id() -> str:
    """Names this boot of this machine; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def process_identity(pid: int | None = None) -> dict[str, Any]:
    """Names a process so that a reused process id cannot be mistaken for it."""
    pid = os.getpid() if pid is None else pid
    return {"pid": pid, "start_ticks": start_ticks(pid) or 0, "boot_id": boot_id()}


def is_same_process(identity: Any) -> bool:
    """Whether the process of an identity is alive on this machine."""
    if not isinstance(identity, dict) or identity.get("boot_id") != boot_id():
        return False
    pid = identity.get("pid")
    ticks = start_ticks(pid) if isinstance(pid, int) else None
    if ticks is None:
        return sys.platform != "linux" and isinstance(pid, int) and is_alive(pid)
    return ticks == identity.get("start_ticks")


def is_alive(pid: int) -> bool:
    """Whether a process of that id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
