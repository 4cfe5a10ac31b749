"""`run.config` and `run.summary`."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import pickle
from pathlib import Path

import pytest
from reader import read_run

import mlhub


def test_it_reads_by_key_attribute_and_dots(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, config={"lr": 0.1, "model": {"layers": 3}})
    assert run.config["lr"] == run.config.lr == 0.1
    assert run.config.model.layers == run.config["model.layers"] == 3
    assert run.config["model"]["layers"] == 3
    assert run.config.to_dict() == {"lr": 0.1, "model": {"layers": 3}}
    assert "missing" not in run.config
    with pytest.raises(AttributeError, match="no `missing`"):
        _ = run.config.missing
    run.finish()
    assert run.path is not None
    sdk = read_run(run.path).file("sdk.json")
    assert sdk["params"] == {"lr": 0.1, "model.layers": 3}
    assert sdk["config"] == {"lr": 0.1, "model": {"layers": 3}}


def test_what_comes_later_is_told(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, config={"a": 1})
    run.config.b = 2
    run.config["model.depth"] = 4
    run.config.update({"model": {"width": 8}}, seed=3)
    run.finish()
    assert run.path is not None
    params = read_run(run.path).joined("params")
    assert params == {"b": 2, "model.depth": 4, "model.width": 8, "seed": 3}
    assert run.config.model.to_dict() == {"depth": 4, "width": 8}


def test_the_first_value_stays_and_it_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = mlhub.init(dir=tmp_path, config={"lr": 0.1}, console="off")
    run.config.lr = 0.1
    assert capfd.readouterr().err == ""
    run.config.lr = 0.2
    assert "`lr` has a value already" in capfd.readouterr().err
    assert run.config.lr == 0.1
    run.config.update({"lr": 0.3}, allow_change=True)
    assert run.config.lr == 0.3


def test_objects_with_fields_are_configs(tmp_path: Path) -> None:
    @dataclasses.dataclass
    class Inner:
        size: int = 2

    @dataclasses.dataclass
    class Options:
        rate: float = 0.5
        inner: Inner = dataclasses.field(default_factory=Inner)

    run = mlhub.init(dir=tmp_path, config=Options())
    assert run.config.inner.size == 2
    space = mlhub.init(dir=tmp_path, config=argparse.Namespace(epochs=3))
    assert space.config.epochs == 3


def test_secrets_stay_out_of_the_files(tmp_path: Path) -> None:
    config = {"api_key": "hunter2hunter2", "max_tokens": 5, "url": "https://u:pw@h/x"}
    run = mlhub.init(dir=tmp_path, config=config)
    run.config.password = "hunter3hunter3"
    assert run.config.api_key == "hunter2hunter2"
    run.finish()
    assert run.path is not None
    for file in run.path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert b"hunter2" not in content
            assert b"hunter3" not in content
            assert b"u:pw" not in content
    assert read_run(run.path).file("sdk.json")["params"]["max_tokens"] == 5


def test_results_are_metrics_and_tags(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path)
    run.log({"a": 1}, step=5)
    run.summary["best"] = 0.75
    run.summary.best = 0.875
    run.summary.update({"verdict": "good", "nested": {"x": 1}})
    assert run.summary["best"] == 0.875
    run.log({"a": 1})
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    assert events.series("summary/best") == [(5, 0.75), (5, 0.875)]
    assert events.series("summary/nested.x") == [(5, 1.0)]
    assert events.joined("tags")["summary/verdict"] == "good"
    assert [step for step, _ in events.series("a")] == [5, 6]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"mode": "sometimes"}, ValueError),
        ({"reinit": "no"}, ValueError),
        ({"console": "loud"}, ValueError),
        ({"run_id": "../x"}, ValueError),
        ({"run_id": "ab"}, ValueError),
        ({"resume": True}, ValueError),
        ({"config": 3}, TypeError),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    options: dict[str, object], error: type[Exception], tmp_path: Path
) -> None:
    with pytest.raises(error):
        mlhub.init(dir=tmp_path, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_copies_are_of_no_run(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, config={"lr": 0.1, "model": {"layers": [3]}})
    run.summary["best"] = 0.5
    for copied in (copy.copy, copy.deepcopy, lambda what: pickle.loads(pickle.dumps(what))):
        config, summary = copied(run.config), copied(run.summary)
        assert config == run.config
        assert config.model.layers == [3]
        assert copied(run.config.model).to_dict() == {"layers": [3]}
        config.new = 1
        summary["best"] = 0.75
        assert summary.best == 0.75
    assert copy.deepcopy(run.config).model.layers is not run.config.model.layers
    assert run.summary.best == 0.5
    assert not hasattr(run.config, "_missing")
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    assert "new" not in events.joined("params")
    assert events.series("summary/best") == [(0, 0.5)]
