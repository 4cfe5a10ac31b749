"""How a process ends: exit codes, exceptions and signals, told to the runs it has.

Hooks are put in at the first run, chain to those that were there, and are passive in
forked children. The exit code itself is known only after the interpreter has ended; the
native module writes it down then, where the system allows. SIGKILL cannot be seen from
here; the forwarder tells such an end.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Callable, NamedTuple, Protocol

__all__ = ["Ending", "watch"]

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGXCPU") if hasattr(signal, name)
)
"""Signals that end a process and that it may see coming."""


class Ender(Protocol):
    """What is told of an end."""

    def _end(self, ending: Ending) -> None: ...


class Ending:
    """How the process ends, as far as it is known."""

    def __init__(
        self,
        code: int | None = 0,
        *,
        signal_number: int | None = None,
        message: str | None = None,
        leaving: bool = False,
    ) -> None:
        self.code = code
        self.signal = signal_number
        self.message = message
        self.leaving = leaving
        """Whether the interpreter is ending, so that the code may still change."""


class Handling(NamedTuple):
    """A signal that a handler of the caller's was called for and has not returned from."""

    number: int
    frame: FrameType | None
    depth: int
    """How many handlers were called for it before this one, each by the one after it."""


class State:
    """What the hooks know; one of a process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.enders: list[Ender] = []
        self.ending = Ending()
        self.previous: dict[int, list[Any]] = {}
        """By signal: the handlers that ours took the place of, the latest last."""
        self.handling: list[Handling] = []
        self.sys_exit: Callable[..., Any] = sys.exit
        self.excepthook: Callable[..., Any] = sys.excepthook
        self.installed = False


state = State()


def watch(ender: Ender) -> None:
    """Tell `ender` when the process ends."""
    if state.pid != os.getpid():
        # A forked child that starts a run of its own: the parent's are not its own.
        state.pid = os.getpid()
        state.enders = []
        state.ending = Ending()
        if state.installed:
            watch_child()
    if ender not in state.enders:
        state.enders.append(ender)
    install()


def forget(ender: Ender) -> None:
    """Tell it nothing any more."""
    if ender in state.enders:
        state.enders.remove(ender)


def install() -> None:
    if not state.installed:
        state.installed = True
        atexit.register(at_exit)
        watch_child()
        state.sys_exit, sys.exit = sys.exit, noting_exit  # type: ignore[assignment]
        state.excepthook, sys.excepthook = sys.excepthook, noting_exception
        main = sys.modules.get("__main__")
        # `from sys import exit` before the first run bound the original.
        for name in ("exit", "sys_exit"):
            if main is not None and getattr(main, name, None) is state.sys_exit:
                setattr(main, name, noting_exit)
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            watch_signal(number)


def watch_child() -> None:
    """A child of multiprocessing ends without the interpreter's hooks: it has its own."""
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None:
        return
    from multiprocessing import util

    util.Finalize(None, child_exit, exitpriority=0)


def child_exit() -> None:
    """Called in the `finally` of a child's work: what was raised is still being handled."""
    kind, error, _ = sys.exc_info()
    if kind is None:
        tell_here(Ending(0))
    elif issubclass(kind, SystemExit):
        tell_here(Ending(code_of(getattr(error, "code", None))))
    else:
        tell_here(Ending(1, message=kind.__qualname__))


def watch_signal(number: int) -> None:
    current = signal.getsignal(number)
    # Ignored by the caller (nohup), or set by something that is not Python: left alone.
    if current in (signal.SIG_IGN, None) or current is on_signal:
        return
    if current is signal.SIG_DFL and is_caught(number):
        return
    # A handler that is set again is asked once.
    known = [handler for handler in state.previous.get(number, []) if handler is not current]
    state.previous[number] = [*known, current]
    signal.signal(number, on_signal)


def is_caught(number: int) -> bool:
    """Whether the process has a handler for a signal, of C or of Python."""
    try:
        status = Path("/proc/self/status").read_text()
        _, found, rest = status.partition("\nSigCgt:")
        return bool(found) and bool(int(rest.split(None, 1)[0], 16) >> (number - 1) & 1)
    except (OSError, ValueError, IndexError):
        return False


def after_fork() -> None:
    """A forked child dies by a signal as it would without us: its runs are its parent's."""
    state.handling.clear()
    for number, handlers in state.previous.items():
        if handlers and signal.getsignal(number) is on_signal:
            try:
                signal.signal(number, handlers.pop())
            except ValueError:
                pass  # an interpreter within the interpreter has no signals


os.register_at_fork(after_in_child=after_fork)


def code_of(argument: object) -> int:
    """The exit code of `sys.exit(argument)`."""
    if argument is None:
        return 0
    return argument & 0xFF if isinstance(argument, int) else 1


def noting_exit(status: object = None, /) -> None:
    """`sys.exit`, remembered."""
    state.ending = Ending(code_of(status))
    state.sys_exit(status)


def noting_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """The hook of exceptions that nobody caught, remembered and passed on."""
    if hasattr(sys, "ps1"):
        pass  # a prompt: what a line raised ends nothing
    elif issubclass(kind, KeyboardInterrupt):
        state.ending = Ending(None, signal_number=int(signal.SIGINT), message="KeyboardInterrupt")
    else:
        state.ending = Ending(1, message=kind.__qualname__)
    state.excepthook(kind, error, trace)


def on_signal(number: int, frame: FrameType | None) -> None:
    """Chains to the handler that was there; dies by the signal where none was.

    That handler may call ours in turn, as the one that was there before it: then it is
    asked for the one before. Another signal meanwhile has another frame and begins anew.
    """
    depth = 0
    for under_way in reversed(state.handling):
        if under_way.number == number and frame in (under_way.frame, None):
            depth = under_way.depth + 1
            break
    handlers = state.previous.get(number, [])
    previous = handlers[-1 - depth] if depth < len(handlers) else signal.SIG_DFL
    if callable(previous):
        state.handling.append(Handling(number, frame, depth))
        try:
            previous(number, frame)
        finally:
            state.handling.pop()
        return
    tell_here(Ending(None, signal_number=number, message=signal.Signals(number).name))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def at_exit() -> None:
    """Called by the interpreter when it ends."""
    state.ending.leaving = state.ending.signal is None
    tell_here(state.ending)


def tell_here(ending: Ending) -> None:
    """Tell the runs of this process; a forked child has none of its parent's."""
    if os.getpid() != state.pid:
        return
    for ender in list(reversed(state.enders)):
        ender._end(ending)
    state.enders.clear()
