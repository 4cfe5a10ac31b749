"""What `log` takes, and what becomes of what it does not take."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from reader import read_run

import mlhub


def test_numbers_of_all_kinds_are_points(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path)
    run.log({"float": 0.5, "int": 3, "bool": True, "numpy": np.float32(0.25)}, step=7)
    run.log({"array": np.array([1.5]), "zero_d": np.array(2)}, step=np.int64(8))  # type: ignore[arg-type]
    run.log({"nan": math.nan, "inf": -math.inf}, step=-3)
    assert run.path is not None
    run.finish()
    events = read_run(run.path)
    values = {name: (step, value) for name, step, value in events.points}
    assert values["float"] == (7, 0.5)
    assert values["int"] == (7, 3.0)
    assert values["bool"] == (7, 1.0)
    assert values["numpy"] == (7, 0.25)
    assert values["array"] == (8, 1.5)
    assert values["zero_d"] == (8, 2.0)
    assert math.isnan(values["nan"][1])
    assert values["inf"] == (-3, -math.inf)


def test_steps_count_by_themselves(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path)
    for _ in range(3):
        run.log({"a": 1})
    run.log({"a": 1}, step=10)
    run.log({"a": 1})
    run.finish()
    assert run.path is not None
    assert [step for step, _ in read_run(run.path).series("a")] == [0, 1, 2, 10, 11]


def test_nested_names_are_joined_and_texts_become_records(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path)
    run.log({"val": {"loss": 1, "deep": {"x": 2}}, "note": "hello"}, step=4)
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    assert events.series("val/loss") == [(4, 1.0)]
    assert events.series("val/deep/x") == [(4, 2.0)]
    (record,) = events.records("text")
    assert (record["name"], record["step"], record["text"]) == ("note", 4, "hello")


@pytest.mark.parametrize(
    ("metrics", "step", "part"),
    [
        ([1, 2], 0, "takes a mapping"),
        ({"a": 1}, "three", "step must be a whole number"),
        ({"a": 1}, 1.5, "step must be a whole number"),
        ({"a": 1}, 2**70, "64 bits"),
        ({"a": np.zeros((2, 3))}, 0, "numpy.ndarray of shape (2, 3)"),
        ({"a": None}, 0, "`a` is None"),
        ({3: 1}, 0, "names are texts"),
        ({"a": object()}, 0, "`a` is object"),
    ],
)
def test_wrong_input_is_told_and_not_raised(
    metrics: object, step: object, part: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = mlhub.init(dir=tmp_path, console="off")
    run.log(metrics, step=step)  # type: ignore[arg-type]
    run.log(metrics, step=step)  # type: ignore[arg-type]
    assert capfd.readouterr().err.count(part) == 1
    strict = mlhub.init(dir=tmp_path, console="off", strict=True)
    with pytest.raises(mlhub.MlhubError, match="log"):
        strict.log(metrics, step=step)  # type: ignore[arg-type]


def test_a_warning_never_tells_the_value(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = mlhub.init(dir=tmp_path, console="off")
    run.log({"a": np.full(5, 424242.0), "b": ["sample-of-data"]})
    told = capfd.readouterr().err
    assert "numpy.ndarray" in told
    assert "424242" not in told
    assert "sample-of-data" not in told


def test_a_name_without_bytes_is_told_and_takes_nothing_with_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = mlhub.init(dir=tmp_path, console="off")
    run.log({"fine": 1.0, "half \ud83d": 2.0}, step=0)
    run.tag({"half \ud83d": "\ud83d"})
    run.finish()
    assert capfd.readouterr().err.count("no text that can be written") == 1
    assert run.path is not None
    events = read_run(run.path)
    assert events.points == [("fine", 0, 1.0)]
    assert events.joined("tags") == {"half ?": "?"}


def test_ctrl_c_while_a_value_is_asked_for_arrives(tmp_path: Path) -> None:
    class Slow:
        def item(self) -> float:
            raise KeyboardInterrupt

    run = mlhub.init(dir=tmp_path, console="off")
    with pytest.raises(KeyboardInterrupt):
        run.log({"a": Slow()})


def test_many_names_and_fresh_ones_keep_apart(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, console="off")
    kept = [f"kept{number}" for number in range(3000)]
    for step in range(3):
        run.log(dict.fromkeys(kept, float(step)), step=step)
        run.log({f"fresh{number}": float(number) for number in range(3000)}, step=step)
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    found = {(name, step): value for name, step, value in events.points}
    assert len(found) == len(events.points) == 18_000
    assert all(found[name, step] == step for name in kept for step in range(3))
    assert all(found[f"fresh{number}", 2] == number for number in range(3000))


def test_steps_and_times_of_any_library(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, console="off", strict=True)
    run.log({"a": 1.0}, step=np.int32(4))  # type: ignore[arg-type]
    run.log({"a": 2.0}, step=np.float64(5.0))  # type: ignore[arg-type]
    run.log({"a": 3.0}, step=6, time_ms=1_700_000_000_000.75)  # type: ignore[arg-type]
    run.log({"a": 4.0}, step=np.array(7), time_ms=np.int64(1))  # type: ignore[arg-type]
    run.finish()
    assert run.path is not None
    assert read_run(run.path).series("a") == [(4, 1.0), (5, 2.0), (6, 3.0), (7, 4.0)]


def test_a_value_that_logs_while_it_is_asked_for(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, console="off")

    class Telling:
        def __float__(self) -> float:
            run.log({"inner": 1.0}, step=9)
            return 2.0

    run.log({"outer": Telling()}, step=3)
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    assert sorted(events.points) == [("inner", 9, 1.0), ("outer", 3, 2.0)]


def test_seeds_of_any_library_and_no_other_text(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, seed=np.int64(7), console="off")  # type: ignore[arg-type]
    run.finish()
    assert run.path is not None
    assert read_run(run.path).file("sdk.json")["seed"] == 7
    for wrong in ("seven", 0.5, 2**64):
        with pytest.raises(ValueError, match="seed"):
            mlhub.init(dir=tmp_path, seed=wrong)  # type: ignore[arg-type]


def test_results_and_params_of_odd_objects_raise_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Odd(dict):  # type: ignore[type-arg]
        def items(self) -> object:  # type: ignore[override]
            raise ValueError("odd")

    run = mlhub.init(dir=tmp_path, console="off")
    cyclic: dict[str, object] = {}
    cyclic["self"] = cyclic
    run.summary["odd"] = Odd(a=1)
    run.config["odd"] = Odd(a=1)
    run.config["cyclic"] = cyclic
    run.config.update([1, 2])  # type: ignore[arg-type]
    run.config["fine"] = 1
    run.finish()
    assert capfd.readouterr().err.count("warning") >= 1
    assert run.path is not None
    assert read_run(run.path).joined("params")["fine"] == 1


def test_threads_write_into_one_run(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path)

    def work(number: int) -> None:
        for step in range(500):
            run.log({f"thread{number}": step}, step=step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    for number in range(8):
        assert events.series(f"thread{number}") == [(step, float(step)) for step in range(500)]


def test_without_a_run_it_is_told_once(program) -> None:  # type: ignore[no-untyped-def]
    done = program.run("import mlhub\nmlhub.log({'a': 1})\nmlhub.log({'a': 1})\n")
    assert done.returncode == 0
    assert done.stderr.count("call mlhub.init() first") == 1


def test_after_the_end_nothing_is_raised(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path)
    run.log({"a": 1})
    run.finish()
    run.log({"a": 2})
    run.log_text("b", "text")
    run.finish()
    assert run.path is not None
    assert read_run(run.path).series("a") == [(0, 1.0)]
    assert run.dropped >= 1


def test_importing_brings_no_library_in() -> None:
    code = (
        "import sys; import mlhub; "
        "heavy = {'numpy', 'torch', 'pandas', 'urllib.request', 'subprocess', 'ssl', 'asyncio'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_logging_brings_no_library_in(program) -> None:  # type: ignore[no-untyped-def]
    done = program.run(
        "import sys, mlhub\n"
        "run = mlhub.init(config={'lr': 1})\n"
        "run.log({'a': 1})\nrun.log_histogram('h', [1.0, 2.0])\n"
        "run.log_image('i', [[0, 255], [255, 0]])\nmlhub.describe([1, 2])\nrun.finish()\n"
        "print(sorted({'numpy', 'torch', 'pandas'} & set(sys.modules)))\n"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_disabled_does_nothing(tmp_path: Path) -> None:
    run = mlhub.init(mode="disabled", dir=tmp_path, config={"lr": 0.1})
    run.log({"a": 1})
    run.log_image("i", np.zeros((2, 2)))
    run.log_artifact(__file__)
    run.alert("x", level="error")
    assert run.config.lr == 0.1
    run.finish()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_number_has_the_time_that_was_given(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path, strict=True)
    rest = {
        "val": {"acc": 0.5},
        "note": "text",
        "long": "x" * 2000,
        "spread": mlhub.Histogram([1, 2]),
        "picture": mlhub.Image([[0, 255]]),
    }
    run._log_rest(3, rest, None, time_ms=1234)
    run.finish()
    assert run.path is not None
    events = read_run(run.path)
    assert dict(zip(events.points, events.times))["val/acc", 3, 0.5] == 1234
    times = {
        line["record"]["body"]["name"]: line["time_ms"]
        for line in events.lines
        if line.get("record", {}).get("kind") in ("text", "media", "histogram")
    }
    assert times == dict.fromkeys(["note", "long", "spread", "picture"], 1234)
