"""Trains what a run directory asks for: ``python train.py RUN_DIR``.

Pins the thread pools of numerical libraries to one thread before any of them
can be imported, so that sums have one order and equal seeds give equal bits.
"""

from __future__ import annotations

import os
import sys

for _pool in ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR"):
    os.environ[f"{_pool}_NUM_THREADS"] = "1"
# The adapter's folder is fingerprinted: no caches in it.
sys.dont_write_bytecode = True

from mlhub_sklearn.main import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
