"""`mlhub.init`: from arguments and environment to a run, and which run is current.

What the machine refuses (a full disk, a missing command) gives a run that records
nothing and says so; only wrong arguments raise.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _current, _ending, _place
from ._config import plain
from ._console import CONSOLE_MODES
from ._files import VERSION, is_same_process, process_identity, read_json, write_json
from ._keeping import describe_error
from ._place import CHILD_VARIABLE, Place, Ranks
from ._problems import MlhubError, Problems
from ._run import Run, now_ms, tags_of
from ._values import flatten, number_of, to_jsonable, type_name

__all__ = ["current", "init"]

MODES = ("online", "offline", "disabled")
REINIT = ("finish_previous", "return_previous", "create_new")
SYSTEM_INTERVAL_SECONDS = 2
DEFAULT_PROJECT = "default"
ID_MAX = 64
INHERITED = os.environ.get(CHILD_VARIABLE)
"""The run directory of the process that made this one, before there is one of its own."""

_lock = threading.RLock()

os.register_at_fork(after_in_child=lambda: globals().update(_lock=threading.RLock()))


def init(
    project: str | None = None,
    *,
    name: str | None = None,
    config: Any = None,
    mode: str | None = None,
    dir: str | os.PathLike[str] | None = None,
    tags: Mapping[str, Any] | Sequence[str] | None = None,
    notes: str = "",
    group: str | None = None,
    experiment: str | None = None,
    seed: int | None = None,
    resume: bool = False,
    resume_step: int | None = None,
    run_id: str | None = None,
    strict: bool = False,
    console: str = "auto",
    capture: bool = True,
    reinit: str = "finish_previous",
) -> Run:
    """Start a run, and make it the current one.

    `project`, `name`, `experiment`, `group`, `tags`, `notes` and `seed` say what it is.
    `config` is a mapping or an object with fields; nested names are joined by dots.
    `mode` is `online` (shipped while it runs), `offline` (kept on disk until
    `mlhub sync`) or `disabled` (nothing is recorded). `dir` is the folder for run
    directories, else the data directory's. `run_id` names the run; with `resume` it
    goes on with that one, and what it logged after `resume_step` is superseded.
    `console` is `auto`, `wrap`, `fd` or `off`; `capture=False` leaves code, packages
    and machine out. `reinit` says what becomes of a run that is current already:
    `finish_previous`, `return_previous`, or `create_new` (which leaves it alone).

    With `strict` problems are raised as MlhubError; else they are told once and the
    training goes on. Inside a run started by `mlhub run`, in a child of
    `multiprocessing`, and in ranks of one training, this joins the run there is.

    Raises ValueError or TypeError for arguments that make no sense.
    """
    environment = os.environ
    project = project or environment.get("MLHUB_PROJECT") or DEFAULT_PROJECT
    mode = mode or environment.get("MLHUB_MODE") or "online"
    choice("mode", mode, MODES)
    choice("reinit", reinit, REINIT)
    choice("console", console, CONSOLE_MODES)
    run_id = run_id or environment.get("MLHUB_RUN_ID")
    check_id(run_id)
    seed, resume_step = whole("seed", seed), whole("resume_step", resume_step)
    resume = resume or environment.get("MLHUB_RESUME", "").lower() in ("1", "true", "yes")
    if resume and run_id is None:
        raise ValueError("resume needs run_id: which run is to go on?")
    try:
        values = plain(config) if config is not None else {}
    except RecursionError:
        raise ValueError("config refers to itself, or is nested too deeply") from None
    if not isinstance(values, dict):
        raise TypeError("config takes a mapping or an object with fields")
    with _lock:
        previous = current()
        own = reinit == "create_new"
        if previous is not None and previous._pid != os.getpid() and not own:
            return previous  # a forked child: it writes a file of its own
        if previous is not None and reinit == "return_previous":
            return previous
        if previous is not None and reinit == "finish_previous":
            previous.finish()
        problems = Problems(strict=strict)
        asked = {
            "project": project,
            "name": name or environment.get("MLHUB_NAME"),
            "experiment": experiment,
            "group": group or environment.get("MLHUB_GROUP"),
            "tags": tags_of(tags),
            "notes": str(notes),
            "seed": seed,
            "config": values,
            "resume": {"step": resume_step} if resume else None,
            "capture": capture,
            "own": own,
        }
        run = start(asked, mode, dir, run_id, problems, console)
        _current.enter(run)
    return run


def choice(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}; got `{value}`")


def whole(name: str, value: Any) -> int | None:
    """A whole number of any library as Python's. Raises ValueError for anything else."""
    number = None if value is None or isinstance(value, str) else number_of(value)
    if value is not None and (number is None or not number.is_integer()):
        raise ValueError(f"{name} must be a whole number, not {type_name(value)}")
    exact = None if number is None else int(value)
    if exact is not None and not -(2**63) <= exact < 2**63:
        raise ValueError(f"{name} must fit into 64 bits")
    return exact


def check_id(run_id: str | None) -> None:
    """Raises ValueError for what the hub takes for no run id."""
    if run_id is None:
        return
    plain_text = all(mark.isascii() and (mark.isalnum() or mark in "-_") for mark in run_id)
    if not (4 <= len(run_id) <= ID_MAX and plain_text and run_id[0].isalnum()):
        raise ValueError(
            f"run_id takes 4 to {ID_MAX} letters, digits, `-` and `_`, starting with a letter "
            f"or digit; got `{run_id}`"
        )


def start(
    asked: dict[str, Any],
    mode: str,
    folder: Any,
    run_id: str | None,
    problems: Problems,
    console: str,
) -> Run:
    """A run in its directory; one that records nothing when there can be none."""
    ranks = _place.ranks_of(os.environ)
    if mode == "disabled":
        return disabled(asked, run_id, ranks, problems)
    try:
        place = find_place(asked, mode, folder, run_id, ranks)
        return open_run(asked, mode, place, ranks, problems, console)
    except Exception as error:  # a machine without a home, a library half loaded
        problems.report("init", f"nothing is recorded: {describe_error(error)}", error=error)
        return disabled(asked, run_id, ranks, problems)


def disabled(asked: dict[str, Any], run_id: str | None, ranks: Ranks, problems: Problems) -> Run:
    return Run(
        run_id=run_id or _place.new_id(),
        project=asked["project"],
        name=asked["name"],
        mode="disabled",
        place=None,
        ranks=ranks,
        problems=problems,
        config=asked["config"],
    )


def find_place(
    asked: dict[str, Any], mode: str, folder: Any, run_id: str | None, ranks: Ranks
) -> Place:
    """The run directory this process writes into; made when it has to be. Raises OSError."""
    environment = os.environ
    supervised = environment.get("MLHUB_RUN_DIR")
    if supervised:
        path = Path(supervised)
        identity = (read_json(path / "run.json") or {}).get("run") or {}
        known = str(identity.get("id") or run_id or path.parent.name)
        (path / "events").mkdir(parents=True, exist_ok=True)
        return Place(path, known, f"sdk-{_place.writer_name(ranks)}-{os.getpid()}", False, True)
    parent = None if asked["own"] else parent_run(environment)
    if parent is None and ranks.world_size > 1 and not asked["own"]:
        parent = launcher_run(environment)
    if parent is not None and run_id is None:
        return joined(parent)
    if run_id is None and ranks.world_size > 1:
        run_id = _place.shared_id(environment, ranks)
    runs = _place.runs_folder(environment, folder)
    if run_id is None:
        run_id = _place.new_id()
    base = runs / run_id
    path = base / _place.ATTEMPT
    if ranks.world_size > 1:
        return rank_place(asked, mode, base, run_id, ranks)
    if asked["resume"] is not None:
        path = _place.next_attempt(base)
    elif (path / "sdk.json").exists():
        _place.refuse_newer(path)
        sdk = read_json(path / "sdk.json") or {}
        if is_same_process(sdk.get("process")) and not (path / "exit.json").exists():
            return joined(path)
        raise MlhubError(
            f"the run `{run_id}` is in {path} already: pass resume=True to go on with it, or "
            "leave run_id out"
        )
    if not _place.make(path, sdk_file(asked, mode, run_id, ranks)):
        return joined(path)
    return Place(path, run_id, _place.writer_name(ranks), True, False)


def parent_run(environment: Mapping[str, str]) -> Path | None:
    """The directory of the run whose process made this one with multiprocessing."""
    named = environment.get(CHILD_VARIABLE)
    multiprocessing = sys.modules.get("multiprocessing.process")
    if not named or multiprocessing is None or multiprocessing.parent_process() is None:
        return None
    path = Path(named)
    return path if (path / "events").is_dir() else None


def launcher_run(environment: Mapping[str, str]) -> Path | None:
    """The directory of the run whose process started this rank of its own training.

    Lightning's first rank is the script as it was started, which knows of no ranks when
    it calls `init`; it starts the others.
    """
    named = environment.get(CHILD_VARIABLE)
    if not named:
        return None
    path = Path(named)
    process = (read_json(path / "sdk.json") or {}).get("process")
    if not is_same_process(process) or process is None or process["pid"] != os.getppid():
        return None
    return path if (path / "events").is_dir() else None


def joined(path: Path) -> Place:
    """A part in a run that another process made."""
    identity = (read_json(path / "sdk.json") or {}).get("run") or {}
    run_id = str(identity.get("id") or path.parent.name)
    return Place(path, run_id, _place.child_writer(), False, False)


def rank_place(asked: dict[str, Any], mode: str, base: Path, run_id: str, ranks: Ranks) -> Place:
    """The directory of this machine's ranks, made by the first of them. Raises MlhubError."""
    writer = _place.writer_name(ranks)
    resumed = asked["resume"] is not None
    if not ranks.told and not ranks.first_here:
        path = _place.wait_for(base, "", resumed, _place.RANK_UNTOLD_WAIT_SECONDS)
        if path is not None:
            return Place(path, run_id, writer, False, False)
        # Rank 0 is on another machine then, as with one process per container.
        ranks = ranks._replace(main_machine=False, first_here=True)
    ending = "" if ranks.main_machine else f"-{_place.safe(os.uname().nodename)}"
    if not ranks.first_here:
        path = _place.wait_for(base, ending, resumed, _place.RANK_WAIT_SECONDS)
        if path is None:
            raise MlhubError(
                f"rank {ranks.rank}: the first rank of this machine made no run directory in "
                f"{base} within {_place.RANK_WAIT_SECONDS:.0f} s; call mlhub.init() in every rank "
                "or only in rank 0"
            )
        return Place(path, run_id, writer, False, False)
    path = _place.next_attempt(base, ending) if resumed else base / f"{_place.ATTEMPT}{ending}"
    if (path / "exit.json").exists():
        raise MlhubError(
            f"the run `{run_id}` is in {path} already, and has ended: pass resume=True to go on "
            "with it, or use another MLHUB_RUN_ID"
        )
    made = _place.make(path, sdk_file(asked, mode, run_id, ranks))
    return Place(path, run_id, writer, made, False, ranks.main_machine)


def sdk_file(asked: dict[str, Any], mode: str, run_id: str, ranks: Ranks) -> dict[str, Any]:
    """`sdk.json`: what the forwarder makes the run from. Holds no secret."""
    from ._capture import command, redact_mapping

    config = redact_mapping(to_jsonable(asked["config"]))
    identity = {"id": run_id, "project": asked["project"]}
    for key in ("name", "experiment", "group"):
        if asked[key]:
            identity[key] = str(asked[key])
    url = os.environ.get("MLHUB_URL")
    return {
        "version": VERSION,
        "run": identity,
        "role": "main" if ranks.main_machine else "worker",
        "mode": mode,
        "hub": None if url else {"data_dir": str(_place.data_dir(os.environ))},
        "seed": asked["seed"],
        "params": flatten(config),
        "config": config,
        "tags": redact_mapping(asked["tags"]),
        "notes": asked["notes"],
        "snapshot": {"version": 1, "command": command()},
        "capture_pending": bool(asked["capture"]),
        "process": process_identity(),
        "started_at_ms": now_ms(),
        "host": os.uname().nodename,
        "resume": asked["resume"],
        "stoppable": not in_notebook(),
        "system_interval_seconds": SYSTEM_INTERVAL_SECONDS,
    }


def in_notebook() -> bool:
    """Whether a kernel, not a script, runs this code."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def open_run(
    asked: dict[str, Any],
    mode: str,
    place: Place,
    ranks: Ranks,
    problems: Problems,
    console: str,
) -> Run:
    """Open the event file, start capture and forwarder. Raises OSError."""
    from ._native import Writer

    writer = Writer(str(place.path / "events" / f"{place.writer}.mlog"))
    values = dict(asked["config"])
    known = read_json(place.path / ("run.json" if place.supervised else "sdk.json")) or {}
    project = str((known.get("run") or {}).get("project") or asked["project"])
    name = (known.get("run") or {}).get("name") or asked["name"]
    if not place.owner:
        told = known.get("params" if place.supervised else "config")
        values = {**values, **(told if isinstance(told, dict) else {})}
    run = Run(
        run_id=place.run_id,
        project=project,
        name=name,
        mode=mode,
        place=place,
        ranks=ranks,
        problems=problems,
        config=values,
        console="wrap" if console == "auto" else console,
        writer=writer,
    )
    if not place.owner and asked["config"]:
        # What the run was started with stays; what is new is told.
        new = {key: item for key, item in flatten(asked["config"]).items()}
        run._tell_params(new)
    if place.supervised and asked["tags"]:
        run._event({"tags": asked["tags"]})
    if ranks.world_size > 1:
        _place.write_rank(place.path, place.writer, ranks, run._started_at_ms, None)
    run._tell_seeds("init")
    _ending.watch(run)
    if place.owner:
        begin(run, asked, mode)
    return run


def begin(run: Run, asked: dict[str, Any], mode: str) -> None:
    """What the process that made the directory does besides."""
    from ._capture import start as start_capture

    path = run.path
    assert path is not None
    os.environ[CHILD_VARIABLE] = str(path)
    try:
        _place.keep_room(path)
    except OSError:
        pass  # then the end needs room of its own
    if asked["capture"]:
        try:
            run._capture = start_capture(path)
        except OSError as error:
            text = f"code and machine are not recorded: {describe_error(error)}"
            run._problems.report("capture", text, error=error)
            write_json(path / "capture.json", {"warnings": [text]})
    if mode == "online":
        reason = _place.start_forwarder(path, os.environ)
        if reason is not None:
            run._problems.report(
                "forwarder",
                f"the run is kept on disk only: {reason}; ship it with: mlhub sync {path}",
            )


def current() -> Run | None:
    """The run of the latest `init` that has not ended; None when there is none."""
    return _current.run


def ended(run: Run) -> None:
    """Called by a run when it ends."""
    _current.leave(run)
    if run.path is None or os.environ.get(CHILD_VARIABLE) != str(run.path):
        return
    outer = _current.run.path if _current.run is not None else None
    if outer is None and INHERITED:
        outer = parent_run({CHILD_VARIABLE: INHERITED})
    if outer is None or outer == run.path:
        del os.environ[CHILD_VARIABLE]
    else:
        os.environ[CHILD_VARIABLE] = str(outer)
