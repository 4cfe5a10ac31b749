"""Runs the adapter on run directories, one after another: ``several.py RUN_DIR...``.

In one process, since most of the time of a tiny run is the start of Keras. Leaves each run's
exit code beside what it wrote.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mlhub_adapter.adapter import execute

from mlhub_keras import Keras

for run_dir in sys.argv[1:]:
    code = execute(Keras(), [run_dir])
    (Path(run_dir) / "exit-code").write_text(str(code), encoding="utf-8")
