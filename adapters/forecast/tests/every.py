"""Trains on several run directories, one after the other; prints the exit codes as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mlhub_adapter.adapter import execute

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

if __name__ == "__main__":
    from mlhub_forecast.adapter import Forecasting

    codes = [execute(Forecasting(), ["train", folder]) for folder in sys.argv[1:]]
    print(json.dumps(codes))
