"""Keeps a copy of what the program prints: `stdout.log` and `stderr.log`.

`write` of the two streams of `sys` is wrapped, so that terminals stay terminals and
nothing stands between the program and its output that could block or kill it. What
goes past `sys.stdout` (output of subprocesses and of C libraries) is kept only with
`console="fd"`: then file descriptors 1 and 2 lead through a `tee` process each.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Callable

from . import _children

__all__ = ["CONSOLE_MODES", "Console"]

CONSOLE_MODES = ("auto", "wrap", "fd", "off")
"""`auto` is `wrap`."""
TEE_WAIT_SECONDS = 5.0
"""How long `tee` may take to write what it was sent, at the end."""

Trouble = Callable[[OSError], None]


class Descriptor:
    """A file descriptor that is closed when nobody uses it any more.

    Another thread may be writing when a run ends, so it cannot be closed by order: the
    number would soon be that of another file. No lock either: a fork may happen while
    one is held.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self.number = os.open(path, flags, 0o644)

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        number = getattr(self, "number", None)
        if number is not None:
            close(number)


class Wrapped:
    """One stream of `sys` whose `write` also writes to a file."""

    def __init__(self, name: str, path: Path, trouble: Trouble) -> None:
        self.name = name
        self.stream: Any = getattr(sys, name)
        self.trouble = trouble
        self.file: Descriptor | None = Descriptor(path)
        self.write = self.stream.write
        self.wrapped_before = "write" in getattr(self.stream, "__dict__", {})
        self.stream.write = self._write
        self.wrapper = self.stream.write

    def _write(self, text: Any) -> Any:
        result = self.write(text)
        file = self.file
        if file is not None and text:
            try:
                data = text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)
                while data:
                    data = data[os.write(file.number, data) :]
            except OSError as error:
                self.trouble(error)
            except (TypeError, ValueError):
                pass  # the stream took something that is no text: not ours to judge
        return result

    def close(self) -> None:
        if self.file is None:
            return
        self.file = None
        # Somebody may have wrapped it again since: then ours stays and passes on.
        if self.stream.write == self.wrapper:
            if self.wrapped_before:
                self.stream.write = self.write
            else:
                del self.stream.write


class Through:
    """One file descriptor that leads through a `tee` process."""

    def __init__(self, name: str, path: Path) -> None:
        import subprocess

        self.stream: Any = getattr(sys, name)
        self.number = 1 if name == "stdout" else 2
        flush(self.stream)
        self.saved = os.dup(self.number)
        os.set_inheritable(self.saved, False)
        # A session of its own: what ends the program's group must not end its output.
        self.tee = subprocess.Popen(
            ["tee", "-a", "-i", str(path)],
            stdin=subprocess.PIPE,
            stdout=self.saved,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        pipe = self.tee.stdin
        assert pipe is not None
        os.dup2(pipe.fileno(), self.number)
        pipe.close()

    def close(self) -> None:
        import subprocess

        flush(self.stream)
        os.dup2(self.saved, self.number)
        os.close(self.saved)
        try:
            self.tee.wait(TEE_WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            # A child still holds the pipe: `tee` ends with it.
            _children.keep(self.tee)


class Console:
    """Both streams of one run."""

    def __init__(self, folder: Path, mode: str, trouble: Trouble) -> None:
        self.parts: list[Any] = []
        self.pid = os.getpid()
        if mode == "off":
            return
        for name in ("stdout", "stderr"):
            try:
                part = start(name, folder / f"{name}.log", mode, trouble)
            except OSError as error:
                trouble(error)
                continue
            if part is not None:
                self.parts.append(part)

    def close(self) -> None:
        """Give the streams back; in a forked child nothing is touched."""
        if os.getpid() != self.pid:
            return
        while self.parts:
            try:
                self.parts.pop().close()
            except (OSError, ValueError):
                pass


def start(name: str, path: Path, mode: str, trouble: Trouble) -> Any | None:
    """Begin to copy one stream; None where there is nothing to copy."""
    if mode == "fd":
        return Through(name, path)
    stream = getattr(sys, name)
    if stream is None or not hasattr(stream, "write"):
        return None
    try:
        return Wrapped(name, path, trouble)
    except (AttributeError, TypeError):
        return None  # a stream that cannot be wrapped


def flush(stream: Any) -> None:
    try:
        stream.flush()
    except (AttributeError, OSError, ValueError):
        pass
