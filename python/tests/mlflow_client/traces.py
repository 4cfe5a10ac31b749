"""Traces as people make, judge and find them, and what the server has of them then.

Run by MLflow's own interpreter: `traces.py TRACKING_URI`. Prints one JSON document in which
ids and times are replaced, so that two servers that stored the same print the same.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import (
    AssessmentError,
    AssessmentSource,
    Feedback,
    SpanEvent,
    SpanType,
    Trace,
)
from mlflow.genai.scorers import scorer
from models import refusal

EXPERIMENT = "questions/answers"
# What only one server, or one moment, can say.
OWN_METADATA = (
    "mlflow.source.name",
    "mlflow.source.git.commit",
    "mlflow.trace.sizeBytes",
    "mlflow.trace.sizeStats",
    "mlflow.user",
)


@mlflow.trace(span_type=SpanType.TOOL, attributes={"numbers": [1, 2.5, None], "deep": {"a": {}}})
def look_up(word: str) -> dict[str, Any]:
    """A function of its own span."""
    return {"word": word, "caf\u00e9": [True, float("inf"), "\u2603"]}


@mlflow.trace(name="ask", span_type=SpanType.CHAIN)
def ask(question: str, times: int = 1) -> str:
    """A trace with spans in spans."""
    mlflow.update_current_trace(
        tags={"team": "a"}, metadata={"kind": "test"}, client_request_id=f"ask {question}"
    )
    for number in range(times):
        with mlflow.start_span(f"step {number}", span_type=SpanType.RETRIEVER) as span:
            span.set_inputs({"question": question})
            span.set_attribute("number", number)
            span.add_event(SpanEvent("looked", attributes={"at": number, "of": "words"}))
            look_up(question)
            span.set_outputs([question] * 2)
    return question.upper()


@mlflow.trace
def fail() -> None:
    """A trace that ends with an error."""
    with mlflow.start_span("inner"):
        message = "no answer"
        raise ValueError(message)


def make(client: MlflowClient) -> list[str]:
    """Traces in the order they are made."""
    mlflow.set_experiment(EXPERIMENT)
    made = []
    with mlflow.start_run(run_name="asker"):
        for question, times in (("why", 2), ("how", 1)):
            ask(question, times)
            made.append(str(mlflow.get_last_active_trace_id()))
    try:
        fail()
    except ValueError:
        made.append(str(mlflow.get_last_active_trace_id()))
    root = client.start_trace("by hand", inputs={"a": 1}, tags={"hand": "yes"})
    child = client.start_span("child", root.trace_id, root.span_id, inputs="text")
    client.end_span(root.trace_id, child.span_id, outputs=3, attributes={"k": "v"})
    client.end_trace(root.trace_id, outputs="done", status="OK")
    made.append(root.trace_id)
    mlflow.flush_trace_async_logging()
    return made


def judge(client: MlflowClient, made: list[str]) -> dict[str, Any]:
    """Assessments and tags, set, changed and removed."""
    human = AssessmentSource("HUMAN", "ann")
    first = mlflow.log_feedback(
        trace_id=made[0],
        name="correct",
        value=False,
        rationale="it is not",
        source=human,
        metadata={"round": "1"},
    )
    mlflow.override_feedback(
        trace_id=made[0],
        assessment_id=first.assessment_id,
        value=True,
        rationale="it is",
        source=human,
    )
    mlflow.log_feedback(trace_id=made[0], name="score", value=0.75)
    mlflow.log_feedback(trace_id=made[0], name="words", value={"a": "b", "c": 1})
    mlflow.log_feedback(trace_id=made[1], name="score", value=0.25)
    mlflow.log_feedback(
        trace_id=made[1], name="judge", error=AssessmentError("TOO_LONG", "too long")
    )
    changed = mlflow.log_expectation(trace_id=made[1], name="answer", value="HOW")
    changed.value = "How?"
    mlflow.update_assessment(made[1], changed.assessment_id, changed)
    mlflow.log_expectation(trace_id=made[1], name="facts", value={"list": [1, 2], "x": None})
    gone = mlflow.log_feedback(trace_id=made[2], name="gone", value=[1, 2])
    mlflow.delete_assessment(made[2], gone.assessment_id)
    kept = mlflow.get_assessment(made[1], changed.assessment_id)
    for key, value in (("team", "b"), ("note", "caf\u00e9"), ("gone", "1")):
        client.set_trace_tag(made[0], key, value)
    client.delete_trace_tag(made[0], "gone")
    return {
        "kept": [kept.name, kept.value],
        "no tag": refusal(lambda: client.delete_trace_tag(made[0], "gone")),
        "no assessment": refusal(lambda: mlflow.get_assessment(made[0], "a-none")),
        "nothing judged": refusal(
            lambda: mlflow.log_feedback(trace_id="tr-none", name="x", value=1)
        ),
    }


def find(client: MlflowClient, made: list[str]) -> dict[str, Any]:
    """What searches find, as places in the order the traces were made."""
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    run = client.search_runs([experiment], "run_name = 'asker'")[0].info.run_id
    of_time = client.get_trace(made[1]).info.request_time

    def places(filter_string: str | None = None, **how: Any) -> Any:
        found = client.search_traces(
            locations=[experiment], filter_string=filter_string, include_spans=False, **how
        )
        return [made.index(trace.info.trace_id) for trace in found]

    said: dict[str, Any] = {
        filter_string: places(filter_string)
        for filter_string in (
            "",
            "status = 'OK'",
            "trace.status != 'OK'",
            "attributes.status IN ('ERROR', 'IN_PROGRESS')",
            "name = 'ask'",
            "trace.name LIKE '%S%'",
            "name ILIKE '%S%'",
            "tags.team = 'b'",
            "tags.team != 'b'",
            "tag.team IS NULL",
            "metadata.kind = 'test' AND tags.note IS NULL",
            "client_request_id = 'ask how'",
            "execution_time_ms >= 0",
            "feedback.score > 0.5",
            "feedback.score < 0.5",
            "feedback.correct = 'true'",
            "feedback.judge IS NOT NULL",
            "expectation.answer = 'How?'",
            "expectation.answer LIKE '%How%'",
            "span.name = 'step 1'",
            "span.type = 'TOOL'",
            "span.status = 'ERROR'",
            "trace.text LIKE '%\u2603%'",
        )
    }
    said["run"] = places(f"run_id = '{run}'")
    said["time"] = places(f"timestamp_ms <= {of_time}")
    said["one"] = places(f"request_id = '{made[3]}'")
    said["names"] = places(order_by=["name ASC", "timestamp_ms ASC"])
    said["old"] = places(order_by=["timestamp_ms ASC"])
    said["tagged"] = places(order_by=["tags.team DESC"])
    said["states"] = places(order_by=["status"])
    pages: list[list[int]] = []
    token = None
    while True:
        page = client.search_traces(
            locations=[experiment],
            max_results=3,
            page_token=token,
            order_by=["name DESC"],
            include_spans=False,
        )
        pages.append([made.index(trace.info.trace_id) for trace in page])
        token = page.token
        if not token:
            break
    said["pages"] = pages
    for bad in ("foo.bar = 'x'", "state = 'OK'", "tags.a > 'b'", "status > 3", "span.foo = 'x'"):
        said[f"bad {bad}"] = refusal(lambda bad=bad: places(bad))
    said["bad order"] = refusal(lambda: places(order_by=["odd ASC"]))
    said["bad page"] = refusal(lambda: places(page_token="odd"))
    said["columns"] = sorted(mlflow.search_traces(locations=[experiment]).columns)
    said["with spans"] = [len(trace.data.spans) for trace in client.search_traces([experiment])]
    return said


def forget(client: MlflowClient) -> dict[str, Any]:
    """Traces deleted by name and by time."""
    experiment = client.create_experiment("forgotten")
    mlflow.set_experiment("forgotten")
    made = []
    for number in range(4):
        ask(str(number))
        made.append(str(mlflow.get_last_active_trace_id()))
        # The next one is of another millisecond.
        made_ms = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == made_ms:
            pass
    mlflow.flush_trace_async_logging()
    until = int(time.time() * 1000)

    def left() -> list[int]:
        found = client.search_traces(locations=[experiment], include_spans=False)
        return [made.index(trace.info.trace_id) for trace in found]

    return {
        "named": client.delete_traces(experiment, trace_ids=[made[2], "tr-none"]),
        "left": left(),
        "oldest": client.delete_traces(experiment, max_timestamp_millis=until, max_traces=1),
        "then": left(),
        "rest": client.delete_traces(experiment, max_timestamp_millis=until),
        "none": left(),
        "gone": refusal(lambda: client.get_trace(made[0])),
        "nothing said": refusal(lambda: client.delete_traces(experiment)),
    }


@scorer
def exact(outputs: str, expectations: dict[str, Any]) -> bool:
    """Whether the answer is what was expected."""
    return outputs == expectations["answer"]


@scorer
def length(inputs: dict[str, Any], outputs: str) -> Feedback:
    """How long the answer is beside the question."""
    return Feedback(value=len(outputs) / len(inputs["question"]), rationale="by letters")


def evaluate(client: MlflowClient) -> dict[str, Any]:
    """An evaluation with scorers that are functions."""
    experiment = client.create_experiment("evaluated")
    mlflow.set_experiment("evaluated")
    data = [
        {"inputs": {"question": "why"}, "expectations": {"answer": "WHY"}},
        {"inputs": {"question": "how"}, "expectations": {"answer": "NO"}},
    ]
    result = mlflow.genai.evaluate(data=data, predict_fn=ask, scorers=[exact, length])
    run = client.get_run(result.run_id)
    traces = client.search_traces(
        locations=[experiment], filter_string=f"run_id = '{result.run_id}'"
    )
    known = {result.run_id: "RUN"}
    dumped = [dump_trace(trace, known) for trace in traces]
    return {
        "metrics": result.metrics,
        "logged": run.data.metrics,
        "traces": sorted(dumped, key=lambda one: str(one["request"])),
    }


def dump_trace(trace: Trace, known: dict[str, str]) -> dict[str, Any]:
    """A trace in words that do not depend on ids, times and places."""
    info = trace.info
    known = {**known, info.trace_id: "TRACE"}
    names = {span.span_id: span.name for span in trace.data.spans}
    texts = {name: text(value, known) for name, value in info.trace_metadata.items()}
    tags = {name: text(value, known) for name, value in info.tags.items()}
    tags["mlflow.artifactLocation"] = tags["mlflow.artifactLocation"].split("/", 2)[-1]
    tags.pop("mlflow.eval.requestId", None)
    return {
        "state": str(info.state),
        "client": info.client_request_id,
        "timed": info.execution_duration is not None and info.execution_duration >= 0,
        "request": info.request_preview,
        "response": info.response_preview,
        "tags": tags,
        "metadata": {name: texts[name] for name in texts if name not in OWN_METADATA},
        "own metadata": sorted(name for name in texts if name in OWN_METADATA),
        "assessments": sorted(
            (dump_assessment(one, known) for one in info.assessments),
            key=lambda one: json.dumps(one, sort_keys=True, default=str),
        ),
        "spans": [
            {
                "name": span.name,
                "type": span.span_type,
                "parent": names.get(span.parent_id),
                "status": str(span.status.status_code),
                "message": span.status.description,
                "inputs": repr(span.inputs),
                "outputs": repr(span.outputs),
                "attributes": text(repr(sorted(span.attributes.items(), key=str)), known),
                "events": [
                    [event.name, sorted(key for key in event.attributes or {})]
                    for event in span.events
                ],
                "timed": 0 < span.start_time_ns <= span.end_time_ns,
            }
            for span in trace.data.spans
        ],
    }


def dump_assessment(one: Any, known: dict[str, str]) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": type(one).__name__,
        "value": repr(getattr(one, "value", None)),
        "error": repr(getattr(one, "error", None)),
        "source": [one.source.source_type, one.source.source_id],
        "rationale": one.rationale,
        "metadata": {key: text(value, known) for key, value in (one.metadata or {}).items()},
        "valid": one.valid,
        "overrides": one.overrides is not None,
        "of a span": one.span_id is not None,
        "changed": one.last_update_time_ms > one.create_time_ms,
    }


def text(value: Any, known: dict[str, str]) -> Any:
    for found, name in known.items():
        value = str(value).replace(found, name)
    return value


def main() -> None:
    mlflow.set_tracking_uri(sys.argv[1])
    client = MlflowClient()
    made = make(client)
    said: dict[str, Any] = {"judged": judge(client, made), "found": find(client, made)}
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    run = client.search_runs([experiment], "run_name = 'asker'")[0].info.run_id
    traces = [mlflow.get_trace(one) for one in made]
    said["traces"] = [dump_trace(trace, {run: "RUN"}) for trace in traces if trace]
    said["no trace"] = refusal(lambda: client.get_trace("tr-none"))
    said["forgotten"] = forget(client)
    said["evaluated"] = evaluate(client)
    print("DUMP " + json.dumps(said))


if __name__ == "__main__":
    main()
