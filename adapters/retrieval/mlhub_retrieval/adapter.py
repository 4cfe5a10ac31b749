"""The ``retrieval`` adapter: fits an encoder, indexes the training rows, ranks them for queries.

Three steps, each with a checkpoint but the last: encoder, index, evaluation. The hub evaluates
the vote of the neighbours from prediction files; measures of rankings are told as metrics.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, Run, failure
from mlhub_adapter.table import class_order

from mlhub_retrieval import content, ranking
from mlhub_retrieval.encoder import Encoder
from mlhub_retrieval.gallery import Gallery
from mlhub_retrieval.rows import Reader, Rows

if TYPE_CHECKING:
    from mlhub_adapter import Model, Served

ENCODER, INDEX, EVALUATION = 1, 2, 3
"""The steps."""

EVALUATION_ONLY = ("cutoffs", "neighbours")
"""Params that what is trained does not depend on."""


class Retrieval(Adapter):
    """Embedding and hashing models with nearest-neighbour search."""

    def train(self, run: Run) -> None:
        """Trains, or goes on from a checkpoint; ranks; leaves the model."""
        _check(run)
        checkpoint = run.resume(may_change=EVALUATION_ONLY, versions=_versions())
        reader = Reader(run)
        train = reader.read("train").by_id()
        queries = {split: reader.read(split) for split in run.predict_splits}
        run.entry({split: _described(rows) for split, rows in {"train": train, **queries}.items()})
        kinds = list(train.views)
        encoder = Encoder(run.params, kinds)
        gallery = Gallery(run.params, _bits(run.params))
        if checkpoint:
            encoder.load(checkpoint.file("encoder.npz"))
            if checkpoint.step >= INDEX:
                gallery.load(checkpoint.file("index"))
        for step in run.steps(EVALUATION, after=checkpoint):
            if step == ENCODER:
                run.log(encoder.fit(train.views, run.small_seed), step=step)
                run.checkpoint({"encoder.npz": encoder.save}, step=step)
            elif step == INDEX:
                gallery.build(encoder, train.views)
                run.log({"train/gallery_rows": len(train.ids)}, step=step)
                files = {"encoder.npz": encoder.save, "index": _folder(gallery)}
                run.checkpoint(files, step=step)
            else:
                told = _Evaluation(run, encoder, gallery, train).all(queries)
                run.log(told, step=step)
        _leave(run, encoder, gallery, train, reader)

    def load(self, model: Model) -> Served:
        """The trained model, for embedding and searching."""
        from mlhub_retrieval.served import Searcher

        return Searcher(model)


class _Evaluation:
    """Ranks the gallery for the rows of splits."""

    def __init__(self, run: Run, encoder: Encoder, gallery: Gallery, train: Rows) -> None:
        self.run = run
        self.encoder = encoder
        self.gallery = gallery
        self.train = train
        self.labels = class_order(train.labels, "multiclass")
        self.lines: list[str] = []

    def all(self, queries: Mapping[str, Rows]) -> dict[str, float]:
        """Metrics of every split; writes predictions and the rankings."""
        told: dict[str, float] = {}
        for split, rows in queries.items():
            for at, (kind, searched) in enumerate(self.encoder.searched.items()):
                prefix = split if kind == searched else f"{split}/{kind}_to_{searched}"
                ranked, scores = self._ranked(split, rows, kind, searched)
                told |= self._measured(prefix, split, rows, ranked)
                self._note(split, kind, searched, rows, ranked, scores)
                if at == 0:
                    self._predict(split, rows, ranked)
                if kind != searched:
                    told |= self._pairs(prefix, rows, kind, searched)
        self.run.artifact("rankings.jsonl", "".join(self.lines))
        return told

    def _ranked(
        self, split: str, rows: Rows, kind: str, searched: str
    ) -> tuple[list[list[int]], list[list[float]]]:
        embedded = self.encoder.embed(kind, rows.views[kind])
        depth = max([*self.run.params["cutoffs"], self.run.params["neighbours"]])
        itself = split == "train"
        ranked, scores = self.gallery.search(
            searched, embedded, self.encoder.codes(embedded), depth + itself
        )
        if not itself:
            return ranked, scores
        # A training row would find itself first.
        kept = [
            [at for at, place in enumerate(places) if self.train.ids[place] != own][:depth]
            for own, places in zip(rows.ids, ranked, strict=True)
        ]
        return _picked(ranked, kept), _picked(scores, kept)

    def _measured(
        self, prefix: str, split: str, rows: Rows, ranked: list[list[int]]
    ) -> dict[str, float]:
        counts: dict[str, int] = {}
        for group in filter(None, self.train.relevance):
            counts[group] = counts.get(group, 0) + 1
        totals = [max(0, counts.get(group, 0) - (split == "train")) for group in rows.relevance]
        relevant = [
            [self.train.relevance[place] == group != "" for place in places]
            for group, places in zip(rows.relevance, ranked, strict=True)
        ]
        found = ranking.measures(relevant, totals, self.run.params["cutoffs"])
        found["queries_without_relevant"] = totals.count(0)
        return {f"{prefix}/{name}": value for name, value in found.items()}

    def _pairs(self, prefix: str, rows: Rows, kind: str, searched: str) -> dict[str, float]:
        """Whether a row of one view finds the same row in the other among the split's own."""
        pairs = Gallery({**self.run.params, "index": "exact"}, self.gallery.bits)
        pairs.build(self.encoder, {view: rows.views[view] for view in self.encoder.kinds})
        embedded = self.encoder.embed(kind, rows.views[kind])
        cutoffs = self.run.params["cutoffs"]
        ranked, _ = pairs.search(searched, embedded, self.encoder.codes(embedded), max(cutoffs))
        relevant = [[place == own for place in places] for own, places in enumerate(ranked)]
        found = ranking.measures(relevant, [1] * len(ranked), cutoffs)
        return {
            f"{prefix}/pair_{name}": value
            for name, value in found.items()
            if name.startswith(("recall", "mrr"))
        }

    def _predict(self, split: str, rows: Rows, ranked: list[list[int]]) -> None:
        index = {name: at for at, name in enumerate(self.labels)}
        for row, name in enumerate(rows.labels):
            if name not in index:
                self.run.refuse(
                    "dataset.target",
                    f"split {split} has in row {row} a label the training split does not have",
                    code=failure.DATASET,
                )
        voters = self.run.params["neighbours"]
        votes = [
            ranking.vote([index[self.train.labels[at]] for at in places[:voters]], len(index))
            for places in ranked
        ]
        if self.run.task == "binary":
            self.run.predictions(
                split,
                ids=rows.ids,
                y_true=rows.labels,
                y_score=[share for _, share in votes],
                y_pred=[int(share > first) for first, share in votes],
                labels=self.labels,
            )
            return
        self.run.predictions(
            split,
            ids=rows.ids,
            y_true=rows.labels,
            y_score=votes,
            labels=self.labels,
            task="multiclass",
        )

    def _note(
        self,
        split: str,
        kind: str,
        searched: str,
        rows: Rows,
        ranked: list[list[int]],
        scores: list[list[float]],
    ) -> None:
        for query, places, row in zip(rows.ids, ranked, scores, strict=True):
            ids = [self.train.ids[place] for place in places]
            said = {"split": split, "from": kind, "to": searched, "query": query}
            self.lines.append(json.dumps({**said, "ids": ids, "scores": row}) + "\n")


def _check(run: Run) -> None:
    params = run.params
    if params["hashing"] != "none" and params["index"] == "hnsw":
        run.refuse("params.index", "codes are searched exactly; set index: exact, or hashing: none")
    if params["hashing"] != "none" and params["bits"] % 8:
        run.refuse("params.bits", "codes are whole bytes: a multiple of 8")
    if run.task not in (None, "binary", "multiclass"):
        run.refuse("task", f"{run.task} is not supported; binary and multiclass are")


def _bits(params: Mapping[str, Any]) -> int:
    return 0 if params["hashing"] == "none" else params["bits"]


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("faiss-cpu", "scikit-learn")}


def _picked(rows: list[list[Any]], kept: list[list[int]]) -> list[list[Any]]:
    return [[row[at] for at in places] for row, places in zip(rows, kept, strict=True)]


def _folder(gallery: Gallery) -> Any:
    def write(path: Path) -> None:
        path.mkdir()
        gallery.save(path)

    return write


def _described(rows: Rows) -> dict[str, Any]:
    """Shapes, dtypes and statistics of the views of a split."""
    said: dict[str, Any] = {}
    for kind, view in rows.views.items():
        if kind == "text":
            mean = sum(map(len, view)) / len(view)
            said[kind] = {"shape": [len(view)], "dtype": "text", "mean_characters": round(mean, 1)}
        else:
            said[kind] = view
    # The protocol asks for these two of every split.
    first = next(iter(rows.views.values()))
    shape = list(first.shape) if hasattr(first, "shape") else [len(first)]
    dtype = str(first.dtype) if hasattr(first, "dtype") else "text"
    return {"shape": shape, "dtype": dtype, "classes": len(set(rows.labels)), **said}


def _leave(run: Run, encoder: Encoder, gallery: Gallery, train: Rows, reader: Reader) -> None:
    """Writes the model: encoder, index, and what a hit tells of a row."""
    run.artifact("encoder.npz", encoder.save, kind="model")
    for name in gallery.save(run.dir / "artifacts"):
        run.artifact(name, kind="model")
    content.write(run, train, reader.shape)
    lengths = {kind: view.shape[1] for kind, view in train.views.items() if hasattr(view, "shape")}
    kinds = encoder.kinds
    height, width, channels = reader.shape
    inputs: dict[str, dict[str, Any]] = {
        "text": {"kind": "text"},
        "vector": {"kind": "vector", "length": lengths.get("vector")},
        "image": {"kind": "image", "channels": channels, "height": height, "width": width},
    }
    run.model(
        input=inputs[kinds[0]],
        output={"kind": "tensor"},
        query=kinds,
        vector_length=lengths.get("vector"),
    )
