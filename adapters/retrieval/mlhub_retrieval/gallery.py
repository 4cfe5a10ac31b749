"""What is searched in: embeddings or codes of the training rows, exactly or by a graph.

Rows stand in the order of their ids, and equal scores are told in that order. Scores are
rounded first, since sums of floats may differ in the last bits between equal rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlhub_retrieval import hashing
from mlhub_retrieval.encoder import Encoder

SCORE_DIGITS = 6
"""Decimals of a score that count."""

BLOCK_QUERIES = 256
"""Queries scored together: bounds the memory to this times the gallery's rows."""


class Gallery:
    """Rows to be found, by the view they are seen in."""

    def __init__(self, params: Mapping[str, Any], bits: int) -> None:
        self.params = params
        self.bits = bits
        self.arrays: dict[str, Any] = {}
        self.graphs: dict[str, Any] = {}

    def build(self, encoder: Encoder, rows: Mapping[str, Any]) -> None:
        """Embeds the rows of every view, and indexes them."""
        import numpy as np

        for kind in encoder.kinds:
            embedded = encoder.embed(kind, rows[kind])
            codes = encoder.codes(embedded)
            self.arrays[kind] = embedded.astype(np.float32) if codes is None else codes
            if self.params["index"] == "hnsw":
                self.graphs[kind] = self._graph(self.arrays[kind])

    def search(
        self, kind: str, embedded: Any, codes: Any, k: int
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Positions and scores of the ``k`` best rows of a view for every query, best first."""
        import numpy as np

        positions: list[list[int]] = []
        scores: list[list[float]] = []
        k = min(k, len(self.arrays[kind]))
        queries = embedded.astype(np.float32) if codes is None else codes
        for start in range(0, len(queries), BLOCK_QUERIES):
            block = queries[start : start + BLOCK_QUERIES]
            found = self._near(kind, block, k) if self.graphs else self._all(kind, block)
            for near, values in found:
                best = _best(near, np.round(values.astype(np.float64), SCORE_DIGITS), k)
                positions.append([int(near[at]) for at in best])
                scores.append([float(values[at]) for at in best])
        return positions, [[round(score, SCORE_DIGITS) for score in row] for row in scores]

    def save(self, folder: Path) -> list[str]:
        """Writes arrays and graphs; returns the files' names."""
        import faiss
        import numpy as np

        with open(folder / "gallery.npz", "wb") as file:
            np.savez(file, **self.arrays)
        names = ["gallery.npz"]
        for kind, graph in self.graphs.items():
            faiss.write_index(graph, str(folder / f"{kind}.faiss"))
            names.append(f"{kind}.faiss")
        return names

    def load(self, folder: Path) -> Gallery:
        """Takes what :meth:`save` wrote."""
        import faiss
        import numpy as np

        with np.load(folder / "gallery.npz", allow_pickle=False) as file:
            self.arrays = {kind: file[kind] for kind in file.files}
        if self.params["index"] == "hnsw":
            faiss.omp_set_num_threads(1)
            for kind in self.arrays:
                self.graphs[kind] = faiss.read_index(str(folder / f"{kind}.faiss"))
                self.graphs[kind].hnsw.efSearch = self.params["hnsw_search"]
        return self

    def _graph(self, rows: Any) -> Any:
        """A graph built on one thread, hence equal for equal rows."""
        import faiss

        faiss.omp_set_num_threads(1)
        metric = faiss.METRIC_L2
        if self.params["metric"] == "cosine":
            metric = faiss.METRIC_INNER_PRODUCT
        graph = faiss.IndexHNSWFlat(rows.shape[1], self.params["hnsw_neighbours"], metric)
        graph.hnsw.efConstruction = self.params["hnsw_build"]
        graph.hnsw.efSearch = self.params["hnsw_search"]
        graph.add(rows)
        return graph

    def _near(self, kind: str, queries: Any, k: int) -> list[tuple[Any, Any]]:
        import numpy as np

        values, near = self.graphs[kind].search(queries, k)
        if self.params["metric"] == "euclidean":
            values = -np.sqrt(np.maximum(values, 0.0))
        # Where the graph reaches fewer rows than asked for, faiss fills up with -1.
        return [
            (places[places >= 0], row[places >= 0])
            for places, row in zip(near, values, strict=True)
        ]

    def _all(self, kind: str, queries: Any) -> list[tuple[Any, Any]]:
        import numpy as np

        rows = self.arrays[kind]
        places = np.arange(len(rows))
        if self.bits:
            values = hashing.similarity(queries, rows, bits=self.bits)
        elif self.params["metric"] == "cosine":
            values = queries @ rows.T
        else:
            squares = (queries**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1)[None, :]
            values = -np.sqrt(np.maximum(squares - 2.0 * (queries @ rows.T), 0.0))
        return [(places, row) for row in values]


def _best(places: Any, scores: Any, k: int) -> Sequence[int]:
    """Where the ``k`` greatest scores stand; equal ones by place."""
    import numpy as np

    candidates = np.arange(len(scores))
    if len(scores) > k:
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates = np.flatnonzero(scores >= least)
    order = np.lexsort((places[candidates], -scores[candidates]))
    best: Sequence[int] = candidates[order][:k].tolist()
    return best
