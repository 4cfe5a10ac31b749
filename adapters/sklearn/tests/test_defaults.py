"""What the adapter tells of scikit-learn's defaults."""

from __future__ import annotations

from pathlib import Path

from iris import iris

TREE = "sklearn.tree.DecisionTreeClassifier"


def test_defaults_are_those_of_the_estimator_without_what_is_given(tmp_path: Path) -> None:
    run = iris(tmp_path, {"estimator": TREE, "arguments": {"max_depth": 3}})
    told = run.defaults()
    assert told["subject"] == TREE
    assert list(told["libraries"]) == ["scikit-learn"]
    assert told["values"]["criterion"] == "gini"
    assert told["values"]["max_features"] is None
    assert not {"max_depth", "random_state"} & set(told["values"])
    assert run.told("metrics") == []
    assert not (run.dir / "predictions").exists()
    assert run.defaults() == told


def test_wrong_params_are_refused_as_in_training(tmp_path: Path) -> None:
    run = iris(tmp_path, {"estimator": TREE, "arguments": {"max_dept": 3}})
    program = run.start([*run.command, "defaults"])
    program.communicate()
    assert program.returncode == 64
    (error,) = run.told("error")
    assert error["field"] == "params.arguments.max_dept"
