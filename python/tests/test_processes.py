"""Real processes: kills, forks, children, ranks, output, full disks."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from conftest import INIT, Program, wait_until
from reader import read_run


def test_what_was_logged_survives_a_kill(program: Program) -> None:
    code = (
        INIT + "i = 0\nwhile True:\n  i += 1\n  run.log({'a': i}, step=i)\n"
        "  if i % 1000 == 0:\n    print(i, flush=True)\n"
    )
    process = program.start(code)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(5)][-1]
    process.kill()
    rest = process.stdout.read().split()
    said = max([said, *map(int, rest[:-1])])
    process.wait()
    series = program.events().series("a")
    assert [step for step, _ in series] == list(range(len(series)))
    assert len(series) > said
    assert not (program.events().path / "exit.json").exists()


def test_a_fork_writes_a_file_of_its_own_and_ends_nothing(program: Program) -> None:
    code = INIT + (
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    run.log({'child': 1.0}, step=0)\n"
        "    sys.exit(9)\n"
        "os.waitpid(pid, 0)\n"
        "run.log({'a': 2.0}, step=1)\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    events = program.events()
    assert events.series("child") == [(0, 1.0)]
    assert events.series("a") == [(0, 1.0), (1, 2.0)]
    assert len(events.writers) == 2
    assert events.file("exit.json")["code"] == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_join_the_run(program: Program, method: str) -> None:
    code = f"""
import multiprocessing, mlhub

def work(number):
    run = mlhub.init('p')
    for step in range(10):
        run.log({{f'worker{{number}}': step}}, step=step)

if __name__ == '__main__':
    run = mlhub.init('p', name='n')
    context = multiprocessing.get_context('{method}')
    workers = [context.Process(target=work, args=(number,)) for number in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
    run.log({{'a': 1.0}}, step=0)
"""
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    events = program.events()
    for number in range(3):
        assert events.series(f"worker{number}") == [(step, float(step)) for step in range(10)]
    assert len(events.writers) == 4
    assert events.file("exit.json")["code"] == 0


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_may_log_without_more_ado(program: Program, method: str) -> None:
    code = f"""
import multiprocessing, mlhub

def work(number):
    for step in range(10):
        mlhub.log({{f'worker{{number}}': step}}, step=step)
    return mlhub.run.id

if __name__ == '__main__':
    run = mlhub.init('p')
    with multiprocessing.get_context('{method}').Pool(2) as pool:
        assert set(pool.map(work, range(4))) == {{run.id}}
        pool.close()
        pool.join()
"""
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    events = program.events()
    for number in range(4):
        assert events.series(f"worker{number}") == [(step, float(step)) for step in range(10)]
    assert events.file("exit.json")["code"] == 0


def test_forked_workers_may_have_runs_of_their_own(program: Program) -> None:
    code = """
import multiprocessing, mlhub

def work(number):
    with mlhub.init('p', name=f'own{number}', reinit='create_new') as run:
        run.log({'a': number}, step=0)
    return run.id

if __name__ == '__main__':
    run = mlhub.init('p', name='parent')
    with multiprocessing.get_context('fork').Pool(2) as pool:
        assert len(set(pool.map(work, range(4))) | {run.id}) == 5
    run.log({'a': 9.0}, step=0)
"""
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    runs = [read_run(file.parent) for file in program.directories()]
    assert sorted(value for run in runs for _, value in run.series("a")) == [0, 1, 2, 3, 9]
    assert all(run.file("exit.json")["code"] == 0 for run in runs)


def test_ranks_are_one_run_with_a_stream_each(program: Program) -> None:
    code = (
        "import mlhub, os\nrun = mlhub.init('p')\nrank = int(os.environ['RANK'])\n"
        "for step in range(20): run.log({f'rank{rank}': step}, step=step)\n"
        "print(run.id)\n"
    )
    common = {
        "WORLD_SIZE": "4",
        "LOCAL_WORLD_SIZE": "4",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29500",
        "TORCHELASTIC_RUN_ID": "none",
    }
    processes = [
        program.start(code, RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in (3, 2, 1, 0)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert len({out for out, _ in outputs}) == 1
    events = program.events()
    for rank in range(4):
        assert events.series(f"rank{rank}") == [(step, float(step)) for step in range(20)]
    assert len(events.writers) == 4
    files = [events.file(f"ranks/{path.name}") for path in (events.path / "ranks").iterdir()]
    assert sorted(file["rank"] for file in files) == [0, 1, 2, 3]
    assert all(file["ended_at_ms"] for file in files)
    assert events.file("exit.json")["code"] == 0


RANKS = {
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "127.0.0.1",
    "MASTER_PORT": "29512",
}


def ranks(program: Program, code: str, **variables: str) -> None:
    """Two ranks at once, the first of them last to start."""
    processes = [
        program.start(code, RANK=rank, LOCAL_RANK=rank, **RANKS, **variables) for rank in "10"
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert not any("nothing is recorded" in err for _, err in outputs), outputs


def test_ranks_go_on_with_a_run(program: Program) -> None:
    code = (
        "import mlhub, os\nrun = mlhub.init('p', resume=os.environ.get('AGAIN') == '1')\n"
        "run.log({'rank' + os.environ['RANK']: 1.0}, step=0)\n"
    )
    ranks(program, code, MLHUB_RUN_ID="trained1")
    ranks(program, code, MLHUB_RUN_ID="trained1", AGAIN="1")
    attempts = sorted(program.runs.glob("trained1/*"))
    assert [path.name for path in attempts] == ["1", "2"]
    for path in attempts:
        events = read_run(path)
        assert events.series("rank0") == events.series("rank1") == [(0, 1.0)]
    assert read_run(attempts[1]).file("sdk.json")["resume"] == {"step": None}


def test_ranks_may_have_several_runs_in_turn(program: Program) -> None:
    code = (
        "import mlhub, os\nfor fold in range(3):\n"
        "    with mlhub.init('p', name=f'fold{fold}') as run:\n"
        "        run.log({'rank' + os.environ['RANK']: fold}, step=0)\n"
        "        # Ranks of a training wait for each other.\n"
        "        while len(list((run.path / 'ranks').glob('*'))) < 2: pass\n"
    )
    ranks(program, code)
    runs = [read_run(file.parent) for file in program.directories()]
    assert len(runs) == 3
    assert sorted(run.series("rank0")[0][1] for run in runs) == [0, 1, 2]
    assert all(run.series("rank0") == run.series("rank1") for run in runs)


def test_the_same_port_again_is_another_run(program: Program) -> None:
    code = "import mlhub\nprint(mlhub.init('p').id)\n"
    common = {
        "WORLD_SIZE": "1",
        "RANK": "0",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29500",
    }
    first, second = program.run(code, **common), program.run(code, **common)
    assert first.stdout != second.stdout


def test_a_full_disk_is_told_once_and_training_goes_on(program: Program) -> None:
    code = (
        "import resource, signal, mlhub\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n"
        "run = mlhub.init('p', console='off', capture=False)\n"
        "for step in range(400_000): run.log({'a': 1.0}, step=step)\n"
        "print('dropped', run.dropped)\n"
        "print('trained')\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert "trained" in done.stdout
    dropped = int(done.stdout.split()[1])
    series = program.events().series("a")
    assert dropped > 0
    assert len(series) + dropped == 400_000
    assert [step for step, _ in series] == list(range(len(series)))
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(warnings) == 1, done.stderr
    counted = re.search(r"(\d+) record\(s\) were dropped", done.stderr)
    assert counted is not None, done.stderr
    # The end of the run has records of its own that find no room either.
    assert dropped <= int(counted[1]) <= dropped + 10


def test_a_folder_that_cannot_be_written_records_nothing(program: Program) -> None:
    code = "import mlhub\nrun = mlhub.init('p')\nrun.log({'a': 1})\nprint(run.mode)\n"
    done = program.run(code, MLHUB_DIR="/proc/nowhere")
    assert done.returncode == 0
    assert done.stdout.strip() == "disabled"
    assert done.stderr.count("nothing is recorded") == 1


def test_strict_raises_at_the_start(program: Program) -> None:
    done = program.run("import mlhub\nmlhub.init('p', strict=True)\n", MLHUB_DIR="/proc/nowhere")
    assert done.returncode == 1
    assert "MlhubError: nothing is recorded" in done.stderr


def test_output_is_kept_and_passed_on(program: Program) -> None:
    code = INIT + (
        "print('to stdout', 'é')\nprint('to stderr', file=sys.stderr)\n"
        "sys.stdout.writelines(['x\\n'])\nrun.finish()\nprint('afterwards')\n"
    )
    done = program.run(code, PYTHONIOENCODING="utf-8")
    assert done.stdout == "to stdout é\nx\nafterwards\n"
    path = program.events().path
    assert (path / "stdout.log").read_text().startswith("to stdout é\n")
    assert "afterwards" not in (path / "stdout.log").read_text()
    assert "to stderr\n" in (path / "stderr.log").read_text()


def test_descriptors_take_in_what_subprocesses_print(program: Program) -> None:
    code = (
        "import mlhub, subprocess\nrun = mlhub.init('p', console='fd')\n"
        "print('from python', flush=True)\nsubprocess.run(['echo', 'from a child'])\n"
        "run.finish()\nprint('afterwards')\n"
    )
    done = program.run(code)
    assert done.stdout == "from python\nfrom a child\nafterwards\n", done.stderr
    assert (program.events().path / "stdout.log").read_text() == "from python\nfrom a child\n"


def test_starting_again_ends_the_run_before(program: Program) -> None:
    code = INIT + (
        "first = run\nsecond = mlhub.init('p')\nassert first.ended and not second.ended\n"
        "assert mlhub.init('p', reinit='return_previous') is second\n"
        "third = mlhub.init('p', reinit='create_new')\n"
        "assert not second.ended and mlhub.run is third\n"
        "third.log({'a': 3})\nsecond.log({'a': 2})\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    runs = [read_run(file.parent) for file in program.directories()]
    assert len(runs) == 3
    assert all(run.file("exit.json")["code"] == 0 for run in runs)


def test_a_run_id_in_use_is_refused_and_resume_goes_on(program: Program) -> None:
    code = "import mlhub\nrun = mlhub.init('p', run_id='myrun1')\nrun.log({'a': 1})\n"
    assert program.run(code).returncode == 0
    again = program.run(code)
    assert "is in" in again.stderr
    assert "resume=True" in again.stderr
    resumed = code.replace("'myrun1'", "'myrun1', resume=True, resume_step=4")
    assert program.run(resumed).returncode == 0
    attempts = sorted(path.name for path in (program.runs / "myrun1").iterdir())
    assert attempts == ["1", "2"]
    assert read_run(program.runs / "myrun1" / "2").file("sdk.json")["resume"] == {"step": 4}


def test_a_decorated_function_is_a_run(program: Program) -> None:
    code = (
        "import mlhub\n"
        "@mlhub.track(project='p', tags=['quick'])\n"
        "def train(lr, epochs=2):\n"
        "    for step in range(epochs): mlhub.log({'a': lr}, step=step)\n"
        "    return 'done'\n"
        "assert train(0.5) == 'done'\n"
        "@mlhub.track\n"
        "def fail(): raise ValueError('x')\n"
        "try: fail()\n"
        "except ValueError: pass\n"
        "assert mlhub.run is None\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    runs = {
        run.file("sdk.json")["run"]["name"]: run
        for run in (read_run(file.parent) for file in program.directories())
    }
    assert runs["train"].file("sdk.json")["params"] == {"lr": 0.5, "epochs": 2}
    assert runs["train"].file("sdk.json")["tags"] == {"quick": "true"}
    assert runs["train"].series("a") == [(0, 0.5), (1, 0.5)]
    assert runs["fail"].file("exit.json")["code"] == 1


def test_inside_a_supervised_run_it_joins_that_one(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "supervised"
    folder.mkdir()
    (folder / "run.json").write_text(
        '{"version": 1, "run": {"id": "abcd1234", "project": "theirs", "experiment": "e", '
        '"name": "n"}, "params": {"lr": 0.25}}'
    )
    code = (
        "import mlhub\nrun = mlhub.init('mine', config={'extra': 1})\n"
        "print(run.id, run.project, run.config.lr, run.config.extra)\nrun.log({'a': 1})\n"
    )
    done = program.run(code, MLHUB_RUN_DIR=str(folder), MLHUB_RUN_ID="abcd1234")
    assert done.stdout == "abcd1234 theirs 0.25 1\n", done.stderr
    assert program.directories() == []
    events = read_run(folder)
    assert events.series("a") == [(0, 1.0)]
    assert events.joined("params") == {"extra": 1}
    assert sorted(path.name for path in folder.iterdir()) == ["events", "run.json"]


def test_the_forwarder_is_started_once_and_detached(program: Program, tmp_path: Path) -> None:
    recorder = tmp_path / "recorder"
    recorder.write_text(
        f"#!{sys.executable}\nimport sys, os, json\n"
        f"open({str(tmp_path / 'called')!r}, 'a').write("
        "json.dumps([sys.argv[1:], os.getsid(0) == os.getpid()]) + '\\n')\n"
    )
    recorder.chmod(0o755)
    done = program.run(INIT, MLHUB_MODE="online", MLHUB_BINARY=str(recorder))
    assert done.returncode == 0, done.stderr
    called = wait_until(
        lambda: (tmp_path / "called").exists() and (tmp_path / "called").read_text(), "it runs"
    )
    path = program.events().path
    assert called == f'[["forward", "{path}"], true]\n'


def test_the_forwarder_finds_what_is_named_from_here(program: Program, tmp_path: Path) -> None:
    recorder = tmp_path / "recorder"
    recorder.write_text(
        f"#!{sys.executable}\nimport os\n"
        f"open({str(tmp_path / 'called')!r}, 'w').write(os.environ['MLHUB_DATA_DIR'] + '\\n')\n"
    )
    recorder.chmod(0o755)
    done = program.run(
        INIT, MLHUB_MODE="online", MLHUB_BINARY="./recorder", MLHUB_DATA_DIR="relative"
    )
    assert done.returncode == 0, done.stderr
    called = tmp_path / "called"
    wait_until(lambda: called.exists() and called.read_text().endswith("\n"), "it runs")
    assert called.read_text() == f"{tmp_path / 'relative'}\n"
    assert program.events().file("sdk.json")["hub"] == {"data_dir": str(tmp_path / "relative")}


def test_a_machine_without_a_home_trains_on(program: Program) -> None:
    code = (
        "import pathlib\n"
        "def home(*_): raise RuntimeError('Could not determine home directory.')\n"
        "pathlib.Path.home = classmethod(home)\n"
        "import mlhub, os\ndel os.environ['MLHUB_DATA_DIR'], os.environ['MLHUB_DIR']\n"
        "run = mlhub.init('p')\nrun.log({'a': 1.0})\nprint(run.mode)\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "disabled\n"
    assert done.stderr.count("nothing is recorded") == 1


def test_a_fork_while_a_problem_is_told_does_not_hang(program: Program) -> None:
    code = INIT + (
        "import threading\n"
        "held, go = threading.Event(), threading.Event()\n"
        "def hold():\n"
        "    with run._problems._lock:\n        held.set()\n        go.wait()\n"
        "thread = threading.Thread(target=hold)\nthread.start()\nheld.wait()\n"
        "pid = os.fork()\n"
        "if pid == 0:\n    run.log({'a': None})\n    os._exit(7)\n"
        "_, status = os.waitpid(pid, 0)\ngo.set()\nthread.join()\n"
        "assert os.waitstatus_to_exitcode(status) == 7\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr


def test_output_is_never_written_into_another_file(tmp_path: Path) -> None:
    """A thread that writes while the run ends keeps the descriptor it writes to."""
    from mlhub._console import Wrapped

    part = Wrapped("stdout", tmp_path / "stdout.log", lambda error: None)
    in_use = part.file
    assert in_use is not None
    part.close()
    other = os.open(tmp_path / "other", os.O_WRONLY | os.O_CREAT)
    os.write(in_use.number, b"late")
    os.close(other)
    assert (tmp_path / "other").read_bytes() == b""
    assert (tmp_path / "stdout.log").read_bytes() == b"late"
    number = in_use.number
    del in_use
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_without_the_command_the_run_is_kept(program: Program) -> None:
    done = program.run(INIT, MLHUB_MODE="online", MLHUB_BINARY="/nowhere/mlhub")
    assert done.returncode == 0
    assert "kept on disk only" in done.stderr
    assert program.events().series("a") == [(0, 1.0)]


def test_pid_of_the_file_is_the_process(program: Program) -> None:
    process = program.start(INIT + "print(os.getpid(), flush=True)\nsys.stdin.read()\n")
    out, _ = process.communicate(timeout=60)
    identity = program.events().file("sdk.json")["process"]
    assert identity["pid"] == int(out)
    assert identity["start_ticks"] > 0
    assert identity["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert os.getpid() != identity["pid"]


def test_two_runs_share_the_output_and_give_it_back(program: Program) -> None:
    code = (
        "import mlhub, sys\nfirst = mlhub.init('p', name='first')\n"
        "second = mlhub.init('p', name='second', reinit='create_new')\nprint('both')\n"
        "first.finish()\nprint('one')\nsecond.finish()\nprint('none')\n"
    )
    done = program.run(code)
    assert done.stdout == "both\none\nnone\n", done.stderr
    kept = {
        file.parent.joinpath("stdout.log").read_text(): read_run(file.parent)
        for file in program.directories()
    }
    assert sorted(kept) == ["both\n", "both\none\n"]


def test_forwarders_that_ended_are_collected(program: Program) -> None:
    code = (
        "import mlhub\nfrom pathlib import Path\n"
        "def states():\n"
        "    found = {}\n"
        "    for path in Path('/proc').glob('[0-9]*/stat'):\n"
        "        try: text = path.read_text()\n"
        "        except OSError: continue\n"
        "        state, parent = text.rpartition(')')[2].split()[:2]\n"
        "        if int(parent) == __import__('os').getpid(): found[path.parent.name] = state\n"
        "    return found\n"
        "def over():\n"
        "    while not all(state == 'Z' for state in states().values()): pass\n"
        "    return set(states())\n"
        "mlhub.init('p', capture=False)\n"
        "first = over()\n"
        "assert first\n"
        "mlhub.init('p', capture=False)\n"
        "second = over()\n"
        "assert second and not first & second\n"
        "mlhub.finish()\n"
        "assert not states(), states()\n"
    )
    done = program.run(code, MLHUB_MODE="online", MLHUB_BINARY="/bin/true")
    assert done.returncode == 0, done.stderr


def test_a_process_that_nobody_waited_for_is_none() -> None:
    from mlhub._files import is_same_process, process_identity

    pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
    identity = process_identity(pid)
    assert is_same_process(identity)
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not is_same_process(identity)
    os.waitpid(pid, 0)


def test_ranks_that_the_first_one_starts_join_its_run(program: Program) -> None:
    """As Lightning does it: the script knows of no ranks until it starts the others."""
    code = (
        "import mlhub, os, subprocess, sys\nrun = mlhub.init('p')\n"
        "rank = int(os.environ.get('LOCAL_RANK', '0'))\n"
        "if 'WORLD_SIZE' not in os.environ:\n"
        "    launched = {**os.environ, 'WORLD_SIZE': '2', 'LOCAL_RANK': '1', 'NODE_RANK': '0',\n"
        "                'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': '29513'}\n"
        "    subprocess.run([sys.executable, __file__], env=launched, check=True, timeout=50)\n"
        "run.log({f'rank{rank}': 1.0}, step=0)\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    events = program.events()
    assert events.series("rank0") == events.series("rank1") == [(0, 1.0)]
    assert events.file("exit.json")["code"] == 0


def test_a_program_that_a_training_starts_has_a_run_of_its_own(program: Program) -> None:
    code = (
        "import mlhub, os, subprocess, sys\nrun = mlhub.init('p')\n"
        "if 'INNER' not in os.environ:\n"
        "    subprocess.run([sys.executable, __file__], env={**os.environ, 'INNER': '1'},\n"
        "                   check=True, timeout=50)\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    assert len(program.directories()) == 2


def test_a_rank_alone_on_its_machine_makes_its_directory(program: Program) -> None:
    """One process per container: nothing tells which ranks are on one machine."""
    code = (
        "import mlhub, os\nfrom mlhub import _place\n_place.RANK_UNTOLD_WAIT_SECONDS = 0.1\n"
        "run = mlhub.init('p')\nrun.log({'rank' + os.environ['RANK']: 1.0}, step=0)\n"
        "print(run.id)\n"
    )
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "pod-0", "MASTER_PORT": "29500"}
    other = program.run(code, RANK="1", **common)
    (file,) = program.directories()
    events = read_run(file.parent)
    assert other.returncode == 0, other.stderr
    assert events.series("rank1") == [(0, 1.0)]
    assert events.file("sdk.json")["role"] == "worker"
    assert not (events.path / "exit.json").exists(), "the run's end is that of rank 0"
    first = program.run(code, RANK="0", **common)
    assert first.stdout == other.stdout, "one run"
    # Where rank 0 is on this machine it is found.
    again = program.run(code, RANK="1", **common)
    assert again.returncode == 0, again.stderr
    assert len(program.directories()) == 2
    found = {read_run(path.parent).file("sdk.json")["role"] for path in program.directories()}
    assert found == {"main", "worker"}


def test_a_run_within_a_run_gives_the_outer_one_back(program: Program) -> None:
    code = (
        "import mlhub, multiprocessing, os\n"
        "def work(_): mlhub.log({'child': 1.0}, step=0)\n"
        "@mlhub.track(project='p')\n"
        "def part(): mlhub.log({'part': 1.0}, step=0)\n"
        "if __name__ == '__main__':\n"
        "    outer = mlhub.init('p', name='outer')\n"
        "    inner = mlhub.init('p', name='inner', reinit='create_new')\n"
        "    assert os.environ['MLHUB_CURRENT_RUN_DIR'] == str(inner.path)\n"
        "    mlhub.finish()\n"
        "    part()\n"
        "    assert mlhub.run is outer\n"
        "    mlhub.log({'a': 1.0}, step=0)\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool: pool.map(work, [1])\n"
        "    mlhub.finish()\n"
        "    assert mlhub.run is None and 'MLHUB_CURRENT_RUN_DIR' not in os.environ\n"
    )
    done = program.run(code)
    assert done.returncode == 0, done.stderr
    runs = {
        run.file("sdk.json")["run"]["name"]: run
        for run in (read_run(file.parent) for file in program.directories())
    }
    assert runs["outer"].series("a") == runs["outer"].series("child") == [(0, 1.0)]
    assert runs["part"].series("part") == [(0, 1.0)]
    assert runs["inner"].points == []
