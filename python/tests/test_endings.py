"""How processes end, and what is recorded of it: exit codes, exceptions, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import INIT, WAIT_SECONDS, Program
from reader import read_run


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("", 0, (0, None)),
        ("sys.exit()", 0, (0, None)),
        ("sys.exit(3)", 3, (3, None)),
        ("sys.exit('bad')", 1, (1, None)),
        ("raise SystemExit(3)", 3, (3, None)),
        ("raise SystemExit", 0, (0, None)),
        ("raise SystemExit('bad')", 1, (1, None)),
        ("raise SystemExit(-1)", 255, (255, None)),
        ("exit(5)", 5, (5, None)),
        ("import argparse; argparse.ArgumentParser().parse_args(['--no'])", 2, (2, None)),
        ("try: sys.exit(3)\nexcept SystemExit: pass", 0, (0, None)),
        ("raise ValueError('x')", 1, (1, None)),
        ("run.finish(5)", 0, (5, None)),
        ("with run: pass", 0, (0, None)),
        ("with run: raise RuntimeError", 1, (1, None)),
        ("with run: sys.exit(4)", 4, (4, None)),
        ("raise KeyboardInterrupt", -signal.SIGINT, (None, signal.SIGINT)),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM, (None, signal.SIGTERM)),
        ("os.kill(os.getpid(), 1)", -signal.SIGHUP, (None, signal.SIGHUP)),
    ],
)
def test_an_end_is_recorded_and_left_as_it_is(
    program: Program, code: str, status: int, told: tuple[int | None, int | None]
) -> None:
    done = program.run(INIT + code)
    assert done.returncode == status, done.stderr
    events = program.events()
    exit_file = events.file("exit.json")
    assert (exit_file["code"], exit_file["signal"]) == told
    assert events.series("a") == [(0, 1.0)]


def test_a_console_script_tells_its_code(program: Program) -> None:
    """As pip writes them: `sys.exit(main())`, and `exit` bound before the run began."""
    (program.folder / "tool.py").write_text(
        "from sys import exit\nimport mlhub\n"
        "def main():\n    mlhub.init('p').log({'a': 1.0}, step=0)\n    return 4\n"
        "def leave():\n    mlhub.init('p').log({'a': 1.0}, step=0)\n    exit(6)\n"
    )
    assert program.run("import sys, tool\nsys.exit(tool.main())\n").returncode == 4
    assert program.run("import tool\ntool.leave()\n").returncode == 6
    runs = [read_run(file.parent) for file in program.directories()]
    assert sorted(run.file("exit.json")["code"] for run in runs) == [4, 6]


def test_an_end_within_the_end_leaves_what_was_known(program: Program) -> None:
    """A hook that runs after ours and calls `_exit`: nobody sees the code."""
    done = program.run("import atexit, os\natexit.register(os._exit, 0)\n" + INIT)
    assert done.returncode == 0, done.stderr
    events = program.events()
    assert not (events.path / "exit.json").exists()
    assert events.file("leaving.json")["code"] == 0


def test_a_prompt_ends_well_whatever_was_typed(program: Program) -> None:
    done = program.run(
        "import sys\nsys.ps1 = '> '\n"
        + INIT
        + "sys.excepthook(ValueError, ValueError('typed'), None)\n"
    )
    assert done.returncode == 0, done.stderr
    events = program.events()
    assert events.file("exit.json")["code"] == 0
    assert "exit" not in events.joined("tags")


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(("end", "code"), [("pass", 0), ("sys.exit(3)", 3), ("1 / 0", 1)])
def test_children_end_runs_of_their_own(program: Program, method: str, end: str, code: int) -> None:
    done = program.run(f"""
import multiprocessing, mlhub, sys

def work():
    mlhub.init('p', name='own', reinit='create_new').log({{'a': 1.0}}, step=0)
    {end}

if __name__ == '__main__':
    child = multiprocessing.get_context('{method}').Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == {code}, child.exitcode
""")
    assert done.returncode == 0, done.stderr
    events = program.events()
    assert events.file("exit.json")["code"] == code
    assert events.series("a") == [(0, 1.0)]


def test_an_exception_is_shown_as_ever(program: Program) -> None:
    done = program.run(INIT + "raise ValueError('the cause')")
    assert "ValueError: the cause" in done.stderr
    events = program.events()
    assert "ValueError: the cause" in (events.path / "stderr.log").read_text()
    assert events.joined("tags")["exit"] == "ValueError"


def test_a_handler_that_was_there_is_called(program: Program) -> None:
    code = (
        "import signal, os\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('mine', flush=True))\n"
        + INIT
        + "os.kill(os.getpid(), 15)\nrun.log({'a': 2.0}, step=1)\nprint('goes on')\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["mine", "goes on"]
    events = program.events()
    assert events.file("exit.json")["code"] == 0
    assert len(events.series("a")) == 2


def test_a_disk_that_is_full_takes_the_points_and_not_the_end(tmp_path: Path) -> None:
    """On a file system of its own, mounted where only this test's processes see it."""
    code = (
        "import mlhub, os, shutil, sys\n"
        "run = mlhub.init('p', mode='offline', dir=sys.argv[1], capture=False, run_id='full1')\n"
        "with open(sys.argv[1] + '/filler', 'wb', buffering=0) as file:\n"
        "    try:\n        while True: file.write(bytes(4096))\n    except OSError: pass\n"
        "for step in range(100_000): run.log({'a': 1.0}, step=step)\n"
        "assert run.dropped > 0\n"
        "print('trained')\n"
        "if sys.argv[2] == 'finish': run.finish()\n"
        "raise SystemExit(3)\n"
    )
    script = tmp_path / "train.py"
    script.write_text(code)
    disk = tmp_path / "disk"
    disk.mkdir()
    for ending, expected in (("finish", 0), ("leave", 3)):
        told = tmp_path / ending
        steps = (
            f"mount -t tmpfs -o size=2m story '{disk}' && '{sys.executable}' '{script}' '{disk}' "
            f"{ending}; cp '{disk}/full1/1/exit.json' '{told}'"
        )
        root = [] if os.geteuid() == 0 else ["--map-root-user"]
        done = subprocess.run(
            ["unshare", *root, "--mount", "sh", "-c", steps],
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert "trained" in done.stdout, done.stderr
        assert json.loads(told.read_text())["code"] == expected, done.stderr


def test_a_notebook_runs_cells(program: Program) -> None:
    """Cells share one namespace, and an exception in one ends nothing."""
    code = (
        "import mlhub, code\n"
        "console = code.InteractiveConsole()\n"
        "console.push('import mlhub')\n"
        "console.push(\"run = mlhub.init('p', name='first')\")\n"
        "console.push('1 / 0')\n"
        "console.push(\"run.log({'a': 1})\")\n"
        "console.push(\"run = mlhub.init('p', name='second')\")\n"
        "console.push(\"run.log({'a': 2})\")\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    runs = [read_run(file.parent) for file in program.directories()]
    assert sorted(run.file("sdk.json")["run"]["name"] for run in runs) == ["first", "second"]
    assert sorted(value for run in runs for _, value in run.series("a")) == [1.0, 2.0]


def test_a_signal_while_the_program_writes_ends_the_run_all_the_same(program: Program) -> None:
    """Python refuses to enter a buffered stream twice, which must not undo the end."""
    code = INIT + (
        "class Busy:\n"
        "    def write(self, text): raise RuntimeError('reentrant call inside')\n"
        "    def flush(self): pass\n"
        "sys.__stderr__ = Busy()\nos.kill(os.getpid(), 15)\nprint('goes on')\n"
    )
    done = program.run(code)
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert program.events().file("exit.json")["signal"] == signal.SIGTERM


def test_a_handler_that_calls_the_one_before_it_is_asked_once(program: Program) -> None:
    """One that was set after ours calls ours in turn; the next run must not make a circle."""
    code = (
        "import signal\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('first', flush=True))\n" + INIT + "\n"
        "before = signal.getsignal(signal.SIGTERM)\n"
        "def mine(number, frame):\n    print('mine', flush=True)\n    before(number, frame)\n"
        "signal.signal(signal.SIGTERM, mine)\n"
        "for _ in range(3): run = mlhub.init('p')\n"
        "for _ in range(2): os.kill(os.getpid(), 15)\n"
        "print('goes on')\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:5] == ["mine", "first", "mine", "first", "goes on"]


def test_a_signal_while_a_handler_runs_calls_it_again(program: Program) -> None:
    code = (
        "import signal, os\nseen = []\n"
        "def mine(*_):\n"
        "    seen.append(1)\n"
        "    if len(seen) < 3: os.kill(os.getpid(), 15)\n"
        "signal.signal(signal.SIGTERM, mine)\n" + INIT + "os.kill(os.getpid(), 15)\n"
        "while len(seen) < 3: pass\nprint('goes on')\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "goes on\n"


@pytest.mark.parametrize("handler", ["signal.SIG_DFL", "print"])
def test_a_fork_has_the_handlers_that_were_there(program: Program, handler: str) -> None:
    code = (
        f"import signal\nsignal.signal(signal.SIGTERM, {handler})\n"
        + INIT
        + (
            "ours = signal.getsignal(signal.SIGTERM)\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            f"    os._exit(7 if signal.getsignal(signal.SIGTERM) == {handler} else 8)\n"
            "_, status = os.waitpid(pid, 0)\n"
            "assert os.waitstatus_to_exitcode(status) == 7\n"
            "assert signal.getsignal(signal.SIGTERM) is ours\n"
        )
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr


def test_a_handler_of_c_is_left_alone(program: Program) -> None:
    """Python does not know it: it says that the default is in place."""
    code = (
        "import faulthandler, signal\nfaulthandler.register(signal.SIGTERM)\n"
        + INIT
        + "os.kill(os.getpid(), 15)\nprint('goes on')\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "goes on\n"
    assert "most recent call first" in done.stderr
    assert program.events().file("exit.json")["code"] == 0


@pytest.mark.parametrize(
    ("end", "status"),
    [("os.kill(os.getpid(), 15)", -signal.SIGTERM), ("raise KeyboardInterrupt", -signal.SIGINT)],
)
def test_an_end_of_the_process_within_the_end_of_its_run(
    program: Program, end: str, status: int
) -> None:
    code = INIT + (
        "class Slow:\n"
        f"    def wait(self, seconds): {end}\n"
        "run._capture = Slow()\nrun.finish(5)\nprint('goes on')\n"
    )
    done = program.run(code)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    told = program.events().file("exit.json")
    assert (told["code"], told["signal"]) == (5, None)
