"""Where a run lives: its id, its rank, its directory, and the command that ships it.

Reads the environment and makes directories; knows nothing of the Run object.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from . import _children
from ._files import (
    VERSION,
    boot_id,
    is_same_process,
    process_identity,
    read_json,
    start_ticks,
    write_json,
)
from ._problems import MlhubError

__all__ = ["Place", "Ranks", "data_dir", "find_binary", "new_id", "ranks_of"]

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Of run ids: Crockford's base 32, as the hub's own."""
ID_LENGTH = 12
ATTEMPT = "1"
"""The first attempt's folder."""
RANK_WAIT_SECONDS = 60.0
"""How long a rank waits for the directory its machine's first rank makes."""
RANK_UNTOLD_WAIT_SECONDS = 5.0
"""The same where nothing tells that there is another rank on this machine."""
RANK_POLL_SECONDS = 0.02
ROOM = "exit.room"
"""Becomes `exit.json`; the native module knows it by this name too."""
ROOM_BYTES = 512
FOLDERS = ("events", "checkpoints", "predictions", "artifacts")
CHILD_VARIABLE = "MLHUB_CURRENT_RUN_DIR"
"""Tells multiprocessing children which run they belong to."""


class Ranks(NamedTuple):
    """Which of how many processes of one training this is."""

    rank: int
    world_size: int
    main_machine: bool
    """Whether rank 0 runs on this machine."""
    first_here: bool
    """Whether this is the rank that makes the run directory of its machine."""
    told: bool = True
    """Whether the environment tells which ranks share a machine."""


class Place(NamedTuple):
    """The directory of a run, and this process's part in it."""

    path: Path
    run_id: str
    writer: str
    """Name of the event file, without its ending."""
    owner: bool
    """Whether this process made the directory and tells the run's end."""
    supervised: bool
    """Whether `mlhub run` started the program and minds it."""
    main_machine: bool = True
    """Whether rank 0 writes into this directory, whose end is the run's."""


def new_id() -> str:
    """A fresh run id: 60 bits of the system's entropy."""
    return "".join(ALPHABET[byte & 31] for byte in os.urandom(ID_LENGTH))


def derived_id(*parts: object) -> str:
    """The same id in every process that knows the same parts."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return "".join(ALPHABET[byte & 31] for byte in digest[:ID_LENGTH])


def first_number(environment: Mapping[str, str], *names: str) -> int | None:
    for name in names:
        try:
            return int(environment[name])
        except (KeyError, ValueError):
            continue
    return None


def ranks_of(environment: Mapping[str, str]) -> Ranks:
    """The ranks as torchrun, Lightning, Open MPI, Slurm or MLHUB_RANK tell them."""
    world = first_number(
        environment, "MLHUB_WORLD_SIZE", "WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"
    )
    rank = first_number(environment, "MLHUB_RANK", "RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
    local = first_number(
        environment, "LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID", "MPI_LOCALRANKID"
    )
    node = first_number(environment, "GROUP_RANK", "NODE_RANK", "SLURM_NODEID")
    if world is None and "SLURM_STEP_ID" in environment and "SLURM_PROCID" in environment:
        world = first_number(environment, "SLURM_NTASKS", "SLURM_NPROCS")
        rank = first_number(environment, "SLURM_PROCID")
    if rank is None and world is not None and local is not None and node in (None, 0):
        rank = local
    if world is None or world < 2 or rank is None:
        return Ranks(0, 1, True, True)
    per_machine = first_number(environment, "LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE")
    if node is not None:
        main_machine = node == 0
    elif per_machine is not None:
        main_machine = rank < per_machine
    else:
        main_machine = local is None or local == rank
    first_here = rank == 0 if main_machine else (local == 0 or local is None)
    told = any(number is not None for number in (local, node, per_machine))
    return Ranks(rank, world, main_machine, first_here, told)


def shared_id(environment: Mapping[str, str], ranks: Ranks) -> str:
    """One id for all ranks, when nothing names the run.

    Every rank that starts runs one after the other starts the same ones, so that its
    first run is the first of the others. Raises MlhubError when the ranks have nothing
    in common to derive it from.
    """
    names = (
        "MASTER_ADDR",
        "MASTER_PORT",
        "SLURM_JOB_ID",
        "SLURM_STEP_ID",
        "OMPI_MCA_ess_base_jobid",
    )
    known = [f"{name}={environment[name]}" for name in names if environment.get(name)]
    job = environment.get("TORCHELASTIC_RUN_ID", "")
    known.append(f"job={job}")
    known.append(f"restart={environment.get('TORCHELASTIC_RESTART_COUNT', '')}")
    one_machine = environment.get("LOCAL_WORLD_SIZE") == str(ranks.world_size)
    if one_machine:
        # All ranks are children of one launcher; its identity tells jobs apart that
        # use one port after another.
        parent = os.getppid()
        known.append(f"launcher={boot_id()}/{parent}/{start_ticks(parent)}")
    elif job in ("", "none") and not {"SLURM_JOB_ID", "MASTER_ADDR"} & environment.keys():
        raise MlhubError(
            f"rank {ranks.rank} of {ranks.world_size} does not know its run: set the same "
            "MLHUB_RUN_ID for every rank, or pass run_id= to mlhub.init()"
        )
    number = next(shared_runs)
    if number:
        known.append(f"run={number}")
    return derived_id("mlhub ranks v1", ranks.world_size, *known)


shared_runs = itertools.count()
"""Numbers the runs of this process that are shared with other ranks."""


def data_dir(environment: Mapping[str, str]) -> Path:
    """The data directory as the command line finds it: MLHUB_DATA_DIR, or ~/.mlhub."""
    named = environment.get("MLHUB_DATA_DIR")
    return Path(named).absolute() if named else Path.home() / ".mlhub"


def runs_folder(environment: Mapping[str, str], folder: os.PathLike[str] | str | None) -> Path:
    """The folder that run directories are made in."""
    named = os.fspath(folder) if folder is not None else environment.get("MLHUB_DIR")
    return Path(named).absolute() if named else data_dir(environment) / "runs"


def writer_name(ranks: Ranks) -> str:
    """A name no other process of the run has."""
    if ranks.world_size > 1:
        return f"rank{ranks.rank}-{safe(os.uname().nodename)}-{os.getpid()}"
    return "main"


def child_writer() -> str:
    """The name of a process that joins a run another process made."""
    return f"child-{safe(os.uname().nodename)}-{os.getpid()}"


def safe(text: str) -> str:
    """Text that is fine as part of a file name."""
    return "".join(mark if mark.isalnum() and mark.isascii() else "-" for mark in text)[:60] or "x"


def make(path: Path, sdk: dict[str, Any]) -> bool:
    """Make a run directory whole; False when somebody made it before.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.parent / f".making-{path.name}-{os.getpid()}-{os.urandom(4).hex()}"
    making.mkdir()
    try:
        for folder in FOLDERS:
            (making / folder).mkdir()
        write_json(making / "sdk.json", sdk)
        # Renaming onto an empty folder would succeed: one that is there is taken.
        if path.exists():
            return False
        os.rename(making, path)
    except FileExistsError:
        return False
    except OSError:
        if path.exists():
            return False
        raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return True


def next_attempt(base: Path, ending: str = "") -> Path:
    """The first number no attempt of this run has here yet."""
    number = 1
    while (base / f"{number}{ending}").exists():
        number += 1
    return base / f"{number}{ending}"


def wait_for(base: Path, ending: str, resumed: bool, seconds: float) -> Path | None:
    """Wait until the directory of this machine's first rank is there.

    Of a run that goes on it is the attempt whose first rank is running now.
    """
    deadline = time.monotonic() + seconds
    while True:
        number = 1
        if resumed:
            while (base / f"{number + 1}{ending}").exists():
                number += 1
        found = base / f"{number}{ending}"
        sdk = read_json(found / "sdk.json")
        running = sdk is not None and is_same_process(sdk.get("process"))
        if sdk is not None and (not resumed or (running and not (found / "exit.json").exists())):
            return found
        if time.monotonic() > deadline:
            return None
        time.sleep(RANK_POLL_SECONDS)


def refuse_newer(path: Path) -> None:
    """Raises MlhubError for a directory a later SDK made."""
    file = read_json(path / "sdk.json") or {}
    version = file.get("version", VERSION)
    if isinstance(version, int) and version > VERSION:
        raise MlhubError(
            f"{path} has version {version} and this SDK knows up to {VERSION}: use a newer mlhub"
        )


def write_rank(
    path: Path, writer: str, ranks: Ranks, started_at_ms: int, ended: int | None
) -> None:
    """Tell that this rank runs, or has ended. Raises OSError."""
    folder = path / "ranks"
    folder.mkdir(exist_ok=True)
    write_json(
        folder / f"{writer}.json",
        {
            "version": VERSION,
            "rank": ranks.rank,
            "world_size": ranks.world_size,
            "host": os.uname().nodename,
            "process": process_identity(),
            "started_at_ms": started_at_ms,
            "ended_at_ms": ended,
        },
    )


def keep_room(path: Path) -> None:
    """Room for the last word, so that a full disk does not take it. Raises OSError."""
    (path / ROOM).write_bytes(b" " * ROOM_BYTES)


def write_end(path: Path, told: dict[str, Any]) -> None:
    """Write `exit.json`, in the room that was kept. Raises OSError."""
    text = json.dumps(told).encode()
    room = path / ROOM
    try:
        with open(room, "r+b", buffering=0) as file:
            file.write(text.ljust(ROOM_BYTES))
        os.replace(room, path / "exit.json")
    except OSError:
        write_json(path / "exit.json", told)


def find_binary(environment: Mapping[str, str]) -> str | None:
    """The `mlhub` command: MLHUB_BINARY, beside this interpreter, or on the PATH."""
    named = environment.get("MLHUB_BINARY")
    if named:
        # A forwarder is started in another folder.
        return os.path.abspath(named) if os.sep in named else named
    beside = Path(sys.executable or "").parent / "mlhub"
    if beside.is_file() and os.access(beside, os.X_OK):
        return str(beside)
    import sysconfig

    script = Path(sysconfig.get_path("scripts")) / "mlhub"
    if script.is_file() and os.access(script, os.X_OK):
        return str(script)
    return shutil.which("mlhub")


def start_forwarder(path: Path, environment: Mapping[str, str]) -> str | None:
    """Start the process that ships the directory; returns why not, if not."""
    binary = find_binary(environment)
    if binary is None:
        return "there is no `mlhub` command beside this Python or on the PATH"
    import subprocess

    _children.collect()
    settings = dict(environment)
    if "MLHUB_DATA_DIR" in settings:
        settings["MLHUB_DATA_DIR"] = str(data_dir(environment))
    try:
        # Detached: it must survive this process. Its own log is in the directory.
        process = subprocess.Popen(
            [binary, "forward", str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            close_fds=True,
            cwd="/",
            env=settings,
        )
    except OSError as error:
        return f"`{binary}` cannot be started: {error.strerror}"
    _children.keep(process)
    return None
