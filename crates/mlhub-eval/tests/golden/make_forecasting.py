"""Writes the stored golden cases `forecasting.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install utilsforecast==0.2.17 pandas==2.3.3 numpy==2.4.6
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_forecasting.py

The output is the same on every run; `git diff` after it must be empty. Inputs are series from
seeded noise, a trend and a season, forecast by the season before, and edge cases. Expected values
of rows without weights come from utilsforecast; those of weighted rows, which it does not have,
are its formulas in NumPy, which must agree with it on rows without weights.
"""

import importlib.metadata
import json
import math
import pathlib
from statistics import NormalDist

import numpy as np
import pandas as pd
from utilsforecast import losses

VERSIONS = {"utilsforecast": "0.2.17", "pandas": "2.3.3", "numpy": "2.4.6"}
SEASON = 4
LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]


def mean(values, weight):
    return math.fsum(values * weight) / math.fsum(weight)


def widest(quantiles):
    for low in sorted(quantiles):
        for high in quantiles:
            if low < high and abs(low + high - 1) < 1e-9:
                return low, quantiles[low], quantiles[high]
    return None


def formulas(y, p, weight, group, scale, quantiles):
    error = np.abs(y - p)
    size = math.fsum(weight * np.abs(y))
    both = (np.abs(y) + np.abs(p)) / 2
    smape = np.divide(error, both, out=np.zeros_like(error), where=both > 0)
    found = {
        "forecast_mae": mean(error, weight),
        "forecast_rmse": math.sqrt(mean((y - p) ** 2, weight)),
        "forecast_bias": mean(p - y, weight),
        "wape": math.fsum(weight * error) / size if size > 0 else None,
        "forecast_smape": mean(smape, weight),
    }
    if scale is not None:
        ratios = []
        for name in dict.fromkeys(group):
            rows = np.array([other == name for other in group])
            if scale[rows][0] > 0 and weight[rows].sum() > 0:
                ratios.append(mean(error[rows], weight[rows]) / scale[rows][0])
        found["mase"] = math.fsum(ratios) / len(ratios) if ratios else None
    if quantiles:
        losses_of = [
            np.where(y >= q, level * (y - q), (level - 1) * (y - q))
            for level, q in quantiles.items()
        ]
        found["mean_pinball"] = mean(np.mean(losses_of, axis=0), weight)
        found["crps"] = 2 * found["mean_pinball"]
    interval = widest(quantiles)
    if interval is not None:
        level, low, high = interval
        beyond = np.where(y < low, low - y, np.maximum(y - high, 0))
        found["interval_coverage"] = mean(((low <= y) & (y <= high)).astype(float), weight)
        found["coverage_gap"] = abs(found["interval_coverage"] - (1 - 2 * level))
        found["interval_width"] = mean(high - low, weight)
        found["interval_score"] = mean(high - low + beyond / level, weight)
    return found


def by_library(y, p, group, scale, quantiles):
    """Of rows without weights; all of them as one series but for MASE."""
    frame = pd.DataFrame({"unique_id": "all", "ds": range(len(y)), "y": y, "m": p})
    for level, q in quantiles.items():
        frame[f"q{level}"] = q

    def of(loss, *args, **kwargs):
        return float(getattr(losses, loss)(frame, *args, **kwargs)["m"].iloc[0])

    found = {
        "forecast_mae": of("mae", ["m"]),
        "forecast_rmse": of("rmse", ["m"]),
        "forecast_bias": of("bias", ["m"]),
        "wape": of("wape", ["m"]),
        "forecast_smape": 2 * of("smape", ["m"]),
    }
    if scale is not None:
        series = frame.assign(unique_id=group, scale=scale)
        errors = losses.mae(series, ["m"]).set_index("unique_id")["m"]
        scales = series.groupby("unique_id")["scale"].first()
        found["mase"] = float((errors / scales).mean())
    if quantiles:
        columns = {"m": [f"q{level}" for level in quantiles]}
        found["mean_pinball"] = of("mqloss", columns, quantiles=np.array(list(quantiles)))
        found["crps"] = 2 * found["mean_pinball"]
    interval = widest(quantiles)
    if interval is not None:
        level, low, high = interval
        percent = round(100 * (1 - 2 * level))
        frame[f"m-lo-{percent}"], frame[f"m-hi-{percent}"] = low, high
        found["interval_coverage"] = of("coverage", ["m"], level=percent)
        found["interval_score"] = of("winkler_score", ["m"], level=percent)
    return found


def case(name, y, p, weight=None, group=None, scale=None, quantiles=None):
    y, p = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    quantiles = {level: np.asarray(q, dtype=float) for level, q in (quantiles or {}).items()}
    scale = None if scale is None else np.asarray(scale, dtype=float)
    names = ["all"] * len(y) if group is None else list(group)
    weights = np.ones(len(y)) if weight is None else np.asarray(weight, dtype=float)
    expected = formulas(y, p, weights, names, scale, quantiles)
    if weight is None and np.abs(y).sum() > 0 and (scale is None or (scale > 0).all()):
        for metric, value in by_library(y, p, names, scale, quantiles).items():
            assert math.isclose(value, expected[metric], rel_tol=1e-12, abs_tol=1e-14), metric
            expected[metric] = value
    numbers = {f"y_pred_q{level}": q.tolist() for level, q in quantiles.items()}
    if scale is not None:
        numbers["scale"] = scale.tolist()
    return {
        "name": name,
        "y_true": y.tolist(),
        "y_pred": p.tolist(),
        "weight": None if weight is None else weights.tolist(),
        "group": None if group is None else names,
        "numbers": numbers,
        "expected": {key: None if v is None else float(v) for key, v in expected.items()},
    }


def seasons():
    """Series of several lengths, forecast by the season before; rounded as a file has them."""
    rng = np.random.default_rng(71)
    rows = {"y": [], "p": [], "group": [], "scale": [], "spread": []}
    for series in range(7):
        length, size = 32 + 4 * series, 10.0 ** (series % 3)
        steps = np.arange(length)
        values = 20 + 0.1 * steps + 3 * np.sin(steps * np.pi / 2) + rng.normal(0, 1, length)
        values = np.round(size * (values - (20 if series == 5 else 0)), 2)
        horizon = 6 + series
        train, test = values[:-horizon], values[-horizon:]
        steps_back = np.abs(train[SEASON:] - train[:-SEASON])
        repeated = np.tile(train[-SEASON:], horizon)[:horizon]
        rows["y"] += test.tolist()
        rows["p"] += np.round(repeated + 0.3 * size, 2).tolist()
        rows["group"] += [f"series {series}"] * horizon
        rows["scale"] += [round(float(steps_back.mean()), 6)] * horizon
        rows["spread"] += [float(np.std(steps_back))] * horizon
    order = rng.permutation(len(rows["y"]))
    return {key: [values[row] for row in order] for key, values in rows.items()}


def cases():
    rows = seasons()
    y, p, group, scale = (rows[key] for key in ("y", "p", "group", "scale"))
    spread, normal = np.array(rows["spread"]), NormalDist()
    quantiles = {
        level: np.round(np.array(p) + normal.inv_cdf(level) * spread, 3) for level in LEVELS
    }
    few = {level: quantiles[level] for level in (0.25, 0.5, 0.9)}
    rng = np.random.default_rng(72)
    weight = np.round(rng.uniform(0, 2, len(y)), 2)
    no_scale = [0.0 if name == "series 2" else one for name, one in zip(group, scale, strict=True)]
    unweighted = [
        0.0 if name == "series 3" else one for name, one in zip(group, weight, strict=True)
    ]
    everything = {"group": group, "scale": scale, "quantiles": quantiles}
    edge = {0.1: [1, 2, 3], 0.9: [3, 4, 5]}
    return [
        case("all columns", y, p, **everything),
        case("weights", y, p, weight=weight, **everything),
        case("a series without weight", y, p, weight=unweighted, **everything),
        case("plain numbers", y, p),
        case("one series", y, p, scale=[2.5] * len(y)),
        case("a series without scale", y, p, group=group, scale=no_scale),
        case("no scale at all", y, p, group=group, scale=[0.0] * len(y)),
        case("quantiles without an interval", y, p, quantiles=few),
        case("the median alone", y, p, quantiles={0.5: quantiles[0.5]}),
        case("on the ends of the interval", [1, 4, 4], [2, 3, 4], quantiles=edge),
        case("crossed quantiles", [1, 4, 4], [2, 3, 4], quantiles={0.1: [3, 4, 5], 0.9: [1, 2, 3]}),
        case("perfect", y, y, quantiles=dict.fromkeys(LEVELS, y)),
        case("nothing but zeros", [0, 0], [0, 0], scale=[1, 1]),
        case("zeros forecast as something", [0, 0], [1, -2]),
        case("a single row", [3], [2], scale=[0.5], quantiles={0.2: [1.5], 0.8: [2.5]}),
    ]


def main():
    for package, version in VERSIONS.items():
        assert importlib.metadata.version(package) == version, f"needs {package} {version}"
    document = {"versions": VERSIONS, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "forecasting.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
