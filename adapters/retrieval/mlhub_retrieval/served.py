"""Serves a trained model: embeddings of single inputs, and search in the gallery."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Served, serving
from mlhub_adapter.serving import Invalid

from mlhub_retrieval.content import Content
from mlhub_retrieval.encoder import Encoder
from mlhub_retrieval.gallery import Gallery
from mlhub_retrieval.rows import decode
from mlhub_retrieval.views import KINDS

if TYPE_CHECKING:
    from mlhub_adapter import Model

VIEW = "view"
GALLERY = "gallery"


class Searcher(Served):
    """Encoder, index and content of a trained model."""

    def __init__(self, model: Model) -> None:
        params = model.params
        self.kinds: list[str] = list(model.json["query"])
        self.encoder = Encoder(params, self.kinds).load(model.file("encoder.npz"))
        bits = 0 if params["hashing"] == "none" else params["bits"]
        model.file("gallery.npz")
        self.gallery = Gallery(params, bits).load(model.dir)
        self.content = Content(model)
        height, width = params["image_size"]
        self.shape = height, width, params["image_channels"]
        self.length = int(model.json.get("vector_length") or 0)

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """Embeddings; the option ``view`` says of what the inputs are."""
        serving.check_options(options, (VIEW,))
        kind = self._kind(options, VIEW, self.kinds[0])
        rows = [self._row(kind, value, f"inputs.{at}") for at, value in enumerate(inputs)]
        return [{"value": row} for row in self._embed(kind, rows).tolist()]

    def search(
        self, queries: list[Mapping[str, Any]], k: int, options: Mapping[str, Any]
    ) -> list[list[Mapping[str, Any]]]:
        """Hits; the option ``gallery`` says which view of the rows is looked into."""
        serving.check_options(options, (GALLERY,))
        found: list[list[Mapping[str, Any]]] = []
        for at, query in enumerate(queries):
            kind = self._query_kind(query, f"queries.{at}")
            embedded = self._embed(kind, [self._row(kind, query[kind], f"queries.{at}.{kind}")])
            searched = self._kind(options, GALLERY, self.encoder.searched[kind])
            (places,), (scores,) = self.gallery.search(
                searched, embedded, self.encoder.codes(embedded), k
            )
            found.append([self.content.hit(*hit) for hit in zip(places, scores, strict=True)])
        return found

    def _embed(self, kind: str, rows: list[Any]) -> Any:
        import numpy as np

        return self.encoder.embed(kind, rows if kind == "text" else np.array(rows))

    def _kind(self, options: Mapping[str, Any], name: str, default: str) -> str:
        kind = options.get(name, default)
        if kind not in self.kinds:
            raise Invalid(f"options.{name}", f"must be {' or '.join(self.kinds)}")
        return str(kind)

    def _query_kind(self, query: Mapping[str, Any], field: str) -> str:
        (kind,) = [name for name in KINDS if name in query]
        if kind not in self.kinds:
            raise Invalid(f"{field}.{kind}", f"this model takes {' and '.join(self.kinds)}")
        return kind

    def _row(self, kind: str, value: Any, field: str) -> Any:
        if kind == "text":
            return serving.text(value, field)
        if kind == "vector":
            return serving.vector(value, self.length, field)
        pixels = decode(io.BytesIO(serving.image_bytes(value, field)), self.shape)
        if pixels is None:
            raise Invalid(f"{field}.base64", "holds an image that cannot be decoded")
        return pixels
