"""Writes the stored golden cases `survival.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install scikit-survival==0.28.0 lifelines==0.30.3 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_survival.py

The output is the same on every run; `git diff` after it must be empty. Inputs are risks and
probabilities, rounded, of Cox models of data sets that ship inside lifelines (Rossi, recidivism;
many ties) and scikit-survival (WHAS500, heart attacks), and edge cases. Expected values come from
lifelines and scikit-survival where they have one; of rows with weights and where all is censored
they are the definitions over all pairs of rows, which must agree with the libraries elsewhere.
"""

import importlib.metadata
import json
import math
import pathlib

import numpy as np
from lifelines.datasets import load_rossi
from lifelines.utils import concordance_index
from sksurv import metrics as sk
from sksurv.datasets import load_whas500
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

VERSIONS = {"scikit-survival": "0.28.0", "lifelines": "0.30.3", "numpy": "2.4.6"}


def followed(time, event, weight, at):
    product = 1.0
    for one in sorted(set(time.tolist())):
        if one > at:
            break
        lost = math.fsum(weight[(time == one) & ~event])
        at_risk = math.fsum(weight[time >= one]) - math.fsum(weight[(time == one) & event])
        product *= 1 - lost / at_risk if lost > 0 else 1
    return product


def concordance(time, event, risk, weight, of_event):
    right, pairs = [], []
    for i in np.flatnonzero(event):
        others = (time > time[i]) | ((time == time[i]) & ~event)
        scores = np.where(risk[others] < risk[i], 1, np.where(risk[others] == risk[i], 0.5, 0))
        right += (weight[i] * of_event[i] * weight[others] * scores).tolist()
        pairs += (weight[i] * of_event[i] * weight[others]).tolist()
    return math.fsum(right) / math.fsum(pairs) if math.fsum(pairs) > 0 else None


def formulas(time, event, risk, weight, past):
    gone = np.array([followed(time, event, weight, one) for one in time])
    inverse = np.divide(1, gone, out=np.zeros_like(gone), where=gone > 1e-12)
    found = {
        "concordance_index": concordance(time, event, risk, weight, np.ones(len(time))),
        "concordance_index_ipcw": concordance(time, event, risk, weight, inverse**2),
    }
    brier = []
    for at, chance in past.items():
        case, control = (time <= at) & event, time > at
        terms = chance**2 * case * inverse
        terms = terms + (1 - chance) ** 2 * control / followed(time, event, weight, at)
        brier.append(math.fsum(weight * terms) / math.fsum(weight))
    if brier:
        found["survival_brier"] = brier[(len(brier) - 1) // 2]
    if len(brier) > 1:
        times = list(past)
        area = np.trapezoid(brier, times)
        found["survival_integrated_brier"] = area / (times[-1] - times[0])
    return found


def by_libraries(time, event, risk, past):
    truth = Surv.from_arrays(event, time)
    # It refuses events with a G of 0, which are those of the last time when rows are censored then.
    last = time == time.max()
    tau = time.max() if event[last].any() and not event[last].all() else None
    harrell = sk.concordance_index_censored(event, time, risk)[0]
    assert math.isclose(harrell, concordance_index(time, -risk, event), rel_tol=1e-12)
    found = {
        "concordance_index": harrell,
        "concordance_index_ipcw": sk.concordance_index_ipcw(truth, truth, risk, tau=tau)[0],
    }
    times = list(past)
    if times:
        chances = np.column_stack(list(past.values()))
        brier = sk.brier_score(truth, truth, chances, times)[1]
        found["survival_brier"] = brier[(len(times) - 1) // 2]
        if len(times) > 1:
            integrated = sk.integrated_brier_score(truth, truth, chances, times)
            found["survival_integrated_brier"] = integrated
    return found


def case(name, time, event, risk, past=None, weight=None, library=True):
    time, event = np.asarray(time, dtype=float), np.asarray(event, dtype=bool)
    risk = np.asarray(risk, dtype=float)
    past = {at: np.asarray(chance, dtype=float) for at, chance in sorted((past or {}).items())}
    weights = np.ones(len(time)) if weight is None else np.asarray(weight, dtype=float)
    expected = formulas(time, event, risk, weights, past)
    if library and weight is None:
        for metric, value in by_libraries(time, event, risk, past).items():
            assert math.isclose(value, expected[metric], rel_tol=1e-11), (name, metric)
            expected[metric] = value
    return {
        "name": name,
        "time": time.tolist(),
        "event": event.astype(int).tolist(),
        "risk": risk.tolist(),
        "past": {str(at): chance.tolist() for at, chance in past.items()},
        "weight": None if weight is None else weights.tolist(),
        "expected": {key: None if v is None else float(v) for key, v in expected.items()},
    }


def cox(values, time, event, times, digits=4):
    model = CoxPHSurvivalAnalysis(alpha=0.1).fit(values, Surv.from_arrays(event, time))
    functions = model.predict_survival_function(values)
    past = {at: np.round([function(at) for function in functions], digits) for at in times}
    return np.round(model.predict(values), digits), past


def cases():
    rossi = load_rossi()
    week, arrest = rossi["week"].to_numpy(float), rossi["arrest"].to_numpy(bool)
    values = rossi.drop(columns=["week", "arrest"]).to_numpy(float)
    risk, past = cox(values, week, arrest, [8, 16.5, 24, 40])
    heart, outcome = load_whas500()
    some = np.arange(0, len(heart), 2)
    days, died = outcome["lenfol"][some], outcome["fstat"][some]
    values = heart[["age", "bmi", "hr", "sysbp", "diasbp", "los"]].to_numpy(float)[some]
    rough, late = cox(values, days, died, [30, 365, 1000], digits=1)
    rng = np.random.default_rng(3)
    weight = np.round(rng.uniform(0, 2, len(days)), 2)
    whole = rng.integers(0, 3, len(days))
    small = {"time": [2, 2, 3, 3, 5, 6], "event": [1, 0, 1, 1, 0, 1]}
    one = {2.5: [0.5, 0.75, 0.5, 0.25, 1, 0]}
    return [
        case("recidivism", week, arrest, risk, past),
        case("heart attacks, equal risks", days, died, rough, late),
        case("heart attacks, weights", days, died, rough, late, weight=weight),
        case("heart attacks, whole weights", days, died, rough, late, weight=whole),
        case("risks alone", days, died, -rough),
        case("ties of times", **small, risk=[3, 1, 3, 2, 2, 1], past=one),
        case("all risks equal", **small, risk=[1, 1, 1, 1, 1, 1]),
        case("nothing is censored", [1, 2, 3], [1, 1, 1], [3, 1, 2], {1.5: [0, 1, 1]}),
        case("all is censored", [1, 2, 3], [0, 0, 0], [3, 1, 2], {2: [0, 1, 1]}, library=False),
        case("the last is censored with an event", [1, 4, 4], [1, 1, 0], [3, 2, 1]),
        case("before the first time", [2, 3], [1, 0], [2, 1], {1: [1, 0.5]}, library=False),
        case("perfect", [1, 2, 3, 4], [1, 0, 1, 0], [4, 3, 2, 1]),
        case("the wrong way round", [1, 2, 3, 4], [1, 0, 1, 0], [1, 2, 3, 4]),
        case("a single row", [1], [1], [1], library=False),
    ]


def main():
    for package, version in VERSIONS.items():
        assert importlib.metadata.version(package) == version, f"needs {package} {version}"
    document = {"versions": VERSIONS, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "survival.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
