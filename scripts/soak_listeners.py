#!/usr/bin/env python3
"""Ten thousand live listeners on one hub, a tenth of which never read.

    python3 scripts/soak_listeners.py target/release/mlhub [LISTENERS]

Starts a hub of its own, opens the listeners, makes changes, and checks that everybody who
reads hears the last one, that writers are answered meanwhile, and what memory it took.
Needs as many descriptors per process as listeners (`ulimit -n`).
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

LISTENERS = 10_000
BATCHES = 1000
PATIENCE_SECONDS = 300.0
RECEIVE_BUFFER_BYTES = 4096
LAST = b'"failed"'


def call(url: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        url + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def listen(port: int) -> socket.socket:
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    stream.connect(("127.0.0.1", port))
    stream.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    greeting = b""
    while b"event: hello" not in greeting:
        piece = stream.recv(4096)
        assert piece, greeting
        greeting += piece
    return stream


def hear(streams: list[socket.socket]) -> int:
    """Reads until each has heard the last change; returns how many did."""
    selector = selectors.DefaultSelector()
    ends: dict[socket.socket, bytes] = dict.fromkeys(streams, b"")
    for opened in streams:
        selector.register(opened, selectors.EVENT_READ, opened)
    deadline = time.monotonic() + PATIENCE_SECONDS
    heard = 0
    while heard < len(streams) and time.monotonic() < deadline:
        for key, _ in selector.select(1.0):
            stream: socket.socket = key.data
            piece = stream.recv(65536)
            assert piece, "the feed goes on"
            text = ends[stream] + piece
            if LAST in text:
                heard += 1
                selector.unregister(stream)
            ends[stream] = text[-len(LAST) :]
    return heard


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def soak(url: str, pid: int, listeners: int) -> None:
    port = int(url.rsplit(":", 1)[1])
    snapshot: dict[str, Any] = {}
    made = call(url, "/api/v1/runs", {
        "project": "p", "experiment": "e", "params": {}, "snapshot": snapshot, "runs": [{}],
    })  # fmt: skip
    attempt = f"/api/v1/runs/{made['runs'][0]['id']}/attempts/1"
    call(url, f"{attempt}/start", {"started_at": 1})
    before = resident_mb(pid)
    begun = time.monotonic()
    silent = [listen(port) for _ in range(listeners // 10)]
    streams = [listen(port) for _ in range(listeners - len(silent))]
    print(f"{listeners} listen after {time.monotonic() - begun:.1f} s", flush=True)
    slowest = 0.0
    for index in range(BATCHES):
        point = {"name": "loss", "step": index, "time_ms": 1, "value": 0.5}
        asked = time.monotonic()
        batch = {"writer": "w", "start": index, "end": index + 1, "points": [point]}
        call(url, f"{attempt}/events", batch)
        slowest = max(slowest, time.monotonic() - asked)
    print(f"{BATCHES} batches were stored, the slowest in {slowest * 1000:.0f} ms", flush=True)
    begun = time.monotonic()
    call(url, f"{attempt}/finish", {"state": "failed", "ended_at": 2})
    heard = hear(streams)
    took, grown = time.monotonic() - begun, resident_mb(pid) - before
    each = grown * 1000 / listeners
    print(f"{heard} heard the end within {took:.1f} s; {grown:.0f} MB, {each:.1f} kB a listener")
    assert heard == len(streams), f"{len(streams) - heard} did not hear the end"


def main() -> None:
    binary, *more = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="mlhub-soak-") as folder:
        command = [binary, "serve", "--data-dir", folder, "--port", "0"]
        hub = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            assert hub.stdout is not None
            # The first line it writes says where it listens; it ends without one if it fails.
            url = hub.stdout.readline().split()[-1]
            soak(url, hub.pid, int(more[0]) if more else LISTENERS)
        finally:
            hub.terminate()
            hub.wait(30)
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
