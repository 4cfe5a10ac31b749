"""Runs the adapter on run directories: ``python each.py PROJECT``, one a line of input.

Each has a process of its own, forked once Lightning is loaded, which takes most of the time
of a run this small. Its number is a line of output, and when it ended, its exit code is
another; what it prints goes to ``output.log`` in its directory. It is how tests start many
runs, and nothing that the hub does.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import NoReturn

FOLDER = Path(__file__).resolve().parent.parent


def main(project: str) -> None:
    """Runs all, one after the other."""
    sys.path[:0] = [project, str(FOLDER)]
    import mlhub_lightning.smoke  # noqa: F401  (loads Lightning)

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(project, line.rstrip("\n"))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(project: str, run: str) -> NoReturn:
    from mlhub_adapter.adapter import execute

    from mlhub_lightning.adapter import Lightning

    code = 1
    try:
        log = os.open(Path(run, "output.log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = execute(Lightning(project), [run])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
