"""The retrieval adapter learns, ranks, resumes and serves, on real data of each kind."""

from __future__ import annotations

import base64
import csv
import json
import signal
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory, interpreter

FOLDER = Path(__file__).resolve().parent.parent
DIGITS: dict[str, Any] = {
    "image_columns": ["pixel_*"],
    "image_size": [8, 8],
    "image_max": 16,
    "dimensions": 32,
}
PENGUINS: dict[str, Any] = {
    "text_columns": ["island", "sex"],
    "vector_columns": ["*_mm", "body_mass_g"],
    "joint": "cca",
    "ngrams": [1, 1],
}
TOGETHER = """
import json, sys
folder, *runs = sys.argv[1:]
sys.path.insert(0, folder)
from mlhub_adapter.adapter import execute
from mlhub_retrieval import Retrieval
print(json.dumps([execute(Retrieval(), [run]) for run in runs]))
"""
FILES = {"digit": "tests/digits.csv", "species": "smoke.csv", "about": "tests/sentences.csv"}


def make(folder: Path, target: str, *, text: str | None = None, **params: Any) -> RunDirectory:
    """A run on one of the datasets, told apart by their targets."""
    text = text or (FOLDER / FILES[target]).read_text(encoding="utf-8")
    command = [interpreter(), str(FOLDER / "train.py")]
    return RunDirectory(folder, command, params=params, text=text, target=target, task="multiclass")


def last(run: RunDirectory) -> dict[str, float]:
    return run.metrics()[-1][1]


def rankings(run: RunDirectory) -> list[dict[str, Any]]:
    text = (run.dir / "artifacts" / "rankings.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def png(pixels: list[int], side: int) -> bytes:
    """A grey image as a file."""
    lines = b"".join(b"\0" + bytes(pixels[at : at + side]) for at in range(0, len(pixels), side))
    parts = {
        b"IHDR": struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(lines),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts.items()
    )


def digit_images() -> list[tuple[str, bytes]]:
    """The digits as labels and image files."""
    with open(FOLDER / FILES["digit"], encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [(row[-1], png([min(255, int(cell) * 16) for cell in row[:-1]], 8)) for row in rows]


def test_images_are_found_and_measures_follow_from_the_rankings(tmp_path: Path) -> None:
    run = make(tmp_path, "digit", **DIGITS).succeed()
    assert run.accuracy() >= 0.95
    rows = rankings(run)
    truth = {
        split: (tmp_path / f"{split}.csv").read_text().splitlines()[1:]
        for split in ("train", "test")
    }
    label = {split: [line.rsplit(",", 1)[1] for line in lines] for split, lines in truth.items()}
    recalls, reciprocal, averages = [], [], []
    for row in rows:
        own = label["test"][int(row["query"])]
        hits = [label["train"][int(identifier)] == own for identifier in row["ids"]]
        assert row["scores"] == sorted(row["scores"], reverse=True)
        total = label["train"].count(own)
        recalls.append(sum(hits) / total)
        reciprocal.append(1 / (hits.index(True) + 1) if any(hits) else 0)
        precisions = [sum(hits[: at + 1]) / (at + 1) for at, hit in enumerate(hits) if hit]
        averages.append(sum(precisions) / min(total, 10))
    metrics = last(run)
    assert metrics["test/recall_at_10"] == pytest.approx(sum(recalls) / len(rows))
    assert metrics["test/mrr_at_10"] == pytest.approx(sum(reciprocal) / len(rows))
    assert metrics["test/map_at_10"] == pytest.approx(sum(averages) / len(rows))
    (entry,) = run.told("entry")
    assert entry["splits"]["train"]["image"]["shape"] == [320, 64]
    assert entry["splits"]["train"]["image"]["dtype"] == "float64"


@pytest.mark.parametrize(
    ("params", "least"),
    [
        ({"index": "hnsw"}, 0.93),
        ({"metric": "euclidean"}, 0.93),
        ({"hashing": "hyperplanes", "bits": 128}, 0.9),
    ],
)
def test_graphs_distances_and_codes_find_them_too(
    tmp_path: Path, params: dict[str, Any], least: float
) -> None:
    run = make(tmp_path, "digit", **DIGITS, **params).succeed()
    assert last(run)["test/precision_at_5"] >= least


def test_learned_codes_are_better_than_plain_signs(tmp_path: Path) -> None:
    found = {}
    for method in ("pca", "itq"):
        run = make(tmp_path / method, "digit", **DIGITS, hashing=method, bits=32).succeed()
        found[method] = last(run)["test/map_at_10"]
        loss = run.metrics()[0][1]["train/quantisation_loss"]
        found[f"{method} loss"] = loss
    assert found["itq"] > found["pca"] + 0.1
    assert found["itq loss"] < found["pca loss"]


@pytest.mark.parametrize("features", ["tfidf", "hashing"])
def test_texts_find_texts_of_the_same_matter(tmp_path: Path, features: str) -> None:
    params: dict[str, Any] = {"text_features": features, "analyzer": "char_wb", "ngrams": [3, 5]}
    run = make(tmp_path, "about", text_columns=["text"], **params).succeed()
    # A third of the rows are of the commonest matter.
    assert run.accuracy() >= 0.55
    with run.serve("search") as worker:
        (hits,) = worker.search([{"text": "alcohol and malic acid of wine cultivars"}], 5)
        assert hits[0]["label"] == "wine_data"
        assert "text" in hits[0]
        scores = [hit["score"] for hit in hits]
        assert scores == sorted(scores, reverse=True)
        ((embedding,), (again,)) = worker.predict(["wine"]), worker.predict(["wine"])
        assert embedding == again
        assert sum(value**2 for value in embedding["value"]) == pytest.approx(1)


@pytest.mark.parametrize("joint", ["cca", "ridge"])
def test_texts_find_vectors_and_back(tmp_path: Path, joint: str) -> None:
    run = make(tmp_path, "species", **{**PENGUINS, "joint": joint}).succeed()
    metrics = last(run)
    # Twice what chance would find among 67 rows.
    assert metrics["test/text_to_vector/pair_recall_at_10"] > 2 * 10 / 67
    assert metrics["test/vector_to_text/pair_recall_at_10"] > 2 * 10 / 67
    with run.serve("search") as worker:
        text, vector = worker.search([{"text": "Biscoe male"}, {"vector": [50, 15, 222, 5500]}], 3)
        assert {hit["label"] for hit in text} == {"Gentoo"}
        assert {hit["text"].split()[0] for hit in vector} == {"Biscoe"}
        (same,) = worker.search([{"text": "Biscoe male"}], 1, {"gallery": "text"})
        assert same[0]["text"] == "Biscoe male"
        (as_text,) = worker.predict(["Biscoe male"])
        (as_vector,) = worker.predict([[50, 15, 222, 5500]], {"view": "vector"})
        assert len(as_text["value"]) == len(as_vector["value"])


def test_an_image_folder_is_searched_by_images(tmp_path: Path) -> None:
    run = make(tmp_path, "digit", image_size=[8, 8], dimensions=32)
    images = digit_images()
    splits = {"train": images[80:], "test": images[:80]}
    for split, rows in splits.items():
        for at, (label, content) in enumerate(rows):
            path = tmp_path / "images" / split / label / f"{at:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        run.file["dataset"]["splits"][split]["path"] = str(tmp_path / "images" / split)
    run.file["dataset"] |= {"format": "image_folder", "target": "label"}
    assert run.succeed().accuracy() >= 0.9
    model = json.loads((run.dir / "artifacts" / "model.json").read_text(encoding="utf-8"))
    assert model["input"] == {"kind": "image", "channels": 1, "height": 8, "width": 8}
    label, content = splits["train"][0]
    image = {"base64": base64.b64encode(content).decode(), "media_type": "image/png"}
    with run.serve("search") as worker:
        (hits,) = worker.search([{"image": image}], 2)
        assert hits[0]["label"] == label
        assert hits[0]["score"] == pytest.approx(1, abs=1e-5)
        shown = base64.b64decode(hits[0]["image"]["base64"])
        assert shown.startswith(b"\x89PNG")
        with pytest.raises(RequestError) as refused:
            worker.search([{"image": {**image, "base64": image["base64"][:40]}}], 2)
        assert (refused.value.code, refused.value.field) == ("invalid", "queries.0.image.base64")


def test_equal_rows_are_told_in_the_order_of_their_ids(tmp_path: Path) -> None:
    lines = ["a,b,kind", *(f"1,{at % 2},{'x' if at % 2 else 'y'}" for at in range(60))]
    run = make(tmp_path, "species", text="\n".join(lines) + "\n", vector_transform="identity")
    run.file["dataset"]["target"] = "kind"
    run.succeed()
    for row in rankings(run):
        ids = list(map(int, row["ids"]))
        assert len(set(row["scores"])) == 1
        assert ids == sorted(ids)


def test_rows_of_the_gallery_do_not_find_themselves(tmp_path: Path) -> None:
    run = make(tmp_path, "digit", **DIGITS)
    run.file["predict_splits"] = ["train"]
    run.succeed()
    for row in rankings(run):
        assert row["query"] not in row["ids"]
        assert len(row["ids"]) == 10


def test_killed_and_resumed_equals_uninterrupted_and_seeds_repeat(tmp_path: Path) -> None:
    params = {**DIGITS, "hashing": "hyperplanes"}
    header, *rows = (FOLDER / FILES["digit"]).read_text(encoding="utf-8").splitlines()
    # Many rows, so that there is something left to do after the first checkpoint.
    text = "\n".join([header, *rows * 10]) + "\n"
    alone = make(tmp_path / "alone", "digit", text=text, **params).succeed()
    killed = make(tmp_path / "killed", "digit", text=text, **params)
    assert killed.stop_after_checkpoint(1, signal.SIGKILL) == -signal.SIGKILL
    step = killed.resume(at=1)
    killed.succeed()
    assert killed.predictions() == alone.predictions()
    assert rankings(killed) == rankings(alone)
    assert killed.metrics() == [told for told in alone.metrics() if told[0] > step]


def test_a_graph_resumes_from_each_checkpoint(tmp_path: Path) -> None:
    run = make(tmp_path, "species", **PENGUINS, index="hnsw").succeed()
    predictions, ranked = run.predictions(), rankings(run)
    for step in (1, 2):
        assert run.resume(at=step) == step
        run.succeed()
        assert run.predictions() == predictions
        assert rankings(run) == ranked


def test_sigterm_ends_it_between_steps(tmp_path: Path) -> None:
    header, *rows = (FOLDER / FILES["digit"]).read_text(encoding="utf-8").splitlines()
    text = "\n".join([header, *rows * 10]) + "\n"
    run = make(tmp_path, "digit", text=text, **DIGITS, index="hnsw")
    assert run.stop_after_checkpoint(1, signal.SIGTERM) == 143
    run.resume()
    assert run.succeed().accuracy() >= 0.95


def test_what_is_wrong_is_refused_by_name(tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({**DIGITS, "image_size": [9, 9]}, 64, "params.image_size"),
        ({"text_columns": ["no_such"]}, 64, "params.text_columns"),
        ({"joint": "cca"}, 64, "params.joint"),
        ({"bits": 12}, 64, "params.bits"),
        ({**DIGITS, "hashing": "itq", "bits": 256}, 64, "params.bits"),
        ({"hashing": "itq", "index": "hnsw"}, 64, "params.index"),
        ({"relevance_column": "no_such"}, 65, "params.relevance_column"),
    ]
    runs = [make(tmp_path / str(at), "digit", **params) for at, (params, _, _) in enumerate(wrong)]
    for run in runs:
        run.write()
    command = [interpreter(), "-c", TOGETHER, str(FOLDER)]
    said, problems = runs[0].start(command, [str(run.dir) for run in runs]).communicate()
    assert json.loads(said.splitlines()[-1]) == [code for _, code, _ in wrong], problems
    for run, (_, _, field) in zip(runs, wrong, strict=True):
        assert [error["field"] for error in run.told("error")] == [field]


def test_wrong_queries_are_refused_and_the_conversation_goes_on(tmp_path: Path) -> None:
    run = make(tmp_path, "digit").succeed()
    with run.serve("search") as worker:
        wrong: list[tuple[dict[str, Any], dict[str, Any], str]] = [
            ({"text": "seven"}, {}, "queries.0.text"),
            ({"vector": [1.0]}, {}, "queries.0.vector"),
            ({"vector": [0.0] * 64}, {"gallery": "text"}, "options.gallery"),
            ({"vector": [0.0] * 64}, {"galery": "text"}, "options.galery"),
        ]
        for query, options, field in wrong:
            with pytest.raises(RequestError) as refused:
                worker.search([query], 3, options)
            assert (refused.value.code, refused.value.field) == ("invalid", field)
        assert len(worker.search([{"vector": [0.0] * 64}], 3)[0]) == 3
