"""Writes the stored golden cases `segmentation.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6 pillow==13.0.0
    /tmp/golden/bin/pip install --no-deps panopticapi-lite==0.2.0
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_segmentation.py

The output is the same on every run; `git diff` after it must be empty. Maps are generated:
rectangles of segments over each other, and predictions that move, split, merge, rename and
lose some of them. What is expected by pixels comes from scikit-learn on the labelled pixels of
all images (unlabelled predictions are one more class there, which no mean counts); what is
expected by segments comes from panopticapi, whose functions read the maps as PNG files.
"""

import contextlib
import importlib.metadata
import io
import itertools
import json
import math
import pathlib
import tempfile
import warnings

import numpy as np
from panopticapi import evaluation as pan
from PIL import Image
from sklearn import metrics as sk

VERSIONS = {"scikit-learn": "1.9.1", "panopticapi-lite": "0.2.0"}
THINGS = {"car": True, "person": True, "road": False, "sky": False, "tree": False}
VOID = 0


class Map:
    """An image: segment of each pixel (0 is unlabelled) and the category of each segment."""

    def __init__(self, pixels, segments, crowds=()):
        self.pixels = np.asarray(pixels)
        kept = set(np.unique(self.pixels).tolist()) - {VOID}
        self.segments = {place: name for place, name in segments.items() if place in kept}
        self.crowds = set(crowds) & kept

    def wire(self, panoptic):
        flat = self.pixels.ravel()
        cuts = [0, *(np.flatnonzero(np.diff(flat)) + 1).tolist(), len(flat)]
        runs = []
        for start, end in itertools.pairwise(cuts):
            place = int(flat[start])
            name = str(place) if panoptic else self.segments.get(place)
            runs.append([None if place == VOID else name, end - start])
        found = {"size": list(self.pixels.shape), "runs": runs}
        if panoptic:
            found["segments"] = {
                str(place): {"category": name, "thing": THINGS[name]}
                | ({"iscrowd": 1} if place in self.crowds else {})
                for place, name in self.segments.items()
            }
        return found

    def classes(self, numbers):
        """Class per pixel, -1 where unlabelled."""
        table = np.full(int(self.pixels.max()) + 1, -1)
        for place, name in self.segments.items():
            table[place] = numbers[name]
        return table[self.pixels].ravel()


def by_pixels(truths, predicted, weight):
    numbers = {name: number for number, name in enumerate(sorted(THINGS))}
    images = [
        (a.classes(numbers), b.classes(numbers)) for a, b in zip(truths, predicted, strict=True)
    ]
    images = [(a[a >= 0], b[a >= 0]) for a, b in images]
    weight = np.ones(len(images)) if weight is None else np.asarray(weight, float)
    of_images = [iou(a, b) for a, b in images]
    counted = [(value, w) for value, w in zip(of_images, weight, strict=True) if value is not None]
    total = sum(w for _, w in counted)
    y_true = np.concatenate([a for a, _ in images])
    y_pred = np.concatenate([b for _, b in images])
    w = np.concatenate([np.full(len(a), w) for (a, _), w in zip(images, weight, strict=True)])
    names = ["pixel_accuracy", "mean_iou", "frequency_weighted_iou", "dice_macro",
             "mean_class_accuracy", "image_mean_iou"]  # fmt: skip
    if not len(y_true):
        return dict.fromkeys(names, math.nan)
    present = sorted(set(y_true.tolist()) | set(y_pred.tolist()) - {-1})
    of = {"labels": present, "sample_weight": w, "zero_division": 0}
    values = [
        sk.accuracy_score(y_true, y_pred, sample_weight=w),
        sk.jaccard_score(y_true, y_pred, average="macro", **of),
        sk.jaccard_score(y_true, y_pred, average="weighted", **of),
        sk.f1_score(y_true, y_pred, average="macro", **of),
        sk.balanced_accuracy_score(y_true, y_pred, sample_weight=w),
        sum(value * w for value, w in counted) / total,
    ]
    return dict(zip(names, map(float, values), strict=True))


def iou(y_true, y_pred):
    present = sorted(set(y_true.tolist()) | set(y_pred.tolist()) - {-1})
    if not len(y_true):
        return None
    return sk.jaccard_score(y_true, y_pred, labels=present, average="macro", zero_division=0)


def annotation(folder, name, image):
    """The map as panopticapi reads it: a PNG file whose colours are the segments."""
    ids = image.pixels.astype(np.uint32)
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    Image.fromarray(colours).save(folder / name)
    info = [
        {"id": place, "category_id": category, "iscrowd": int(place in image.crowds),
         "area": int((image.pixels == place).sum())}
        for place, category in image.segments.items()
    ]  # fmt: skip
    return {"image_id": name, "file_name": name, "segments_info": info}


def by_segments(truths, predicted):
    categories = {name: {"isthing": int(thing)} for name, thing in THINGS.items()}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        pairs = [
            (annotation(folder, f"true{row}.png", a), annotation(folder, f"pred{row}.png", b))
            for row, (a, b) in enumerate(zip(truths, predicted, strict=True))
        ]
        with contextlib.redirect_stdout(io.StringIO()):
            stat = pan.pq_compute_single_core(0, pairs, str(folder), str(folder), categories)
    expected = {}
    for ending, thing in [("", None), ("_things", True), ("_stuff", False)]:
        try:
            found, _ = stat.pq_average(categories, thing)
        except ZeroDivisionError:
            found = dict.fromkeys(["pq", "sq", "rq"], math.nan)
        for name, short in [("panoptic", "pq"), ("segmentation", "sq"), ("recognition", "rq")]:
            expected[f"{name}_quality{ending}"] = float(found[short])
    return expected


def case(name, truths, predicted, *, panoptic=True, weight=None):
    expected = by_pixels(truths, predicted, weight)
    if panoptic and weight is None:
        expected |= by_segments(truths, predicted)
    return {
        "name": name,
        "y_true": [image.wire(panoptic) for image in truths],
        "y_pred": [image.wire(panoptic) for image in predicted],
        "weight": weight,
        "panoptic": panoptic,
        "expected": {name: "NaN" if math.isnan(v) else v for name, v in expected.items()},
    }


def scene(rng, height, width, *, void=0.3, crowd=0.0):
    """Sky over road, then rectangles of segments over each other."""
    pixels = np.ones((height, width), int)
    pixels[int(height * rng.uniform(0.2, 0.7)) :] = 2
    segments = {1: "sky", 2: "road"}
    for place in range(3, 3 + rng.integers(2, 8)):
        top, left = rng.integers(0, height - 2), rng.integers(0, width - 2)
        high, wide = rng.integers(2, height // 2), rng.integers(2, width // 2)
        pixels[top : top + high, left : left + wide] = place
        segments[place] = str(rng.choice(["car", "person", "car", "tree"]))
    if rng.random() < void:
        top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
        pixels[top : top + height // 2, left : left + width // 2] = VOID
    # Of each category one crowd at most, as the reference keeps one.
    crowds = {}
    for place, name in segments.items():
        if THINGS[name] and rng.random() < crowd:
            crowds[name] = place
    return Map(pixels, segments, crowds.values())


def predicted_of(rng, truth):
    """The scene with shifted borders, other names, and segments lost, split and merged."""
    pixels, segments = truth.pixels.copy(), {}
    shift = rng.integers(-1, 2, size=2)
    pixels = np.roll(pixels, shift, axis=(0, 1))
    names = list(THINGS)
    for place, name in truth.segments.items():
        segments[place] = str(rng.choice(names)) if rng.random() < 0.15 else name
        chance = rng.random()
        if chance < 0.1:
            pixels[pixels == place] = VOID
        elif chance < 0.25:
            half = (pixels == place) & (np.indices(pixels.shape)[1] % 3 == 0)
            pixels[half] = place + 100
            segments[place + 100] = name
    if rng.random() < 0.6:
        pixels[pixels == VOID] = 999
        segments[999] = str(rng.choice(names))
    return Map(pixels, segments)


def cases():
    rng = np.random.default_rng(1801)
    truths = [scene(rng, 24, 32) for _ in range(24)]
    found = [predicted_of(rng, truth) for truth in truths]
    crowded = [scene(rng, 20, 20, crowd=0.5, void=0.7) for _ in range(12)]
    crowded_found = [predicted_of(rng, truth) for truth in crowded]
    blank = Map(np.zeros((4, 6), int), {})
    car = Map(np.full((4, 6), 7), {7: "car"})
    half = Map([[1, 1, 2, 2]], {1: "car", 2: "road"})
    exactly_half = Map([[1, 2, 2, 2]], {1: "car", 2: "road"})
    small = Map([[5]], {5: "sky"})
    half_void = Map([[0, 0, 1, 1]], {1: "road"})
    over_void = Map([[3, 3, 3, 1]], {1: "road", 3: "car"})
    half_over_void = Map([[3, 3, 0, 1]], {1: "road", 3: "person"})
    return [
        case("street", truths, found),
        case("crowds", crowded, crowded_found),
        case("classes alone", truths[:10], found[:10], panoptic=False),
        case("weighted", truths[:8], found[:8], weight=[1, 0.5, 2, 0.25, 3, 1, 0.125, 1]),
        case("perfect", truths[:5], [Map(t.pixels, t.segments) for t in truths[:5]]),
        case("one image", truths[:1], found[:1]),
        case("one pixel", [small], [small]),
        case("one pixel, another class", [small], [Map([[5]], {5: "car"})]),
        case("nothing labelled", [blank, blank], [car, blank]),
        case("nothing predicted", [car, truths[0]], [blank, Map(truths[0].pixels * 0, {})]),
        case("an image without labels", [blank, truths[1]], [car, found[1]]),
        case("an overlap of one half", [half], [exactly_half]),
        case("mostly unlabelled", [half_void, half_void], [over_void, half_over_void]),
        case("a class that only is predicted", [half, half], [half, Map([[1, 1, 3, 2]],
             {1: "car", 2: "road", 3: "tree"})]),
    ]  # fmt: skip


def main():
    for name, version in VERSIONS.items():
        assert importlib.metadata.version(name) == version, f"needs {name} {version}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = {"versions": VERSIONS, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "segmentation.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
