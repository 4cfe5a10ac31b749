"""The cluster adapter groups, finds outliers, resumes and serves, on real data."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from mlhub_adapter.testing import RequestError, RunDirectory, interpreter

FOLDER = Path(__file__).resolve().parent.parent
TWO: dict[str, Any] = {"arguments": {"n_clusters": 2, "n_init": 5}}
TOGETHER = """
import json, sys
folder, *runs = sys.argv[1:]
sys.path.insert(0, folder)
from mlhub_adapter.adapter import execute
from mlhub_cluster import Cluster
print(json.dumps([execute(Cluster(), [run]) for run in runs]))
"""


def make(
    folder: Path,
    *,
    target: str | None = "diagnosis",
    task: str | None = "binary",
    text: str | None = None,
    **params: Any,
) -> RunDirectory:
    text = text or (FOLDER / "smoke.csv").read_text(encoding="utf-8")
    command = [interpreter(), str(FOLDER / "train.py")]
    return RunDirectory(folder, command, params=params, text=text, target=target, task=task)


def together(runs: list[RunDirectory]) -> list[int]:
    """Runs in one process, which loads the library once; returns their exit codes."""
    for run in runs:
        run.write()
    command = [interpreter(), "-c", TOGETHER, str(FOLDER)]
    said, problems = runs[0].start(command, [str(run.dir) for run in runs]).communicate()
    assert said, problems
    codes: list[int] = json.loads(said.splitlines()[-1])
    return codes


def last(run: RunDirectory) -> dict[str, float]:
    return run.metrics()[-1][1]


def test_groups_agree_with_labels_and_are_served(tmp_path: Path) -> None:
    run = make(tmp_path, **TWO).succeed()
    assert run.accuracy() >= 0.85
    metrics = last(run)
    assert metrics["test/adjusted_rand"] >= 0.5
    assert metrics["test/v_measure"] == pytest.approx(metrics["test/normalised_mutual_information"])
    assert 0.3 < metrics["train/silhouette"] < 1
    assert run.metrics()[0][1]["train/clusters"] == 2
    (entry,) = run.told("entry")
    assert entry["splits"]["train"]["shape"] == [455, 10]
    assert entry["splits"]["train"]["dtype"] == "float64"
    sizes = (run.dir / "artifacts" / "cluster_sizes.csv").read_text().splitlines()[1:]
    assert sum(int(line.split(",")[1]) for line in sizes) == 455
    assert (run.dir / "artifacts" / "cluster_sizes.svg").exists()
    header, *rows = (FOLDER / "smoke.csv").read_text().splitlines()
    names = header.split(",")[:-1]
    inputs = [dict(zip(names, map(float, row.split(",")), strict=False)) for row in rows[:10:5]]
    assigned = (run.dir / "artifacts" / "assignments.csv").read_text().splitlines()
    groups = [line.split(",")[2] for line in assigned if line.startswith("test,")][:2]
    with run.serve() as worker:
        assert worker.predict(inputs) == [{"label": group} for group in groups]
        with pytest.raises(RequestError) as refused:
            worker.predict([{**inputs[0], "mean_area": "large"}])
        assert refused.value.field == "inputs.0.mean_area"


@pytest.mark.parametrize(
    ("estimator", "arguments", "least"),
    [
        ("sklearn.mixture.GaussianMixture", {"n_components": 2}, 0.85),
        ("sklearn.cluster.AgglomerativeClustering", {"n_clusters": 2}, 0.8),
        ("sklearn.cluster.HDBSCAN", {"min_cluster_size": 15}, 0.6),
    ],
)
def test_other_clusterers_group_new_rows_too(
    tmp_path: Path, estimator: str, arguments: dict[str, Any], least: float
) -> None:
    run = make(tmp_path, estimator=estimator, arguments=arguments).succeed()
    assert run.accuracy() >= least


@pytest.mark.parametrize(
    ("estimator", "arguments"),
    [
        ("sklearn.ensemble.IsolationForest", {}),
        ("sklearn.neighbors.LocalOutlierFactor", {"n_neighbors": 200}),
    ],
)
def test_outliers_are_scored_with_and_without_labels(
    tmp_path: Path, estimator: str, arguments: dict[str, Any]
) -> None:
    params: dict[str, Any] = {"estimator": estimator, "arguments": arguments}
    labelled = make(tmp_path / "labelled", **params)
    alone = make(tmp_path / "alone", task=None, target=None, **params)
    alone.file["params"]["exclude"] = ["diagnosis"]
    assert together([labelled, alone]) == [0, 0]
    header, *rows = labelled.predictions()
    assert header[3:] == ["y_score_benign", "y_score_malignant"]
    means = {
        truth: sum(float(row[4]) for row in rows if row[1] == truth)
        / sum(row[1] == truth for row in rows)
        for truth in ("benign", "malignant")
    }
    assert means["malignant"] > means["benign"] + 0.02
    assert not alone.told("predictions")
    assigned = [
        (run.dir / "artifacts" / "assignments.csv").read_text() for run in (labelled, alone)
    ]
    assert assigned[0] == assigned[1], "labels are not looked at"
    names = (FOLDER / "smoke.csv").read_text().splitlines()[0].split(",")[:-1]
    with alone.serve() as worker:
        (output,) = worker.predict([{name: 1e6 for name in names}])
    assert output["anomaly"] is True
    assert output["score"] > 0.5


def test_killed_and_resumed_equals_uninterrupted_and_seeds_repeat(tmp_path: Path) -> None:
    params: dict[str, Any] = {"arguments": {"n_clusters": 6}, "silhouette_rows": 5000}
    header, *rows = (FOLDER / "smoke.csv").read_text(encoding="utf-8").splitlines()
    # Many rows, so that there is something left to do after the checkpoint.
    text = "\n".join([header, *rows * 10]) + "\n"
    alone = make(tmp_path / "alone", text=text, **params).succeed()
    killed = make(tmp_path / "killed", text=text, **params)
    assert killed.stop_after_checkpoint(1, signal.SIGKILL) == -signal.SIGKILL
    killed.resume()
    killed.succeed()
    assert killed.predictions() == alone.predictions()
    assert killed.metrics() == alone.metrics()[1:]


def test_what_is_wrong_is_refused_by_name(tmp_path: Path) -> None:
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"estimator": "sklearn.cluster.KMean"}, 64, "params.estimator"),
        ({"estimator": "no_such.Thing"}, 64, "params.estimator"),
        ({"estimator": "sklearn.linear_model.Ridge"}, 64, "params.estimator"),
        ({"arguments": {"n_cluster": 2}}, 64, "params.arguments.n_cluster"),
        ({"arguments": {"n_clusters": 0}}, 64, "params.arguments.n_clusters"),
        ({"arguments": {"random_state": 1}}, 64, "params.arguments.random_state"),
        ({"exclude": ["no_such"]}, 64, "params.exclude"),
        ({"task": "regression"}, 64, "task"),
        ({"target": None, "task": None}, 65, "dataset.splits.train"),
    ]
    runs = [make(tmp_path / str(at), **params) for at, (params, _, _) in enumerate(wrong)]
    assert together(runs) == [code for _, code, _ in wrong]
    for run, (_, _, field) in zip(runs, wrong, strict=True):
        assert [error["field"] for error in run.told("error")] == [field]
