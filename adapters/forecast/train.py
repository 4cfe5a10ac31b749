"""Does what a run directory asks for: ``python train.py [--project FOLDER] [COMMAND] RUN_DIR``.

The project folder holds the user's code; it comes first on the import path.
"""

from __future__ import annotations

import sys

from mlhub_adapter import main

from mlhub_forecast.adapter import Forecasting

if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--project" in arguments:
        at = arguments.index("--project")
        sys.path.insert(0, arguments[at + 1])
        del arguments[at : at + 2]
    main(Forecasting(), arguments)
