"""An adapter as a class, and its program: one command on one run directory."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NoReturn

from mlhub_adapter import failure, run_file, schema, seeding
from mlhub_adapter.events import EventWriter
from mlhub_adapter.run import Run

if TYPE_CHECKING:
    from mlhub_adapter.serving import Model, Served
    from mlhub_adapter.worker import Channel

MANIFEST = "adapter.toml"

COMMANDS = ("train", "evaluate", "predict", "export", "index", "search", "defaults")
"""Capabilities with a command; an adapter has those it has methods for."""

SERVING = ("predict", "search")
"""Those that answer requests until the hub ends the conversation."""


class Adapter:
    """The base of adapters. Import frameworks inside the methods, not above them: a typo in
    the params then answers at once, and threads can be pinned before."""

    schema_file = "schema.json"
    """The schema of the params, in the adapter's folder."""

    threads: int | None = 1
    """Threads of numerical libraries. One gives equal bits for equal seeds; None leaves
    them alone."""

    def train(self, run: Run) -> None:
        """Trains, or goes on from a checkpoint; predicts; leaves the model."""
        raise failure.unsupported("command", f"{type(self).__name__} cannot train")

    def load(self, model: Model) -> Served:
        """Loads a trained model to predict or search with."""
        raise NotImplementedError

    def export(self, run: Run, model: Model) -> None:
        """Writes a trained model in the format ``run.export_format``, having compared the
        two."""
        raise NotImplementedError

    def defaults(self, run: Run) -> dict[str, Any]:
        """What libraries take for arguments that the params leave out, made by
        ``mlhub_adapter.defaults.of``; reads no data and trains nothing."""
        raise NotImplementedError

    @property
    def folder(self) -> Path:
        """The adapter's folder: the nearest above the class's file with a manifest."""
        source = Path(inspect.getfile(type(self))).resolve()
        for folder in source.parents:
            if (folder / MANIFEST).is_file():
                return folder
        return source.parent


def main(adapter: Adapter, arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the adapter and ends the process with the protocol's exit code.

    The arguments are ``[COMMAND] [RUN_DIRECTORY]``: ``train``, and ``$MLHUB_RUN_DIR``.
    """
    sys.exit(execute(adapter, sys.argv[1:] if arguments is None else arguments))


def take_project(arguments: list[str]) -> str | None:
    """Takes ``--project FOLDER`` out of a program's arguments and puts the folder first on the
    import path, so that people's code is found there; None without it."""
    if "--project" not in arguments:
        return None
    at = arguments.index("--project")
    if at + 1 == len(arguments):
        print("usage: --project FOLDER", file=sys.stderr)
        sys.exit(failure.CONFIG)
    folder = arguments[at + 1]
    del arguments[at : at + 2]
    sys.path.insert(0, folder)
    return folder


def execute(adapter: Adapter, arguments: Sequence[str]) -> int:
    """Runs one command of the adapter; returns the exit code."""
    rest = list(arguments)
    command = rest.pop(0) if rest and rest[0] in COMMANDS else "train"
    place = rest.pop(0) if rest else os.environ.get("MLHUB_RUN_DIR")
    if rest or not place or not Path(place).is_dir():
        print(
            "usage: PROGRAM [COMMAND] [RUN_DIRECTORY], which must be there; "
            f"commands: {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
        return failure.CONFIG
    channel = None
    if command in SERVING:
        # First of all, so that nothing printed can get between the frames.
        from mlhub_adapter.worker import Channel

        channel = Channel.take_over()
    events = EventWriter(Path(place), name=_writer())
    events.take_over_warnings()
    try:
        _perform(adapter, command, Path(place), events, channel)
    except failure.Stopped:
        return failure.TERMINATED
    except failure.Refused as refusal:
        print(f"error: {refusal.field}: {refusal.message}", file=sys.stderr)
        events.write(error={"field": refusal.field, "message": refusal.message})
        return refusal.code
    return 0


def _perform(
    adapter: Adapter, command: str, run_dir: Path, events: EventWriter, channel: Channel | None
) -> None:
    file = run_file.read(run_dir)
    described = schema.read(adapter.folder / adapter.schema_file)
    run = Run(run_dir, file, params=schema.complete(described, file.params), events=events)
    if adapter.threads is not None and not seeding.pin_threads(adapter.threads):
        run.warning(
            "numpy was imported before its threads could be pinned, so equal seeds may give "
            "other bits; import it inside the adapter's methods"
        )
    if channel is not None:
        from mlhub_adapter import serving, worker

        _provided(adapter, "load")
        model = serving.open_model(run)
        worker.serve(channel, model, adapter.load(model))
    elif command == "export":
        from mlhub_adapter import serving

        _provided(adapter, "export")
        adapter.export(run, serving.open_model(run))
    elif command == "defaults":
        from mlhub_adapter import defaults

        _provided(adapter, "defaults")
        defaults.write(run_dir, adapter.defaults(run))
    else:
        _method(adapter, command)(run)


def _provided(adapter: Adapter, method: str) -> None:
    """Refuses a command before its model is looked for, where the adapter has none of it."""
    if getattr(type(adapter), method) is getattr(Adapter, method):
        name = type(adapter).__name__
        raise failure.unsupported("command", f"{name} has no method {method}")


def _method(adapter: Adapter, command: str) -> Callable[[Run], Any]:
    # Evaluating trained models is training's last part unless the adapter knows better.
    found = getattr(adapter, command, adapter.train if command == "evaluate" else None)
    if not callable(found):
        name = type(adapter).__name__
        raise failure.unsupported("command", f"{name} has no method {command}")
    method: Callable[[Run], Any] = found
    return method


def _writer() -> str:
    """A file of events per process: those of other ranks are apart from the first one's."""
    rank = os.environ.get("RANK", "0")
    return "main" if rank == "0" or not rank.isdigit() else f"rank-{rank}"
