"""Trains several run directories in one process, which loads torch once, and prints their
exit codes: ``train_together.py ADAPTER PROJECT RUN_DIR...``. Also makes the digits' images."""

from __future__ import annotations

import json
import sys
from pathlib import Path

DIGIT_ROWS, DIGIT_CLASSES = 600, 3


def main() -> None:
    """Runs them in the order given."""
    folder, project, *runs = sys.argv[1:]
    sys.path[:0] = [project, folder]
    from mlhub_adapter.adapter import execute

    from mlhub_pytorch.adapter import PyTorch

    print(json.dumps([execute(PyTorch(project), ["train", run]) for run in runs]))


def write_digits(folder: Path) -> None:
    """The first digits of scikit-learn's dataset as an image folder of two splits."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for at in range(DIGIT_ROWS):
        label = int(digits.target[at])
        if label < DIGIT_CLASSES:
            place = folder / ("train" if at % 4 else "test") / str(label)
            place.mkdir(parents=True, exist_ok=True)
            pixels = (digits.images[at] * 15).astype(np.uint8)
            Image.fromarray(pixels).save(place / f"{at}.png")


if __name__ == "__main__":
    if sys.argv[1] == "--digits":
        write_digits(Path(sys.argv[2]))
    else:
        main()
