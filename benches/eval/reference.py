"""Times one metric of scikit-learn on columns in files, in a process of its own.

`reference.py FOLDER METRIC ROUNDS`; prints what `evaluate_columns` prints.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from sklearn import metrics


def main() -> None:
    folder, what, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    begun = time.perf_counter()
    truth = np.fromfile(folder / "truth.u8", dtype=np.uint8)
    if what in ("f1", "confusion"):
        given = np.fromfile(folder / "predicted.u8", dtype=np.uint8)
    else:
        given = np.fromfile(folder / "score.f64", dtype="<f8")
    metric = {
        "auroc": metrics.roc_auc_score,
        "average_precision": metrics.average_precision_score,
        "log_loss": metrics.log_loss,
        "f1": metrics.f1_score,
        "confusion": metrics.confusion_matrix,
    }[what]
    prepared = time.perf_counter() - begun
    seconds, found = [], None
    for _ in range(rounds):
        begun = time.perf_counter()
        found = metric(truth, given)
        seconds.append(time.perf_counter() - begun)
    result = {
        "seconds": seconds,
        "values": [float(value) for value in np.ravel(found)],
        "prepared_s": prepared,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print("RESULT " + json.dumps(result))


if __name__ == "__main__":
    main()
