"""Pictures, sound, video, tables, histograms, text, figures, files."""

from __future__ import annotations

import io
import json
import struct
import wave
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reader import Events, read_run

import mlhub


@pytest.fixture
def run(tmp_path: Path) -> Iterator[mlhub.Run]:
    yield mlhub.init(dir=tmp_path / "runs", strict=True, console="off")


def ended(run: mlhub.Run) -> Events:
    run.finish()
    assert run.path is not None
    return read_run(run.path)


def kept(events: Events) -> tuple[dict[str, Any], bytes]:
    """The only medium: its record and its file, which an event names before."""
    (record,) = events.records("media")
    named = [line["artifact"]["path"] for line in events.lines if "artifact" in line]
    assert named == [record["path"]]
    return record, (events.path / record["path"]).read_bytes()


def decode_png(data: bytes) -> tuple[int, int, int, list[bytes]]:
    """Width, height, channels and lines of pixels; checks every chunk's sum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, head = 8, b"", (0, 0, 0, 0)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            head = struct.unpack(">IIBB", body[:10])
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    channels = {0: 1, 2: 3, 6: 4}[head[3]]
    raw, line = zlib.decompress(packed), head[0] * channels + 1
    rows = [raw[at : at + line] for at in range(0, len(raw), line)]
    assert all(row[0] == 0 for row in rows)
    return head[0], head[1], channels, [row[1:] for row in rows]


@pytest.mark.parametrize(
    ("data", "size", "first"),
    [
        (np.array([[0, 255, 7]], dtype="uint8"), (3, 1, 1), bytes([0, 255, 7])),
        (np.array([[0.0, 1.0, 0.5]]), (3, 1, 1), bytes([0, 255, 128])),
        (np.array([[np.nan, 2.0, -1.0]]), (3, 1, 1), bytes([0, 255, 0])),
        (np.array([[300, -4]]), (2, 1, 1), bytes([255, 0])),
        (np.array([[True, False]]), (2, 1, 1), bytes([255, 0])),
        (np.full((2, 3, 3), 9, dtype="uint8"), (3, 2, 3), bytes([9] * 9)),
        (np.stack([np.full((5, 6), n, dtype="uint8") for n in (1, 2, 3)]), (6, 5, 3), None),
        (np.zeros((5, 6, 4), dtype="float32"), (6, 5, 4), bytes(24)),
        ([[0, 255], [1, 2]], (2, 2, 1), bytes([0, 255])),
        ([[[1, 2, 3]]], (1, 1, 3), bytes([1, 2, 3])),
        ([[0.0, 1.0]], (2, 1, 1), bytes([0, 255])),
    ],
)
def test_arrays_are_pictures(
    run: mlhub.Run, data: Any, size: tuple[int, int, int], first: bytes | None
) -> None:
    run.log_image("val/samples", data, step=3, caption="a digit")
    record, content = kept(ended(run))
    width, height, channels, rows = decode_png(content)
    assert (width, height, channels) == size
    assert rows[0] == (first if first is not None else bytes([1, 2, 3] * 6))
    assert (record["name"], record["step"], record["caption"]) == ("val/samples", 3, "a digit")
    assert record["path"].startswith("artifacts/media/val/samples/3-")


@pytest.mark.parametrize(
    "data", [np.zeros(4), np.zeros((2, 2, 5)), "missing.png", __file__, 7, [[1, 2], [3]], []]
)
def test_what_is_no_picture_is_refused(run: mlhub.Run, data: Any) -> None:
    with pytest.raises(mlhub.MlhubError, match="log_image"):
        run.log_image("x", data)


def test_several_pictures_and_files(run: mlhub.Run, tmp_path: Path) -> None:
    file = tmp_path / "given.PNG"
    file.write_bytes(b"as it is")
    run.log_images("both", [np.zeros((2, 2)), str(file)], captions=["first"], step=1)
    records = ended(run).records("media")
    assert [record["caption"] for record in records] == ["first", None]
    assert len({record["path"] for record in records}) == 2
    assert run.path is not None
    assert (run.path / records[1]["path"]).read_bytes() == b"as it is"


def test_media_in_log(run: mlhub.Run) -> None:
    run.log({"loss": 1.0, "image": mlhub.Image(np.zeros((2, 2)), caption="c")}, step=9)
    run.log({"two": [mlhub.Image(np.zeros((2, 2))), mlhub.Image(np.ones((2, 2)))]}, step=9)
    run.log({"spread": mlhub.Histogram([1, 2, 3])}, step=9)
    events = ended(run)
    assert [record["step"] for record in events.records("media")] == [9, 9, 9]
    assert events.records("histogram")[0]["name"] == "spread"


def test_sound(run: mlhub.Run) -> None:
    run.log_audio("beep", np.array([[0.0, 1.0], [-1.0, 2.0]]), sample_rate=8000)
    record, content = kept(ended(run))
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8000, 2)
        assert struct.unpack("<4h", file.readframes(2)) == (0, 32767, -32767, 32767)
    assert record["channels"] == 2


def test_sound_without_numpy_and_without_rate(run: mlhub.Run) -> None:
    with pytest.raises(mlhub.MlhubError, match="sample_rate"):
        run.log_audio("x", [0.0])
    run.log_audio("x", [0.0, 0.5, -1.0], sample_rate=100)
    _, content = kept(ended(run))
    with wave.open(io.BytesIO(content)) as file:
        assert struct.unpack("<3h", file.readframes(3)) == (0, round(0.5 * 32767), -32767)


def test_video_is_an_animated_picture(run: mlhub.Run) -> None:
    run.log_video("clip", np.zeros((3, 4, 5, 3), dtype="uint8"), fps=10)
    record, content = kept(ended(run))
    assert (record["frames"], record["width"], record["height"]) == (3, 5, 4)
    assert content.count(b"acTL") == 1
    assert content.count(b"fcTL") == 3
    assert content.count(b"fdAT") == 2
    assert decode_png(content)[:3] == (5, 4, 3)


def test_tables(run: mlhub.Run) -> None:
    run.log_table("rows", columns=["a", "b"], rows=[[1, "x"], [float("nan"), None]], step=0)
    run.log_table("columns", {"a": np.array([1, 2]), "b": ["x", "y"]}, step=1)
    run.log_table("dicts", [{"a": 1}, {"b": 2}], step=2)
    table = mlhub.Table(columns=["only"])
    table.add_row(np.float32(0.5))
    run.log_table("made", table, step=3)
    events = ended(run)
    bodies = [
        json.loads((events.path / record["path"]).read_text()) for record in events.records("media")
    ]
    assert bodies[0] == {"columns": ["a", "b"], "data": [[1, "x"], ["NaN", None]]}
    assert bodies[1] == {"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}
    assert bodies[2] == {"columns": ["a", "b"], "data": [[1, None], [None, 2]]}
    assert bodies[3] == {"columns": ["only"], "data": [[0.5]]}


def test_wrong_tables_are_refused(run: mlhub.Run) -> None:
    with pytest.raises(mlhub.MlhubError, match="row 1 has 1 values for 2 columns"):
        run.log_table("x", columns=["a", "b"], rows=[[1, 2], [3]])
    with pytest.raises(mlhub.MlhubError, match="one length"):
        run.log_table("x", {"a": [1], "b": [1, 2]})


def test_histograms_count(run: mlhub.Run) -> None:
    values = [0.0, 1.0, 1.0, 2.0, float("nan"), float("inf")]
    run.log_histogram("lists", values, bins=2, step=1)
    run.log_histogram("arrays", np.array(values), bins=2, step=1)
    run.log_histogram("made", counts=[1, 2], edges=[0, 1, 2], step=1)
    run.log_histogram("empty", np.array([np.nan]), step=1)
    lists, arrays, made, empty = ended(run).records("histogram")
    for one in (lists, arrays):
        assert (one["counts"], one["edges"], one["non_finite"]) == ([1, 3], [0, 1, 2], 2)
    assert made["counts"] == [1, 2]
    assert (empty["counts"], empty["non_finite"]) == ([], 1)


@pytest.mark.parametrize("options", [{}, {"values": [1], "bins": 0}, {"counts": [1], "edges": [1]}])
def test_wrong_histograms_are_refused(run: mlhub.Run, options: dict[str, Any]) -> None:
    with pytest.raises(mlhub.MlhubError, match="log_histogram"):
        run.log_histogram("x", **options)


def test_long_texts_are_files(run: mlhub.Run) -> None:
    run.log_text("note", "short", step=1)
    run.log_text("novel", "long " * 1000, step=2)
    events = ended(run)
    assert events.records("text")[0]["text"] == "short"
    (record,) = events.records("media")
    assert (events.path / record["path"]).read_text() == "long " * 1000


class MatplotlibFigure:
    """Behaves as matplotlib's figures do."""

    def savefig(self, file: Any, **_: Any) -> None:
        file.write(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 20, 10))


class PlotlyFigure:
    def to_plotly_json(self) -> dict[str, Any]:
        return {}

    def to_json(self) -> str:
        return '{"data": []}'


def test_figures_encode_themselves(run: mlhub.Run) -> None:
    run.log_figure("one", MatplotlibFigure())
    run.log_figure("two", PlotlyFigure())
    with pytest.raises(mlhub.MlhubError, match="matplotlib or plotly"):
        run.log_figure("three", object())
    one, two = ended(run).records("media")
    assert (one["width"], one["height"], one["source"]) == (20, 10, "matplotlib")
    assert two["path"].endswith(".plotly.json")


def test_artifacts_are_copies(run: mlhub.Run, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"one")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("a")
    (folder / "link").symlink_to("/etc/passwd")
    assert run.log_artifact(file, kind="model") == "artifacts/model.bin"
    assert run.log_artifact(folder, name="kept/as") == "artifacts/kept/as"
    assert run.log_artifact(file, name="linked", link=True) == "artifacts/linked"
    file.unlink()
    events = ended(run)
    assert (events.path / "artifacts/model.bin").read_bytes() == b"one"
    assert (events.path / "artifacts/linked").read_bytes() == b"one"
    assert (events.path / "artifacts/kept/as/deep/a.txt").read_text() == "a"
    assert not (events.path / "artifacts/kept/as/link").exists()
    assert {"path": "artifacts/model.bin", "kind": "model"} in [
        line.get("artifact") for line in events.lines
    ]
    assert not [path for path in events.path.rglob("*.tmp")]


@pytest.mark.parametrize("name", ["../out", "/etc/x", "a/../../b", "con?trol\n"])
def test_names_never_leave_the_run(run: mlhub.Run, tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    try:
        run.log_artifact(file, name=name)
        run.log_image(name, np.zeros((1, 1)))
    except mlhub.MlhubError:
        return
    events = ended(run)
    for line in events.lines:
        if "artifact" in line:
            path = (events.path / line["artifact"]["path"]).resolve()
            assert path.is_relative_to((events.path / "artifacts").resolve())
            assert path.is_file()


def test_missing_files_are_told(run: mlhub.Run) -> None:
    with pytest.raises(mlhub.MlhubError, match="there is no file or folder"):
        run.log_artifact("/nowhere/at/all")


def test_checkpoints_name_their_step(run: mlhub.Run, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(b"w")
    kept_path = run.checkpoint(file, step=12)
    assert kept_path == "artifacts/checkpoints/12-weights.pt"
    events = ended(run)
    assert {"step": 12, "path": kept_path} in [line.get("checkpoint") for line in events.lines]


def test_alerts(run: mlhub.Run) -> None:
    run.alert("all well")
    run.alert("loss is NaN", text="since step 3", level="error")
    with pytest.raises(mlhub.MlhubError, match="level must be one of"):
        run.alert("x", level="fatal")
    events = ended(run)
    assert [record["level"] for record in events.records("alert")] == ["info", "error"]
    warnings = [line["warning"] for line in events.lines if "warning" in line]
    assert warnings == ["loss is NaN: since step 3"]


@pytest.mark.parametrize("link", [False, True])
def test_a_folder_logged_again_takes_the_place_of_the_first(
    run: mlhub.Run, tmp_path: Path, link: bool
) -> None:
    assert run.path is not None
    for number, names in enumerate([["a", "deep/b"], ["a", "other/c"]]):
        folder = tmp_path / f"folder{number}"
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{name} {number}")
        run.log_artifact(folder, name="model", link=link)
    kept = run.path / "artifacts" / "model"
    files = {p.relative_to(kept).as_posix(): p for p in kept.rglob("*") if p.is_file()}
    assert sorted(files) == [".mlhub-artifact.json", "a", "other/c"]
    assert files["a"].read_text() == "a 1"
    listed = json.loads(files[".mlhub-artifact.json"].read_text())["files"]
    assert [file["path"] for file in listed] == ["a", "other/c"]
    # A file in the place of which a folder comes.
    run.log_artifact(tmp_path / "folder0" / "a", name="file", link=link)
    run.log_artifact(tmp_path / "folder0", name="file", link=link)
    assert (run.path / "artifacts/file/deep/b").read_text() == "deep/b 0"
    assert not [path for path in run.path.iterdir() if path.name.startswith(".copying")]


def test_a_folder_that_holds_the_run_directory_is_copied_once(tmp_path: Path) -> None:
    run = mlhub.init(dir=tmp_path / "runs", capture=False, strict=True)
    (tmp_path / "train.py").write_text("code")
    run.log_artifact(tmp_path, name="code")
    run.finish()
    assert run.path is not None
    assert (run.path / "artifacts/code/train.py").read_text() == "code"
    assert not list((run.path / "artifacts/code").rglob("*/artifacts/code/*"))


def test_an_alias_names_its_content(run: mlhub.Run, tmp_path: Path) -> None:
    from mlhub._native import hash_file

    file, folder = tmp_path / "file", tmp_path / "folder"
    folder.mkdir()
    hashes = []
    for number in range(2):
        file.write_text(f"content {number}")
        hashes.append(hash_file(file))
        run.log_artifact(file, name="model", aliases=["best"] if number == 0 else [])
    (folder / "part").write_text("part")
    run.log_artifact(folder, name="whole", aliases=["best", "prod"])
    run.finish()
    assert run.path is not None
    manifest = "artifacts/whole/.mlhub-artifact.json"
    whole = hash_file(run.path / manifest)
    assert read_run(run.path).records("artifact_alias") == [
        {"path": "artifacts/model", "alias": "best", "hash": hashes[0]},
        {"path": manifest, "alias": "best", "hash": whole},
        {"path": manifest, "alias": "prod", "hash": whole},
    ]
