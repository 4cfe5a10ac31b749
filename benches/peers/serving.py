"""Starts a server on a free port of 127.0.0.1 and waits until it answers."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(command: list[str], url: str, path: str, folder: Path) -> dict:
    """Returns its URL, process id, and milliseconds from start to first answer."""
    begun = time.perf_counter()
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=os.environ
        )
    while True:
        try:
            with urllib.request.urlopen(url + path, timeout=5) as answer:
                answer.read()
            break
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise SystemExit(f"{command[0]} did not start; see {folder}/server.log") from None
            time.sleep(0.002)
    started_ms = (time.perf_counter() - begun) * 1000
    return {"url": url, "pid": process.pid, "start_ms": started_ms}
