"""Starts the ranks of a training on this machine, and hands on how they ended.

A rank is this program with the environment that torchrun gives it, so one that torchrun
started is a rank as well. Imports no torch, and knows nothing of what the ranks do.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from mlhub_adapter import Run, failure
from mlhub_adapter.files import write_whole

MEETING = "MLHUB_PYTORCH_MEETING"
"""Names, for the ranks, the folder where they meet and say what they refuse."""

LIFELINE = "MLHUB_PYTORCH_LIFELINE"
"""Names, for the ranks, the file descriptor that ends with the program that started them."""

LEAVE_SECONDS = 15.0
"""How long ranks may take to end once another one failed."""

Children = Sequence["subprocess.Popen[bytes]"]


def is_rank() -> bool:
    """Whether this process is one of several, or the only one of torchrun."""
    return "RANK" in os.environ


def is_started_here() -> bool:
    """Whether :func:`launch` started this process."""
    return MEETING in os.environ


def note(refusal: failure.Refused) -> None:
    """Tells the program that started the ranks what this one refuses."""
    path = Path(os.environ[MEETING], f"refusal-{os.environ['RANK']}.json")
    write_whole(path, json.dumps([refusal.code, refusal.field, refusal.message]))


def follow_the_starter() -> None:
    """Ends this rank when the program that started it is gone, however that came."""
    end = int(os.environ[LIFELINE])

    def watch() -> None:
        # Nothing is ever written: reading returns when nobody holds the other end.
        os.read(end, 1)
        os._exit(failure.TERMINATED)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def launch(run: Run, program: Path, project: str | None) -> None:
    """Trains in ``params.processes`` processes; returns when all are done."""
    command = [sys.executable, str(program)]
    command += ["--project", project] if project else []
    command += ["train", str(run.dir)]
    with tempfile.TemporaryDirectory() as folder, run.interruptible(), _woken() as wake:
        ends = os.pipe()
        children: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(run.params["processes"]):
                children.append(_start(run, command, rank, folder, ends[0]))
            failed = _until_done(run, children, wake)
        finally:
            _end(children, wake)
            for end in ends:
                os.close(end)
        for said in sorted(Path(folder).glob("refusal-*.json")):
            raise failure.Refused(*json.loads(said.read_text(encoding="utf-8")))
    if run.stop_requested:
        run.stop()
    if failed:
        _fail(run, failed)


def _start(
    run: Run, command: Sequence[str], rank: int, folder: str, lifeline: int
) -> subprocess.Popen[bytes]:
    place = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": run.params["processes"],
        MEETING: folder,
        LIFELINE: lifeline,
    }
    environment = {**os.environ, **{name: str(value) for name, value in place.items()}}
    # All are of this process's group: who stops it, stops them.
    return subprocess.Popen(command, env=environment, pass_fds=[lifeline])


@contextmanager
def _woken() -> Iterator[socket.socket]:
    """A socket that has a byte to read once a signal came: a child's end, or SIGTERM."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        handler = signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGCHLD, handler)


def _until_done(run: Run, children: Children, wake: socket.socket) -> dict[int, int]:
    """Waits until all ended well, or one did not; the exit codes of those, by rank."""
    passed_on = False
    while True:
        codes = [child.poll() for child in children]
        # Told to stop, ranks end one by one; the first one writes a checkpoint before.
        good = (0, failure.TERMINATED) if run.stop_requested else (0,)
        failed = {rank: code for rank, code in enumerate(codes) if code and code not in good}
        if failed or None not in codes:
            return failed
        if run.stop_requested and not passed_on:
            # A signal to this process alone reaches no rank by itself.
            passed_on = True
            for child in children:
                child.terminate()
        wake.recv(1)


def _end(children: Children, wake: socket.socket) -> None:
    """Ends ranks that may wait for one that is gone."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + LEAVE_SECONDS
    while any(child.poll() is None for child in children):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        wake.settimeout(left)
        try:
            wake.recv(1)
        except OSError:  # the time is over
            break
    for child in children:
        child.kill()
        child.wait()


def _fail(run: Run, failed: dict[int, int]) -> NoReturn:
    """Says which ranks failed, and how."""
    told = []
    for rank, code in failed.items():
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with {code}"
        told.append(f"rank {rank} {how}")
    message = f"{', '.join(told)}, and the others were ended; the output says more"
    run.events.write(error={"field": "params.processes", "message": message})
    raise RuntimeError(message)
