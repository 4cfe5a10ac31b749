"""Feeds live points into runs of the project `live` for a while: python feed.py URL SECONDS.

Prints one line once the runs are there. The rate is that of trainings that log ten times a second.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ui import hub

RUNS = 10
METRICS = 12
PERIOD_SECONDS = 0.1


def main(url: str, seconds: float) -> None:
    api = hub.Hub(url)
    names = [f"train/metric_{m:02}" for m in range(METRICS)]
    runs = api.curves("live", RUNS, names, 10, lambda r, m, s: r + m / (1 + s), end=False)
    print(len(runs), flush=True)
    begun = time.monotonic()
    number = 1
    while (now := time.monotonic()) - begun < seconds:
        for at, run in enumerate(runs):
            points = [
                {
                    "name": name, "step": 9 + number, "time_ms": hub.TIME_FIRST_MS + 10_000 + number * 100,
                    "value": at + m / (10 + number),
                }
                for m, name in enumerate(names)
            ]  # fmt: skip
            api.points(run, points, number)
        number += 1
        time.sleep(max(0.0, now + PERIOD_SECONDS - time.monotonic()))
    for run in runs:
        api.finish(run)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
