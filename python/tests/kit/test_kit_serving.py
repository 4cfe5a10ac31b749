"""Models are served and exported by programs of their own, as the hub asks them."""

from __future__ import annotations

import base64
import io
import json
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlhub_adapter import Invalid, serving
from mlhub_adapter.testing import (
    Conversation,
    NotServed,
    RequestError,
    RunDirectory,
    interpreter,
)
from mlhub_adapter.worker import MAX_FRAME_BYTES, Channel, Unfit

CSV = "x,y,label\n" + "".join(f"{at}.25,{-at},{'ab'[at % 2]}\n" for at in range(40))

ADAPTER = '''
import os
import sys
from mlhub_adapter import Adapter, Served, main, serving

class Sums(Served):
    """Adds the numbers of a vector to what training left."""

    def __init__(self, model):
        self.model = model
        self.offset = float(model.file("parts/offset.txt").read_text())

    def predict(self, inputs, options):
        serving.check_options(options, ["mode"])
        mode = options.get("mode")
        if mode == "print":
            print("from Python")
            os.write(1, b"from below\\n")
            os.system("echo from a child; cat")
        if mode == "fail":
            raise ValueError(f"cannot add {inputs}")
        if mode == "few":
            return []
        if mode == "nan":
            return [{"value": float("nan")}]
        if mode == "params":
            return [{"value": [self.model.params["rate"], self.model.seed, self.model.task]}]
        found = serving.vectors(inputs, self.model.input["length"])
        return [{"value": self.offset + sum(vector)} for vector in found]

    def search(self, queries, k, options):
        return [[{"id": str(at), "score": 1.0 / (at + 1)} for at in range(k)] for _ in queries]

class Mine(Adapter):
    def train(self, run):
        run.artifact("parts/offset.txt", "10.5", kind="model")
        run.artifact("notes.txt", "no part of the model")
        run.model(input={"kind": "vector", "length": 2}, output={"kind": "value", "name": "sum"},
                  query=["vector"])

    def load(self, model):
        print("loading")
        return Sums(model)

    def export(self, run, model):
        if run.export_format != "text":
            run.refuse("export.format", f"{run.export_format} is unknown; text is known", code=69)
        run.artifact("model.txt", model.file("parts/offset.txt"), kind="export")

if __name__ == "__main__":
    main(Mine())
'''


def trained(folder: Path, source: str = ADAPTER) -> RunDirectory:
    """A run whose model can be served."""
    (folder / "adapter.toml").write_text("", encoding="utf-8")
    properties = {"rate": {"type": "number", "default": 0.1}}
    schema = json.dumps({"type": "object", "properties": properties})
    (folder / "schema.json").write_text(schema, encoding="utf-8")
    (folder / "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
    command = [interpreter(), str(folder / "train.py")]
    run = RunDirectory(folder / "work", command, params={}, task="regression", seed=5)
    return run.succeed()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    return trained(tmp_path_factory.mktemp("sums"))


@pytest.fixture(scope="module")
def worker(run: RunDirectory) -> Iterator[Conversation]:
    with run.serve() as conversation:
        yield conversation


def test_the_description_is_an_artifact(run: RunDirectory) -> None:
    said = json.loads((run.dir / "artifacts" / "model.json").read_text(encoding="utf-8"))
    assert said == {
        "version": 1,
        "task": "regression",
        "input": {"kind": "vector", "length": 2},
        "output": {"kind": "value", "name": "sum"},
        "query": ["vector"],
    }
    kinds = {told["path"]: told["kind"] for told in run.told("artifact")}
    assert kinds["artifacts/model.json"] == "model"


def test_a_worker_says_what_it_can_and_answers_in_order(worker: Conversation) -> None:
    assert worker.ready == {"protocol": 1, "capabilities": ["predict", "search"]}
    assert worker.predict([[1, 2], [3.5, 4]]) == [{"value": 13.5}, {"value": 18.0}]
    assert worker.predict([]) == []
    assert worker.predict([[0, 0]], {"mode": "params"}) == [{"value": [0.1, 5, "regression"]}]
    hits = worker.search([{"vector": [1, 2]}], k=2)
    assert hits == [[{"id": "0", "score": 1.0}, {"id": "1", "score": 0.5}]]


def test_what_is_printed_never_gets_between_the_frames(worker: Conversation) -> None:
    assert worker.predict([[1, 2]], {"mode": "print"}) == [{"value": 13.5}]
    log = (worker.dir / "stderr.log").read_text(encoding="utf-8")
    for said in ("loading", "from Python", "from below", "from a child"):
        assert said in log.splitlines()


@pytest.mark.parametrize(
    ("request_", "code", "field", "part"),
    [
        ({"predict": {"inputs": [[1, 2], [1]]}}, "invalid", "inputs.1", "has 1 numbers"),
        ({"predict": {"inputs": [[1, "secret"]]}}, "invalid", "inputs.0.1", "a number"),
        ({"predict": {"inputs": {}}}, "invalid", "inputs", "a list"),
        ({"predict": {"inputs": [], "options": 3}}, "invalid", "options", "an object"),
        (
            {"predict": {"inputs": [], "options": {"mod": 1}}},
            "invalid",
            "options.mod",
            "did you mean mode?",
        ),
        ({"search": {"queries": [{"vector": [1]}], "k": 0}}, "invalid", "k", "from 1"),
        ({"search": {"queries": [{"text": "a"}]}}, "invalid", "queries.0.text", "vector is"),
        ({"search": {"queries": [{}]}}, "invalid", "queries.0", "one of text, vector, image"),
        ({"embed": {}}, "unsupported", "request", "neither predict nor search"),
    ],
)
def test_a_wrong_request_is_refused_by_its_field(
    worker: Conversation, request_: dict[str, Any], code: str, field: str, part: str
) -> None:
    with pytest.raises(RequestError) as refused:
        worker.ask(request_)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert part in refused.value.message
    assert "secret" not in refused.value.message
    assert worker.predict([[1, 2]]) == [{"value": 13.5}]


@pytest.mark.parametrize(
    ("mode", "part"),
    [("fail", "failed with ValueError"), ("few", "0 outputs for 1 inputs"), ("nan", "not finite")],
)
def test_a_model_that_fails_says_so_without_the_inputs(
    worker: Conversation, mode: str, part: str
) -> None:
    with pytest.raises(RequestError) as failed:
        worker.predict([[4711, 2]], {"mode": mode})
    assert failed.value.code == "failed"
    assert part in failed.value.message
    said = failed.value.message + (worker.dir / "stderr.log").read_text(encoding="utf-8")
    assert "4711" not in said
    assert worker.predict([[1, 2]]) == [{"value": 13.5}]


@pytest.mark.parametrize(
    "frame",
    [
        b"{\n",
        b"[1]\n",
        b'{"predict": {}}\n',
        b"[" * 100_000 + b"\n",
        b" " * (MAX_FRAME_BYTES + 1),
    ],
    ids=["torn", "list", "no id", "deep", "long"],
)
def test_a_broken_conversation_ends_the_worker(run: RunDirectory, frame: bytes) -> None:
    with pytest.raises(NotServed) as ended, run.serve() as worker:
        worker.send(frame)
        worker.receive()
    assert (ended.value.code, ended.value.field) == (64, "frame")


def test_an_answer_beyond_the_limit_is_not_sent() -> None:
    outgoing = io.BytesIO()
    channel = Channel(io.BytesIO(), outgoing)
    with pytest.raises(Unfit, match="longer than"):
        channel.write({"outputs": ["x" * MAX_FRAME_BYTES]})
    assert outgoing.getvalue() == b""


def test_sigterm_ends_the_worker_at_once(run: RunDirectory) -> None:
    with pytest.raises(NotServed) as ended, run.serve() as worker:
        worker.program.terminate()
        worker.receive()
    assert ended.value.code == -signal.SIGTERM


def test_the_end_of_input_ends_the_worker_well(run: RunDirectory) -> None:
    with run.serve("search") as worker:
        assert worker.program.stdin is not None
        worker.program.stdin.close()
        assert worker.program.wait(60) == 0
        worker.program.stdin = None


def test_a_model_that_cannot_be_served_is_refused_before_it_is_ready(tmp_path: Path) -> None:
    run = trained(tmp_path)
    description = run.dir / "artifacts" / "model.json"
    good = json.loads(description.read_text(encoding="utf-8"))

    def refusal() -> tuple[int, str | None]:
        with pytest.raises(NotServed) as refused, run.serve():
            pass
        assert refused.value.message in refused.value.said
        return refused.value.code, refused.value.field

    for said, expected in (
        ({**good, "version": 2}, (69, "model.version")),
        ({**good, "input": {}}, (64, "model.path")),
        ([], (64, "model.path")),
    ):
        description.write_text(json.dumps(said), encoding="utf-8")
        assert refusal() == expected
    description.write_text(json.dumps(good), encoding="utf-8")
    run.file["params"] = {"rate": "x"}
    assert refusal() == (64, "params.rate")
    run.file["params"] = {}
    path = run.dir / "events" / "main.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "offset" not in line), encoding="utf-8")
    assert refusal() == (64, "model.path")


def test_an_adapter_without_load_serves_nothing(tmp_path: Path) -> None:
    source = ADAPTER.replace("def load(", "def _load(").replace("def export(", "def _export(")
    run = trained(tmp_path, source)
    with pytest.raises(NotServed) as refused, run.serve():
        pass
    assert (refused.value.code, refused.value.field) == (69, "command")
    with pytest.raises(NotServed) as refused:
        run.export("text")
    assert (refused.value.code, refused.value.field) == (69, "command")


def test_a_model_is_exported_to_known_formats(run: RunDirectory) -> None:
    folder = run.export("text")
    assert (folder / "model.txt").read_text(encoding="utf-8") == "10.5"
    with pytest.raises(NotServed) as refused:
        run.export("onnx")
    assert (refused.value.code, refused.value.field) == (69, "export.format")


def test_the_example_of_the_documentation_works(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text(encoding="utf-8")
    section = text.split("## Serving a model")[1]
    source = section.split("```python\n")[1].split("```")[0]
    (tmp_path / "adapter.toml").write_text("", encoding="utf-8")
    (tmp_path / "schema.json").write_text('{"type": "object"}', encoding="utf-8")
    (tmp_path / "train.py").write_text(f"{source}\nmain(Mean())\n", encoding="utf-8")
    command = [interpreter(), str(tmp_path / "train.py")]
    lines = "size,mass\n" + "1,2.5\n" * 10
    run = RunDirectory(tmp_path / "work", command, params={}, text=lines, target="mass")
    run.file["task"] = "regression"
    run.file["predict_splits"] = []
    with run.succeed().serve() as worker:
        assert worker.ready["capabilities"] == ["predict"]
        assert worker.predict([{"size": 1}, {"size": 2}]) == [{"value": 2.5}, {"value": 2.5}]
        with pytest.raises(RequestError, match=r"inputs\.0\.sise: .* did you mean size"):
            worker.predict([{"sise": 1}])


# --- inputs and outputs -----------------------------------------------------

TABLE = {
    "kind": "table",
    "columns": [
        {"name": "size", "type": "number", "required": False},
        {"name": "island", "type": "category", "values": ["Biscoe", "Dream"]},
    ],
}


def test_rows_are_encoded_as_in_training() -> None:
    rows = [
        {"size": 1.5, "island": "Dream"},
        {"size": "2", "island": " Biscoe "},
        {"island": "Dream"},
    ]
    found = serving.table(TABLE, rows)
    assert found.names == ["size", "island"]
    assert list(found.columns[0])[:2] == [1.5, 2.0]
    assert found.columns[0][2] != found.columns[0][2]
    assert list(found.columns[1]) == [1.0, 0.0, 1.0]
    assert (found.categorical, len(found)) == ([1], 3)


@pytest.mark.parametrize(
    ("row", "field", "part"),
    [
        ([1], "inputs.1", "an object"),
        ({"size": 1}, "inputs.1.island", "is missing"),
        ({"size": 1, "island": None}, "inputs.1.island", "is missing"),
        ({"size": 1, "island": "Atlantis"}, "inputs.1.island", "one of Biscoe, Dream"),
        ({"size": "Atlantis", "island": "Dream"}, "inputs.1.size", "a finite number"),
        ({"size": [1], "island": "Dream"}, "inputs.1.size", "a finite number"),
        ({"size": 10**400, "island": "Dream"}, "inputs.1.size", "a finite number"),
        ({"sise": 1, "island": "Dream"}, "inputs.1.sise", "did you mean size?"),
    ],
)
def test_a_wrong_row_is_refused_by_its_cell(row: Any, field: str, part: str) -> None:
    with pytest.raises(Invalid) as refused:
        serving.table(TABLE, [{"size": 1, "island": "Dream"}, row])
    assert refused.value.field == field
    assert part in refused.value.message
    assert "Atlantis" not in refused.value.message


def test_texts_and_images_are_refused_by_their_place() -> None:
    png = b"\x89PNG\r\n\x1a\n rest"
    given = {"base64": base64.b64encode(png).decode(), "media_type": "image/png"}
    assert serving.image_bytes(given, "inputs.0") == png
    for value, field in (
        ("text", "inputs.0"),
        ({**given, "media_type": "image/gif"}, "inputs.0.media_type"),
        ({**given, "media_type": "image/jpeg"}, "inputs.0.base64"),
        ({**given, "base64": "?"}, "inputs.0.base64"),
    ):
        with pytest.raises(Invalid) as refused:
            serving.image_bytes(value, "inputs.0")
        assert refused.value.field == field
    assert serving.texts(["ä", ""], max_chars=1) == ["ä", ""]
    with pytest.raises(Invalid, match=r"inputs\.1: has 2 characters"):
        serving.texts(["a", "bc"], max_chars=1)
    with pytest.raises(Invalid, match=r"inputs\.0: must be a text"):
        serving.texts([7])


def test_classes_are_answered_as_prediction_files_do() -> None:
    labels = ["a", "b"]
    assert serving.class_outputs([0.25, 0.75], labels) == [
        {"label": "a", "scores": {"a": 0.75, "b": 0.25}},
        {"label": "b", "scores": {"a": 0.25, "b": 0.75}},
    ]
    assert serving.class_outputs(None, labels, [1]) == [{"label": "b"}]
    assert serving.value_outputs([2]) == [{"value": 2.0}]
