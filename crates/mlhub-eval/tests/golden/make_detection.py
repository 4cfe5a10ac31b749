"""Writes the stored golden cases `detection.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install pycocotools==2.0.11 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_detection.py

The output is the same on every run; `git diff` after it must be empty. Images are generated:
true boxes of several categories, and predictions that miss, shift, double and invent some of
them. Every expected value is what pycocotools' COCOeval summarises of the very lists that are
stored; -1 there (no true box that counts) is NaN.
"""

import contextlib
import importlib.metadata
import io
import json
import math
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

VERSION = "2.0.11"
NAMES = [
    "coco_ap", "coco_ap50", "coco_ap75", "coco_ap_small", "coco_ap_medium", "coco_ap_large",
    "coco_ar_1", "coco_ar_10", "coco_ar_100", "coco_ar_small", "coco_ar_medium", "coco_ar_large",
]  # fmt: skip


def coco(images, categories):
    """Lists of boxes as COCO's tables; areas are filled in as its loader of results does."""
    annotations = []
    for image, boxes in enumerate(images):
        for of in boxes:
            annotation = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": categories[of["category"]],
                "bbox": of["bbox"],
                "area": of.get("area", of["bbox"][2] * of["bbox"][3]),
                "iscrowd": of.get("iscrowd", 0),
            }
            if "score" in of:
                annotation["score"] = of["score"]
            annotations.append(annotation)
    tables = COCO()
    tables.dataset = {
        "images": [{"id": image} for image in range(len(images))],
        "categories": [{"id": number} for number in sorted(categories.values())],
        "annotations": annotations,
    }
    tables.createIndex()
    return tables


def expected(y_true, y_pred):
    names = sorted({of["category"] for boxes in y_true + y_pred for of in boxes}, key=str)
    if not names:
        return dict.fromkeys(NAMES, "NaN")
    categories = {name: number for number, name in enumerate(names, start=1)}
    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCOeval(coco(y_true, categories), coco(y_pred, categories), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    wire = [float(value) if value > -1 else "NaN" for value in judge.stats]
    return dict(zip(NAMES, wire, strict=True))


def case(name, y_true, y_pred):
    assert len(y_true) == len(y_pred)
    return {"name": name, "y_true": y_true, "y_pred": y_pred, "expected": expected(y_true, y_pred)}


def box(x, y, width, height, category="a", **more):
    return {"bbox": [x, y, width, height], "category": category, **more}


def shifted(rng, bbox, amount, digits):
    x, y, width, height = bbox
    dx, dy, dw, dh = rng.normal(scale=amount, size=4)
    moved = [x + dx * width, y + dy * height, width * math.exp(dw), height * math.exp(dh)]
    return [round(float(value), digits) for value in moved]


def scene(rng, images, categories, *, shift=0.1, digits=1, score_digits=3, crowds=0.05, most=6):
    """Images of boxes whose sizes are spread around the borders of small, medium and large."""
    y_true, y_pred = [], []
    for _ in range(images):
        truths, predicted = [], []
        for _ in range(rng.integers(0, most + 1)):
            side = float(np.exp(rng.uniform(np.log(12), np.log(250))))
            width, height = side * rng.uniform(0.7, 1.4), side * rng.uniform(0.7, 1.4)
            place = [*rng.uniform(0, 400, size=2), width, height]
            bbox = [round(float(value), digits) for value in place]
            truth = {"bbox": bbox, "category": categories[rng.integers(len(categories))]}
            if rng.random() < crowds:
                truth["iscrowd"] = 1
            if rng.random() < 0.3:
                truth["area"] = round(bbox[2] * bbox[3] * float(rng.uniform(0.5, 1)), digits)
            truths.append(truth)
        for truth in truths:
            copies = rng.choice(4, p=[0.15, 0.55, 0.2, 0.1])
            for _ in range(copies + 3 * truth.get("iscrowd", 0)):
                other = rng.random() < 0.1
                category = rng.choice(categories) if other else truth["category"]
                bbox = shifted(rng, truth["bbox"], shift * rng.choice([0.2, 1, 2]), digits)
                score = round(float(rng.beta(4, 2)), score_digits)
                predicted.append({"bbox": bbox, "category": str(category), "score": score})
        for _ in range(rng.integers(0, 4)):
            bbox = [round(float(value), digits) for value in rng.uniform(5, 150, size=4)]
            score = round(float(rng.beta(2, 4)), score_digits)
            category = str(rng.choice(categories))
            predicted.append({"bbox": bbox, "category": category, "score": score})
        order = rng.permutation(len(predicted))
        y_true.append(truths)
        y_pred.append([predicted[place] for place in order])
    return y_true, y_pred


def lattice(rng, images, truths, predictions):
    """Boxes on a coarse grid: equal overlaps, and some of exactly a half or three quarters."""

    def some_box():
        x, y = (float(value) * 8 for value in rng.integers(0, 4, size=2))
        width, height = (float(value) * 8 for value in rng.integers(1, 15, size=2))
        return box(x, y, width, height, "ab"[rng.integers(2)])

    y_true, y_pred = [], []
    for _ in range(images):
        found = [some_box() for _ in range(rng.integers(0, truths + 1))]
        predicted = []
        for _ in range(rng.integers(0, predictions + 1)):
            if found and rng.random() < 0.7:
                of = found[rng.integers(len(found))]
                x, y, width, height = of["bbox"]
                width *= float(rng.choice([0.5, 0.75, 1, 1, 2]))
                one = box(x, y, width, height, of["category"])
            else:
                one = some_box()
            predicted.append({**one, "score": float(rng.integers(1, 4)) / 4})
        crowd = rng.random(len(found)) < 0.15
        y_true.append(
            [{**of, "iscrowd": 1} if is_crowd else of for of, is_crowd in zip(found, crowd)]
        )
        y_pred.append(predicted)
    return y_true, y_pred


def borders():
    """True and predicted areas at, below and above 32^2, 96^2 and 1e5^2."""
    sides = [(32, 32), (32, 31.5), (32, 32.5), (96, 96), (96, 95.5), (96, 96.5), (1e5, 1e5),
             (1e5, 1.1e5), (0, 10), (10, 0), (0, 0)]  # fmt: skip
    y_true, y_pred = [], []
    for width, height in sides:
        y_true.append([box(0, 0, width, height)])
        y_pred.append([box(1, 0, width, height, score=0.5), box(0, 0, width, height, score=0.25)])
    for area in [0, 1023.5, 1024, 1024.5, 9215, 9216, 9217, 1e10, 1.5e10]:
        y_true.append([box(0, 0, 50, 50, area=area)])
        y_pred.append([box(0, 0, 50, 49, score=0.75), box(70, 0, 20, 20, score=0.75)])
    return y_true, y_pred


def cases():
    rng = np.random.default_rng(20140501)
    names = ["bus", "car", "person", "dog", "traffic light"]
    street = scene(rng, 40, names)
    tied = scene(rng, 25, names[:2], score_digits=1)
    crowded = scene(rng, 15, names[:2], crowds=0.6)
    many = scene(rng, 4, ["a", "b"], most=3, shift=0.4)
    for boxes in many[1]:
        for _ in range(130):
            bbox = [round(float(value)) for value in rng.uniform(1, 200, size=4)]
            boxes.append(box(*bbox, score=round(float(rng.random()), 2)))
    perfect = [[of for of in boxes if not of.get("iscrowd")] for boxes in street[0][:12]]
    found = [[{**of, "score": 0.5} for of in boxes] for boxes in perfect]
    for of in (of for boxes in found for of in boxes):
        of.pop("area", None)
    only_crowd = [[box(0, 0, 90, 90, "sky", iscrowd=1), box(0, 0, 40, 40, "car")]]
    crowd_hit = [[box(5, 5, 30, 30, "sky", score=0.9), box(5, 5, 9, 9, "sky", score=0.8),
                  box(0, 1, 40, 40, "car", score=0.7)]]  # fmt: skip
    return [
        case("street", *street),
        case("ties", *tied),
        case("crowds", *crowded),
        case("lattice", *lattice(rng, 60, 4, 8)),
        case("more lattice", *lattice(rng, 30, 9, 12)),
        case("more than a hundred predictions", *many),
        case("borders", *borders()),
        case("perfect", perfect, found),
        case("every category is another", perfect, [[{**of, "category": "x"} for of in boxes]
                                                     for boxes in found]),
        case("only a crowd", only_crowd, crowd_hit),
        case("nothing but a crowd", [only_crowd[0][:1]], [crowd_hit[0][:2]]),
        case("images without boxes", [[], *street[0][:6], [], []], [[], [], *street[1][1:6], [], []]),
        case("nothing predicted", street[0][:8], [[]] * 8),
        case("nothing there", [[]] * 8, street[1][:8]),
        case("nothing at all", [[], []], [[], []]),
        case("one image", tied[0][1:2], tied[1][1:2]),
        case("one box", [[box(0, 0, 10, 10)]], [[box(0, 0, 10, 5, score=-3.5)]]),
        case("images again", [boxes for boxes in tied[0][:8] for _ in range(3)],
             [boxes for boxes in tied[1][:8] for _ in range(3)]),
        case("numbers as names", [[box(0, 0, 9, 9, 10), box(0, 0, 9, 9, 2)]],
             [[box(0, 0, 9, 8, 2, score=1), box(0, 1, 9, 8, 10, score=1)]]),
    ]  # fmt: skip


def main():
    assert importlib.metadata.version("pycocotools") == VERSION, f"needs pycocotools {VERSION}"
    document = {"pycocotools": VERSION, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "detection.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
