"""Whole stories: a training, its forwarder and a real hub, read back with `mlhub.Api`."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WAIT_SECONDS, Hub, Program, wait_until

import mlhub

TRAIN = """
import mlhub, math
run = mlhub.init("stories", name="first", config={"lr": 0.5, "model": {"layers": 2}},
                 tags=["baseline"], notes="why", seed=7)
print("a line of output")
for step in range(50):
    run.log({"loss": 1 / (step + 1), "odd": math.nan if step == 3 else step}, step=step)
run.log_image("picture", [[0, 255], [255, 0]], step=49, caption="two by two")
run.alert("look here", level="warning")
run.summary["best"] = 0.25
run.config.later = "told later"
print(run.id)
"""


def run_id(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def ended(api: mlhub.Api, run: str, *, state: str = "finished") -> mlhub.RunInfo:
    """The run when everything of it is on the hub."""

    def look() -> Any:
        try:
            found = api.run(run)
        except mlhub.MlhubError:
            return None
        return found if found.state not in ("queued", "running") else None

    found: mlhub.RunInfo = wait_until(look, f"run {run} ends on the hub")
    assert found.state == state, found.facts
    return found


def test_a_run_is_on_the_hub_with_all_it_logged(hub: Hub, program: Program) -> None:
    done = program.run(TRAIN)
    with mlhub.Api() as api:
        run = ended(api, run_id(done))
        assert (run.name, run.project, run.seed) == ("first", "stories", 7)
        assert run.params == {"lr": "0.5", "model.layers": "2", "later": "told later"}
        assert run.config == {"lr": 0.5, "model": {"layers": 2}}
        assert run.tags["baseline"] == "true"
        rows = run.history(["loss"])
        assert [(row["step"], row["value"]) for row in rows] == [
            (step, 1 / (step + 1)) for step in range(50)
        ]
        odd = [row["value"] for row in run.history(["odd"])]
        assert math.isnan(odd[3])
        assert run.summary()["summary/best"] == 0.25
        assert "a line of output" in run.logs("stdout")
        assert [record["body"]["title"] for record in run.records("alert")] == ["look here"]
        (record,) = run.records("media")
        assert record["body"]["caption"] == "two by two"
        assert record["body"]["path"] in [file["path"] for file in run.artifacts()]
        assert run.snapshot["code"], "captured"
        assert run.snapshot["environment"]["packages"]


def test_frames(hub: Hub, program: Program) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    arrow = pytest.importorskip("pyarrow")
    done = program.run(TRAIN)
    with mlhub.Api() as api:
        run = ended(api, run_id(done))
        frame = run.history(["loss"], format="pandas")
        assert isinstance(frame, pandas.DataFrame)
        assert list(frame["step"]) == list(range(50))
        assert isinstance(run.history(["loss"], format="polars"), polars.DataFrame)
        assert isinstance(run.history(["loss"], format="arrow"), arrow.Table)
        table = api.runs(project="stories").to_frame()
        assert table.loc[0, "params.lr"] == "0.5"
        assert table.loc[0, "metrics.loss"] == 1 / 50


def test_reading_says_what_is_wrong(hub: Hub, program: Program) -> None:
    done = program.run(TRAIN)
    with mlhub.Api() as api:
        run = ended(api, run_id(done))
        with pytest.raises(mlhub.MlhubError, match="404"):
            api.run("nothere1234")
        with pytest.raises(ValueError, match="format must be one of"):
            run.history(format="excel")
        with pytest.raises(mlhub.MlhubError, match="no artifact"):
            run.download("nowhere")
        with pytest.raises(AttributeError, match="no `nonsense`"):
            _ = run.nonsense
    with pytest.raises(mlhub.MlhubError, match="does not answer"):
        mlhub.Api("http://127.0.0.1:9").projects()


def test_downsampled_history_keeps_the_spike(hub: Hub, program: Program) -> None:
    code = (
        "import mlhub\nrun = mlhub.init('p')\n"
        "for step in range(20_000): run.log({'a': 100.0 if step == 12_345 else 0.0}, step=step)\n"
        "print(run.id)\n"
    )
    with mlhub.Api() as api:
        run = ended(api, run_id(program.run(code)))
        rows = run.history(["a"], samples=100)
        assert len(rows) <= 200
        assert (12_345, 100.0) in [(row["step"], row["value"]) for row in rows]
        part = run.history(["a"], from_step=12_340, to_step=12_349)
        assert [row["step"] for row in part] == list(range(12_340, 12_350))


@pytest.mark.parametrize(
    ("code", "state", "exit_code", "signal"),
    [
        ("raise ValueError('x')", "failed", 1, None),
        ("sys.exit(3)", "failed", 3, None),
        ("raise SystemExit(3)", "failed", 3, None),
        ("os.kill(os.getpid(), 15)", "failed", None, 15),
        ("os.kill(os.getpid(), 9)", "lost", None, None),
    ],
)
def test_the_hub_knows_how_it_ended(
    hub: Hub, program: Program, code: str, state: str, exit_code: int | None, signal: int | None
) -> None:
    process = program.run(
        "import mlhub, os, sys\nrun = mlhub.init('p')\n"
        "for step in range(100): run.log({'a': step}, step=step)\n" + code
    )
    assert process.returncode != 0
    (file,) = program.directories()
    with mlhub.Api() as api:
        run = ended(api, json.loads(file.read_text())["run"]["id"], state=state)
        told = (run.attempts[-1].get("exit") or {}) if run.attempts else {}
        assert (told.get("code"), told.get("signal")) == (exit_code, signal)
        assert len(run.history(["a"])) == 100, "nothing that was logged is missing"


def test_offline_then_sync_twice_is_once(hub: Hub, program: Program, binary: str) -> None:
    done = program.run(TRAIN, MLHUB_MODE="offline")
    assert "mlhub sync" in done.stderr
    (file,) = program.directories()
    for _ in range(2):
        synced = subprocess.run(
            [binary, "sync", str(file.parent), "--json"],
            capture_output=True,
            text=True,
            timeout=WAIT_SECONDS,
            check=False,
        )
        assert synced.returncode == 0, synced.stderr
    with mlhub.Api() as api:
        run = ended(api, run_id(done))
        assert len(run.history(["loss"])) == 50
        assert run.logs("stdout").count("a line of output") == 1


def test_a_hub_that_was_killed_in_between_has_everything_once(hub: Hub, program: Program) -> None:
    code = (
        "import mlhub, sys\nrun = mlhub.init('p')\nprint(run.id, flush=True)\n"
        "for step in range(5000): run.log({'a': step}, step=step)\n"
        "sys.stdin.readline()\n"
        "for step in range(5000, 10_000): run.log({'a': step}, step=step)\n"
    )
    import sys as system

    script = program.folder / "train.py"
    script.write_text(code)
    process = subprocess.Popen(
        [system.executable, str(script)],
        env=program.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    identity = process.stdout.readline().strip()
    with mlhub.Api() as api:
        wait_until(lambda: known(api, identity), "the run is made")
    hub.kill()
    process.stdin.write("go on\n")
    process.stdin.close()
    assert process.wait(WAIT_SECONDS) == 0, "training does not notice"
    hub.start()
    with mlhub.Api() as api:
        run = ended(api, identity)
        rows = run.history(["a"])
        assert [row["step"] for row in rows] == list(range(10_000))


def known(api: mlhub.Api, run: str) -> bool:
    try:
        api.run(run)
    except mlhub.MlhubError:
        return False
    return True


def test_artifacts_go_from_run_to_run(hub: Hub, tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "deep").mkdir(parents=True)
    (model / "weights.bin").write_bytes(bytes(range(256)) * 1000)
    (model / "deep" / "config.json").write_text("{}")
    first = mlhub.init("p", dir=tmp_path / "runs", console="off")
    first.log_artifact(model, kind="model")
    assert first.finish(wait_seconds=60), "everything is on the hub"
    with mlhub.Api() as api:
        ended(api, first.id)
        second = mlhub.init("p", dir=tmp_path / "runs", console="off")
        got = second.use_artifact(f"{first.id}/artifacts/model", into=tmp_path / "got")
        assert got == tmp_path / "got/artifacts/model"
        assert (got / "weights.bin").read_bytes() == (model / "weights.bin").read_bytes()
        assert (got / "deep" / "config.json").read_text() == "{}"
        with pytest.raises(mlhub.MlhubError, match="no artifact"):
            second.use_artifact(f"{first.id}/artifacts/nothing")
        with pytest.raises(mlhub.MlhubError, match="RUN/path"):
            second.use_artifact("nothing")
        second.finish()
        used = ended(api, second.id).records("artifact_used")
        assert sorted(record["body"]["path"] for record in used) == [
            "artifacts/model/deep/config.json",
            "artifacts/model/weights.bin",
        ]
        assert {record["body"]["run"] for record in used} == {first.id}
        inputs = api.run(second.id).inputs()
        assert sorted(one["source_path"] for one in inputs) == [
            "artifacts/model/deep/config.json",
            "artifacts/model/weights.bin",
        ]
        users = api.run(first.id).users("artifacts/model/weights.bin")
        assert [one["run"] for one in users] == [second.id]


def test_artifacts_are_named_as_people_know_them(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    made: list[str] = []
    for number, name in enumerate(["older", "newer"]):
        (tmp_path / "file").write_text(f"content {number}")
        (folder / "part").write_text(f"part {number}")
        with mlhub.init("p", name=name, dir=tmp_path / "runs", console="off", capture=False) as run:
            run.log_artifact(tmp_path / "file", name="model")
            run.log_artifact(folder, name="whole")
            (run.path / "checkpoints" / "3.pt").write_text(f"state {number}")  # type: ignore[operator]
            run.checkpoint(run.path / "checkpoints" / "3.pt", step=3)  # type: ignore[operator]
        assert run.wait(timeout_seconds=60), "everything is on the hub"
        made.append(run.id)
    older, newer = made
    with mlhub.init("p", dir=tmp_path / "runs", console="off", capture=False) as user:
        read = {
            reference: user.use_artifact(reference).read_text()
            for reference in [
                "model", "artifacts/model", "model:latest", "older/model", "newer/model",
                f"{older}/model", f"{newer[:9]}/artifacts/model", "p/older/model", "whole/part",
                f"{older}/whole/part", "older/checkpoints/3-3.pt",
            ]
        }  # fmt: skip
        whole = user.use_artifact("whole:latest", into=tmp_path / "got")
        assert sorted(path.name for path in whole.iterdir()) == ["part"]
        assert (user.use_artifact("older/whole") / "part").read_text() == "part 0"
        for missing in ["nowhere/model", "model:v9", "older/other", "p/nobody/model", "/", "a:b"]:
            with pytest.raises(mlhub.MlhubError, match="artifact"):
                user.use_artifact(missing)
    assert read == {
        "model": "content 1", "artifacts/model": "content 1", "model:latest": "content 1",
        "older/model": "content 0", "newer/model": "content 1", f"{older}/model": "content 0",
        f"{newer[:9]}/artifacts/model": "content 1", "p/older/model": "content 0",
        "whole/part": "part 1", f"{older}/whole/part": "part 0",
        "older/checkpoints/3-3.pt": "state 0",
    }  # fmt: skip
    with mlhub.Api() as api:
        used = {(one["source_run"], one["source_path"]) for one in ended(api, user.id).inputs()}
    assert (older, "artifacts/model") in used
    assert (newer, "artifacts/whole/part") in used


def test_what_an_alias_keeps_is_there_when_its_run_is_gone(hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "weights").write_text("heavy")
    (folder / "deep" / "words").write_text("many")
    (tmp_path / "file").write_text("content")
    with mlhub.init("p", dir=tmp_path / "runs", console="off", capture=False) as run:
        run.log_artifact(folder, name="whole", aliases=["prod"])
        run.log_artifact(tmp_path / "file", name="model", aliases=["prod"])
    assert run.wait(timeout_seconds=60), "everything is on the hub"
    with mlhub.Api() as api:
        ended(api, run.id)
        purge = {"action": "purge", "runs": [run.id]}
        api._hub.json("POST", "/api/v1/deletions", body=purge)
        with pytest.raises(mlhub.MlhubError):
            api.run(run.id)
    with mlhub.init("p", dir=tmp_path / "runs", console="off", capture=False) as user:
        whole = user.use_artifact("whole:prod", into=tmp_path / "got")
        assert (whole / "weights").read_text() == "heavy"
        assert (whole / "deep" / "words").read_text() == "many"
        assert user.use_artifact("model:prod").read_text() == "content"


def test_an_alias_is_of_the_content_it_was_given_to(
    hub: Hub, binary: str, program: Program
) -> None:
    """Both were logged before anything was shipped: the first content is nowhere any more."""
    code = (
        "import mlhub, pathlib\nrun = mlhub.init('p', console='off', capture=False)\n"
        "file = pathlib.Path('file')\n"
        "def keep(name, content, aliases):\n"
        "    file.write_text(content)\n    run.log_artifact(file, name=name, aliases=aliases)\n"
        "keep('model', 'good', ['best'])\nkeep('model', 'worse', ['last'])\n"
        "keep('same', 'good', ['best'])\nkeep('same', 'good', [])\nprint(run.id)\n"
    )
    run = run_id(program.run(code, MLHUB_MODE="offline"))
    (file,) = program.directories()
    subprocess.run(
        [binary, "sync", str(file.parent)], check=True, timeout=WAIT_SECONDS, capture_output=True
    )
    with mlhub.Api() as api:
        told = [one["body"]["message"] for one in ended(api, run).records("warning")]
        assert len([text for text in told if "`best`" in text and "replaced" in text]) == 1, told
    with mlhub.init("p", dir=program.folder / "user", console="off", capture=False) as user:
        assert user.use_artifact("model:last").read_text() == "worse"
        assert user.use_artifact("same:best").read_text() == "good"
        with pytest.raises(mlhub.MlhubError, match="model:best"):
            user.use_artifact("model:best")


def test_a_changed_download_is_refused(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("content")
    with mlhub.init("p", dir=tmp_path / "runs", console="off", capture=False) as run:
        run.log_artifact(tmp_path / "file", name="model")
    assert run.wait(timeout_seconds=60)
    from mlhub import _api

    monkeypatch.setattr(_api, "hash_file", lambda path: "0" * 64)
    with mlhub.Api() as api, pytest.raises(mlhub.MlhubError, match="other content"):
        api.run(run.id).download("artifacts/model", into=tmp_path / "got")
    assert list((tmp_path / "got").rglob("*model*")) == []


def test_groups_are_counted_over_seeds(hub: Hub, tmp_path: Path) -> None:
    scores = {"0.1": [0.5, 0.7], "0.2": [0.9, 0.8, 1.0]}
    for rate, values in scores.items():
        for seed, value in enumerate(values):
            with mlhub.init(
                "p", dir=tmp_path, config={"lr": float(rate)}, seed=seed, console="off",
                capture=False,
            ) as run:  # fmt: skip
                run.log({"acc": value})
    with mlhub.Api() as api:
        found = api.runs("state = finished", project="p", order="metrics.acc desc")
        wait_until(lambda: found.count() == 5, "all five end")
        assert [run.facts["metrics"]["acc"] for run in found] == [1.0, 0.9, 0.8, 0.7, 0.5]
        groups = api.groups(
            "state = finished", by="params.lr", metrics=["metrics.acc"], project="p",
            order="metrics.acc desc",
        )  # fmt: skip
        rows = list(groups)
        assert [(row["params.lr"], row["runs"]) for row in rows] == [("0.2", 3), ("0.1", 2)]
        for row in rows:
            values = scores[row["params.lr"]]
            assert row["metrics.acc.mean"] == pytest.approx(np.mean(values))
            assert row["metrics.acc.std"] == pytest.approx(np.std(values, ddof=1))
            extremes = row["metrics.acc.min"], row["metrics.acc.max"], row["metrics.acc.count"]
            assert extremes == (min(values), max(values), len(values))
            assert len(list(api.runs(row["query"], project="p"))) == row["runs"]
        assert len(list(api.groups(by=["params.lr", "seed"], project="p", limit=4))) == 4
        with pytest.raises(mlhub.MlhubError, match="nonsense"):
            list(api.groups(by="nonsense.field", project="p"))
        with pytest.raises(ValueError, match="group by"):
            api.groups(by=[])
        pandas = pytest.importorskip("pandas")
        frame = groups.to_frame()
        assert isinstance(frame, pandas.DataFrame)
        assert frame["metrics.acc.count"].tolist() == [3, 2]


def test_histories_of_many_runs_are_one_table(hub: Hub, tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(60)]
    made = []
    for number in range(3):
        with mlhub.init("p", dir=tmp_path, console="off", capture=False) as run:
            for step in range(20):
                run.log({name: step + number / 10 for name in names}, step=step)
            run.log({"odd": math.inf}, step=0)
        made.append(run.id)
    with mlhub.Api() as api:
        for identity in made:
            ended(api, identity)
        rows = api.history(made, ["m1", "m5?"])
        expected = [
            (identity, name, step, step + number / 10)
            for number, identity in enumerate(made)
            for name in ["m1", *[f"m5{last}" for last in range(10)]]
            for step in range(20)
        ]
        assert [(r["run"], r["metric"], r["step"], r["value"]) for r in rows] == expected
        assert len(api.history(api.runs(project="p"), names)) == 3 * 60 * 20
        assert len(api.run(made[0]).history(samples=50)) >= 60 * 20
        assert api.history(made, ["odd"], from_step=0, to_step=0)[0]["value"] == math.inf
        assert api.history(made, []) == api.history([], ["m1"]) == []
        for form in ("pandas", "polars", "arrow"):
            pytest.importorskip(form if form != "arrow" else "pyarrow")
            frame = api.history(made, ["m1", "m5?"], format=form)
            assert frame.shape == (len(expected), 5), form
            columns = frame.column_names if form == "arrow" else list(frame.columns)
            assert columns == ["run", "metric", "step", "time_ms", "value"]
            if form == "pandas":
                assert frame["time_ms"].tolist() == [row["time_ms"] for row in rows]
                assert frame["value"].tolist() == [row["value"] for row in rows]


def test_ranks_are_one_run_on_the_hub(hub: Hub, program: Program) -> None:
    code = (
        "import mlhub, os\nrun = mlhub.init('p')\nrank = int(os.environ['RANK'])\n"
        "for step in range(50): run.log({f'rank{rank}': step}, step=step)\nprint(run.id)\n"
    )
    common = {
        "WORLD_SIZE": "3",
        "LOCAL_WORLD_SIZE": "3",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29511",
    }
    processes = [
        program.start(code, RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in range(3)
    ]
    identities = {process.communicate(timeout=WAIT_SECONDS)[0].strip() for process in processes}
    assert len(identities) == 1
    with mlhub.Api() as api:
        run = ended(api, identities.pop())
        for rank in range(3):
            assert [row["step"] for row in run.history([f"rank{rank}"])] == list(range(50))
        assert len(list(api.runs(project="p"))) == 1


def test_runs_are_found_and_counted(hub: Hub, tmp_path: Path) -> None:
    for number in range(5):
        with mlhub.init(
            "p", dir=tmp_path, config={"n": number}, console="off", capture=False
        ) as run:
            run.log({"score": number / 10})
    with mlhub.Api() as api:
        wait_until(
            lambda: len([run for run in api.runs(project="p") if run.state == "finished"]) == 5,
            "all five end",
        )
        assert len(list(api.runs(project="p", limit=3))) == 3
        assert {run.params["n"] for run in api.runs(project="p")} == {"0", "1", "2", "3", "4"}
        assert list(api.runs(project="nobody")) == []
        with pytest.raises(ValueError, match="limit"):
            api.runs(limit=0)
        names = [project["name"] for project in api.projects()]
        assert names == ["p"]


def test_a_hub_is_started_where_none_runs(
    binary: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLHUB_BINARY", binary)
    with mlhub.Api(data_dir=tmp_path / "fresh") as api:
        assert api.projects() == []
        url = api.url
    with pytest.raises(mlhub.MlhubError, match="does not answer"):
        mlhub.Api(url).projects()


def test_the_command_line_runs_a_program_that_uses_the_sdk(
    hub: Hub, binary: str, program: Program
) -> None:
    """Inside `mlhub run` the SDK joins the supervised run: no second one is made."""
    script = program.folder / "train.py"
    script.write_text(
        "import mlhub\nrun = mlhub.init('ignored')\n"
        "for step in range(5): run.log({'a': step}, step=step)\n"
    )
    experiment = program.folder / "experiment.yaml"
    import sys as system

    experiment.write_text(
        "project: supervised\nname: story\nadapter: script\n"
        f"params:\n  command: ['{system.executable}', '{script}']\n"
    )
    done = subprocess.run(
        [binary, "run", str(experiment), "--data-dir", str(hub.data_dir)],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        cwd=program.folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    with mlhub.Api() as api:
        (run,) = list(api.runs())
        assert run.project == "supervised"
        wait_until(lambda: len(run.history(["a"])) == 5, "its points are there")


def test_numbers_come_back_bit_equal(hub: Hub, tmp_path: Path) -> None:
    values = [0.1, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, float(2**53 + 1)]
    run = mlhub.init("p", dir=tmp_path, console="off", capture=False)
    for step, value in enumerate(values):
        run.log({"a": value, "b": np.float64(value)}, step=step)
    run.finish()
    with mlhub.Api() as api:
        found = ended(api, run.id)
        for name in ("a", "b"):
            back = [row["value"] for row in found.history([name])]
            assert [math.copysign(1, value) for value in back] == [
                math.copysign(1, value) for value in values
            ]
            assert back == values
