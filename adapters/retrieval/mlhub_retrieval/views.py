"""Encoders of one view each: texts, images or vectors to rows of numbers.

Every encoder is plain arrays once it is fitted, so a model is read without pickles. Nothing
here reads files or knows of other views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

KINDS = ("text", "image", "vector")
"""Kinds of views, in the order in which they are named and searched."""

MIN_SCALE = 1e-12
"""A column that varies less is constant and is left unscaled."""


class TextView:
    """Weighted or hashed n-grams, brought to few dimensions by a truncated SVD."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params
        self.vectorizer: Any = None
        self.components: Any = None

    def fit(self, texts: Sequence[str], seed: int) -> None:
        """Learns the vocabulary and the directions from the training rows."""
        from sklearn.decomposition import TruncatedSVD

        self.vectorizer = self._vectorizer(None)
        try:
            grams = self.vectorizer.fit_transform(texts)
        except ValueError:
            raise failure.dataset(
                "params.text_columns", "no text of the training split holds an n-gram"
            ) from None
        wanted = min(self.params["dimensions"], grams.shape[1], len(texts))
        svd = TruncatedSVD(wanted, random_state=seed).fit(grams)
        self.components = svd.components_

    def encode(self, texts: Sequence[str]) -> Array:
        """``[rows, dimensions]``; a text without a known n-gram becomes zeros."""
        found: Array = self.vectorizer.transform(texts) @ self.components.T
        return found

    def state(self) -> dict[str, Any]:
        """All that was learned, as arrays."""
        import numpy as np

        state = {"components": self.components}
        if self.params["text_features"] == "tfidf":
            state["idf"] = self.vectorizer.idf_
            state["terms"] = np.array(self.vectorizer.get_feature_names_out(), dtype=str)
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes what :meth:`state` gave."""
        self.components = state["components"]
        terms = [str(term) for term in state["terms"]] if "terms" in state else None
        self.vectorizer = self._vectorizer(terms)
        if terms is not None:
            self.vectorizer.idf_ = state["idf"]

    def _vectorizer(self, terms: list[str] | None) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

        low, high = self.params["ngrams"]
        if low > high:
            raise failure.config("params.ngrams", "the first number is the lesser one")
        settings = {"analyzer": self.params["analyzer"], "ngram_range": (low, high)}
        if self.params["text_features"] == "hashing":
            return HashingVectorizer(n_features=self.params["hash_buckets"], **settings)
        return TfidfVectorizer(vocabulary=terms, sublinear_tf=True, **settings)


class NumberView:
    """Pixels or vectors: as they are, standardised, or their principal components."""

    def __init__(self, params: Mapping[str, Any], transform: str) -> None:
        self.params = params
        self.transform = transform
        self.arrays: dict[str, Any] = {}

    def fit(self, rows: Array, seed: int) -> None:
        """Learns means, scales and directions from the training rows."""
        import numpy as np
        from sklearn.decomposition import PCA

        if self.transform == "identity":
            self.arrays = {"mean": np.zeros(rows.shape[1]), "scale": np.ones(rows.shape[1])}
            return
        scale = np.ones(rows.shape[1])
        if self.transform != "pca_unscaled":
            deviation = rows.std(axis=0)
            scale = np.where(deviation > MIN_SCALE, deviation, 1.0)
        self.arrays = {"mean": rows.mean(axis=0), "scale": scale}
        if self.transform.startswith("pca"):
            wanted = min(self.params["dimensions"], *rows.shape)
            pca = PCA(wanted, svd_solver="full", random_state=seed)
            self.arrays["components"] = pca.fit(self._scaled(rows)).components_

    def encode(self, rows: Array) -> Array:
        """``[rows, dimensions]``."""
        scaled = self._scaled(rows)
        if "components" in self.arrays:
            found: Array = scaled @ self.arrays["components"].T
            return found
        return scaled

    def state(self) -> dict[str, Any]:
        """All that was learned, as arrays."""
        return self.arrays

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes what :meth:`state` gave."""
        self.arrays = dict(state)

    def _scaled(self, rows: Array) -> Array:
        scaled: Array = (rows - self.arrays["mean"]) / self.arrays["scale"]
        return scaled


def make(kind: str, params: Mapping[str, Any]) -> TextView | NumberView:
    """The encoder of a kind of view, not fitted."""
    if kind == "text":
        return TextView(params)
    return NumberView(params, params[f"{kind}_transform"])
