"""Binary codes of embeddings, and distances between them in bits.

Random hyperplanes: M. Charikar, "Similarity estimation techniques from rounding algorithms",
STOC 2002. ITQ: Y. Gong and S. Lazebnik, "Iterative quantization", CVPR 2011. ``pca`` is ITQ
without a rotation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlhub_adapter import failure

ITERATIONS = 50
"""Of ITQ, as its authors have it."""


def fit(method: str, rows: Any, *, bits: int, seed: int) -> dict[str, Any]:
    """Mean and projection ``[d, bits]`` whose signs are the code, learned from embeddings."""
    import numpy as np

    generator = np.random.default_rng(seed)
    mean = rows.mean(axis=0)
    if method == "hyperplanes":
        return {"mean": mean, "projection": generator.standard_normal((rows.shape[1], bits))}
    if bits > min(rows.shape):
        raise failure.config(
            "params.bits",
            f"{method} makes at most {min(rows.shape)} bits here, one for each dimension of the "
            "embedding and no more than rows; hyperplanes make any number",
        )
    _, _, directions = np.linalg.svd(rows - mean, full_matrices=False)
    projection = directions[:bits].T
    if method == "itq":
        projection = projection @ _rotation((rows - mean) @ projection, generator)
    return {"mean": mean, "projection": projection}


def _rotation(rows: Any, generator: Any) -> Any:
    """The rotation after which signs lose least."""
    import numpy as np

    size = rows.shape[1]
    rotation, _ = np.linalg.qr(generator.standard_normal((size, size)))
    for _ in range(ITERATIONS):
        signs = np.where(rows @ rotation >= 0, 1.0, -1.0)
        left, _, right = np.linalg.svd(signs.T @ rows)
        rotation = (left @ right).T
    return rotation


def codes(state: Mapping[str, Any], rows: Any) -> Any:
    """Codes as bytes ``[rows, ceil(bits / 8)]``."""
    import numpy as np

    return np.packbits((rows - state["mean"]) @ state["projection"] >= 0, axis=1)


def loss(state: Mapping[str, Any], rows: Any) -> float:
    """Mean squared distance of projected values to their signs."""
    import numpy as np

    projected = (rows - state["mean"]) @ state["projection"]
    return float(np.mean((projected - np.where(projected >= 0, 1.0, -1.0)) ** 2))


def similarity(queries: Any, gallery: Any, *, bits: int) -> Any:
    """Share of equal bits ``[queries, gallery]``: 1 minus the Hamming distance by bits."""
    import numpy as np

    distance = np.zeros((len(queries), len(gallery)), dtype=np.int64)
    for at in range(queries.shape[1]):
        differing = queries[:, at : at + 1] ^ gallery[:, at][None, :]
        distance += np.bitwise_count(differing)
    return 1.0 - distance / bits
