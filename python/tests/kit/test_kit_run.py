"""What a run writes is whole, and says no more than it may."""

from __future__ import annotations

import json
import os
import signal
import textwrap
import xml.dom.minidom
from pathlib import Path
from typing import Any

import pytest

from mlhub_adapter import Refused, Run, plot, run_file
from mlhub_adapter.events import EventWriter
from mlhub_adapter.testing import RunDirectory, interpreter

CSV = "x,y,label\n" + "".join(f"{at}.25,{-at},{'ab'[at % 2]}\n" for at in range(40))


def make(folder: Path, **changes: Any) -> Run:
    directory = RunDirectory(folder, [], params={"rate": 0.5}, text=CSV, target="label")
    directory.file.update(changes)
    (directory.dir / "run.json").write_text(json.dumps(directory.file), encoding="utf-8")
    file = run_file.read(directory.dir)
    return Run(directory.dir, file, params=file.params, events=EventWriter(directory.dir))


def told(run: Run, key: str) -> list[Any]:
    lines = (run.dir / "events" / "main.jsonl").read_text(encoding="utf-8").splitlines()
    return [event[key] for event in map(json.loads, lines) if key in event]


def test_scores_give_predictions_and_scores_per_class(tmp_path: Path) -> None:
    run = make(tmp_path, task="binary")
    path = run.predictions(
        "test", ids=["7", "8"], y_true=["a", "b"], y_score=[0.25, 0.75], labels=["a", "b"]
    )
    assert (
        path.read_text()
        == "id,y_true,y_pred,y_score_a,y_score_b\n7,a,a,0.75,0.25\n8,b,b,0.25,0.75\n"
    )
    assert told(run, "predictions") == [
        {"split": "test", "path": "predictions/test.csv", "task": "binary"}
    ]


def test_values_are_written_to_the_last_bit(tmp_path: Path) -> None:
    run = make(tmp_path)
    path = run.predictions("test", ids=["0"], y_true=["1"], y_pred=[0.1 + 0.2])
    assert path.read_text() == "id,y_true,y_pred\n0,1,0.30000000000000004\n"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"y_pred": [1.0]}, "1 rows where there are 2 ids"),
        ({"y_score": [[0.5, 0.5], [float("nan"), 1.0]], "labels": ["a", "b"]}, "not finite"),
        ({"y_score": [[0.5], [0.5]], "labels": ["a", "b"]}, "not one for each of 2 classes"),
        ({}, "neither y_pred nor y_score"),
    ],
)
def test_predictions_that_make_no_sense_are_not_written(
    tmp_path: Path, given: dict[str, Any], part: str
) -> None:
    run = make(tmp_path)
    with pytest.raises(ValueError, match=part):
        run.predictions("test", ids=["0", "1"], y_true=["a", "b"], **given)
    assert not (run.dir / "predictions" / "test.csv").exists()


def test_a_checkpoint_comes_back_only_to_what_it_belongs_to(tmp_path: Path) -> None:
    run = make(tmp_path / "first")
    assert run.resume(may_change=["epochs"], library="1.0") is None
    folder = run.checkpoint(
        {"a.txt": "text", "b.bin": b"\x00", "c": lambda to: to.write_text("c")}, step=4
    )
    assert told(run, "checkpoint") == [{"step": 4, "path": "checkpoints/step-4"}]
    point = {"step": 4, "checkpoint": str(folder)}
    again = make(tmp_path / "again", resume=point, params={"rate": 0.5, "epochs": 9})
    found = again.resume(may_change=["epochs"], library="1.0")
    assert found is not None
    assert (found.step, found.read("b.bin"), found.file("c").read_text()) == (4, b"\x00", "c")
    with pytest.raises(Refused, match="has no d"):
        found.read("d")
    for changes, options, what in (
        ({"seed": 4}, {"library": "1.0"}, "seed"),
        ({"params": {"rate": 0.4}}, {"library": "1.0"}, "params"),
        ({}, {"library": "1.1"}, "library"),
    ):
        other = make(tmp_path / what, resume=point, **changes)
        with pytest.raises(Refused, match=f"with other {what};"):
            other.resume(may_change=["epochs"], **options)


def test_a_damaged_or_newer_checkpoint_is_refused(tmp_path: Path) -> None:
    run = make(tmp_path / "first")
    run.resume()
    folder = run.checkpoint(b"1", step=1)
    point = {"step": 1, "checkpoint": str(folder)}
    for text, part in (("{", "is damaged"), ('{"version": 2, "step": 1, "identity": {}}', "newer")):
        (folder / "checkpoint.json").write_text(text, encoding="utf-8")
        with pytest.raises(Refused, match=part) as refused:
            make(tmp_path / part, resume=point).resume()
        assert refused.value.field == "resume.checkpoint"


def test_sigterm_ends_the_steps_after_a_checkpoint(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.resume()
    taken = []
    with pytest.raises(BaseException) as stopped:
        for step in run.steps(10, after=2):
            taken.append(step)
            if step == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            run.log({"train/loss": float("nan")}, step=step)
            if run.checkpoint_due(every=0):
                run.checkpoint(b"state", step=step)
    assert type(stopped.value).__name__ == "Stopped"
    assert taken == [3, 4]
    assert told(run, "checkpoint") == [{"step": 4, "path": "checkpoints/step-4"}]
    assert told(run, "metrics")[-1] == {"train/loss": "NaN"}
    assert told(run, "progress")[-1] == {"done": 4, "total": 10}


def test_the_entry_says_shapes_and_no_cell(tmp_path: Path) -> None:
    run = make(tmp_path)
    data = run.tables()
    run.entry(data, device="cpu", model="m")
    np = pytest.importorskip("numpy")
    run.entry({"train": {"tokens": np.zeros((3, 7), dtype=np.int64)}}, device="cpu")
    first, second = told(run, "entry")
    train = first["splits"]["train"]
    assert (train["shape"], train["dtype"], first["model"]) == ([32, 2], "float64", "m")
    assert train["target"] == {"dtype": "label", "class_counts": [16, 16]}
    assert train["features"]["mean"] == pytest.approx(0.125, abs=0.5)
    assert second["splits"]["train"]["tokens"]["shape"] == [3, 7]
    assert second["splits"]["train"]["tokens"]["dtype"] == "int64"


def test_artifacts_tables_and_plots_are_told_of(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.table("importance", ["feature", "gain"], [["a<b", 2.5], ["b,c", 1]])
    run.bar_plot("importance", {"a<b": 2.5, "b": 1.0}, title="Importance & more")
    run.line_plot("curve", {"train": [(1, 2.0), (2, 1.0)], "validation": [(1, 3.0)]}, title="Loss")
    assert (run.dir / "artifacts/importance.csv").read_text() == 'feature,gain\na<b,2.5\n"b,c",1\n'
    kinds = [(told["path"], told["kind"]) for told in told(run, "artifact")]
    assert kinds == [
        ("artifacts/importance.csv", "table"),
        ("artifacts/importance.svg", "plot"),
        ("artifacts/curve.svg", "plot"),
    ]
    for name in ("importance", "curve"):
        xml.dom.minidom.parse(str(run.dir / f"artifacts/{name}.svg"))
    with pytest.raises(FileNotFoundError):
        run.artifact("absent.bin")


def test_many_bars_are_cut_and_counted() -> None:
    drawn = plot.bars("Names", {f"n{at}": at for at in range(100)})
    assert drawn.count("<rect") == plot.MAX_BARS + 1
    assert "first 40 of 100" in drawn


def program(folder: Path, body: str) -> list[str]:
    """An adapter of its own in a folder; returns its command."""
    (folder / "adapter.toml").write_text("", encoding="utf-8")
    (folder / "schema.json").write_text(
        '{"type": "object", "properties": {"rate": {"type": "number", "default": 0.1}}}',
        encoding="utf-8",
    )
    source = f"""
        from mlhub_adapter import Adapter, main
        class Mine(Adapter):
            def train(self, run):
                {body}
        main(Mine())
        """
    (folder / "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return [interpreter(), str(folder / "train.py")]


def directory(folder: Path, body: str, **params: Any) -> RunDirectory:
    return RunDirectory(
        folder / "work", program(folder, body), params=params, text=CSV, target="label"
    )


def test_the_program_ends_with_the_protocols_codes(tmp_path: Path) -> None:
    for code, body, params in (
        (0, "run.log({'train/rate': run.params['rate']}, step=1)", {}),
        (64, "pass", {"rate": "x"}),
        (65, "run.refuse('dataset', 'is too small', code=65)", {}),
        (69, "run.refuse('device', 'has no GPU', code=69)", {}),
        (143, "run.stop()", {}),
    ):
        folder = tmp_path / str(code)
        folder.mkdir()
        run = directory(folder, body, **params)
        assert run.run()[0] == code
        assert len(run.told("error")) == (code in (64, 65, 69))
    done = directory(tmp_path, "run.log({'train/rate': run.params['rate']}, step=1)").succeed()
    assert done.metrics() == [(1, {"train/rate": 0.1})]


def test_a_newer_run_directory_and_an_unknown_command_are_69(tmp_path: Path) -> None:
    run = directory(tmp_path, "pass")
    run.file["version"] = 2
    assert run.refusal()[:2] == (69, "version")
    (tmp_path / "other").mkdir()
    other = directory(tmp_path / "other", "pass")
    other.command.append("export")
    assert other.refusal()[:2] == (69, "command")


def test_threads_are_one_and_warnings_of_libraries_are_told(tmp_path: Path) -> None:
    body = "import os, warnings; warnings.warn(os.environ['OMP_NUM_THREADS'] + ' thread')"
    run = directory(tmp_path, body)
    run.environment = {"OMP_NUM_THREADS": "8"}
    run.succeed()
    assert run.told("warning") == ["UserWarning: 1 thread"]


def test_ranks_write_files_of_their_own(tmp_path: Path) -> None:
    run = directory(tmp_path, "run.log({'train/loss': 1.0}, step=1)")
    run.environment = {"RANK": "3"}
    run.succeed()
    assert run.events() == []
    assert (run.dir / "events" / "rank-3.jsonl").exists()


def test_columns_are_read_as_they_are(tmp_path: Path) -> None:
    run = make(tmp_path)
    columns = run.columns("test")
    assert list(columns) == ["x", "y", "label"]
    assert columns["x"][:2] == ["0.25", "5.25"]
    assert run.ids(columns) == [str(row) for row in range(8)]
    with pytest.raises(Refused, match="there is no split holdout; there are: test, train"):
        run.columns("holdout")


def test_images_are_listed_in_order_of_path(tmp_path: Path) -> None:
    for name in ("dog/2.png", "cat/1.png", "LICENSE", "cat/.DS_Store"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "images" / name).write_bytes(b"")
    split = {"path": str(tmp_path / "images"), "rows": 2, "fingerprint": "f"}
    dataset = {"format": "image_folder", "splits": {"train": split}}
    run = make(tmp_path / "run", dataset=dataset)
    listed = run.images("train")
    assert [(image.label, image.id, image.path.name) for image in listed] == [
        ("cat", "0", "1.png"),
        ("dog", "1", "2.png"),
    ]
