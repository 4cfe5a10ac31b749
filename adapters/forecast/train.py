"""Does what a run directory asks for: ``python train.py [--project FOLDER] [COMMAND] RUN_DIR``.

The project folder holds the user's code; it comes first on the import path.
"""

from __future__ import annotations

import sys

from mlhub_adapter.adapter import main, take_project

from mlhub_forecast.adapter import Forecasting

if __name__ == "__main__":
    arguments = sys.argv[1:]
    take_project(arguments)
    main(Forecasting(), arguments)
