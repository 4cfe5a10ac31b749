"""The serving conversation: frames of JSON lines with the hub, one request at a time.

The conversation has the standard input and output for itself: what a library prints goes to
standard error, and nothing else reads what the hub sends. What a request holds is never
written there.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, BinaryIO

from mlhub_adapter import failure
from mlhub_adapter.serving import Invalid, Model, Served

PROTOCOL = 1
MAX_FRAME_BYTES = 64 * 1024 * 1024
MAX_HITS = 10_000
"""Hits per query that can be asked for."""

QUERIES = ("text", "vector", "image")
STDIN, STDOUT, STDERR = 0, 1, 2


class Unfit(Exception):
    """An answer that cannot be sent; its text holds nothing of it."""


class Channel:
    """Frames in and out."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing

    @classmethod
    def take_over(cls) -> Channel:
        """Takes standard input and output from everybody else in this process."""
        sys.stdout.flush()
        incoming, outgoing = os.dup(STDIN), os.dup(STDOUT)
        os.dup2(STDERR, STDOUT)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, STDIN)
        os.close(nothing)
        return cls(os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb"))

    def read(self) -> Any:
        """The next frame, or None at the end of the conversation."""
        line = self._incoming.readline(MAX_FRAME_BYTES + 1)
        if not line:
            return None
        if len(line) > MAX_FRAME_BYTES:
            raise failure.config("frame", f"is longer than {MAX_FRAME_BYTES} bytes")
        try:
            return json.loads(line)
        except (ValueError, RecursionError):
            raise failure.config("frame", "is not JSON") from None

    def write(self, frame: Mapping[str, Any]) -> None:
        """Writes a frame; raises :class:`Unfit`, and writes nothing, where it cannot be one."""
        try:
            # Arrays and scalars of numerical libraries have tolist.
            text = json.dumps(frame, allow_nan=False, default=lambda value: value.tolist())
        except (ValueError, TypeError, AttributeError):
            message = "the model's answer holds a number that is not finite, or what is no JSON"
            raise Unfit(message) from None
        line = text.encode()
        if len(line) >= MAX_FRAME_BYTES:
            raise Unfit(f"the answer is longer than {MAX_FRAME_BYTES} bytes; ask for less at once")
        self._outgoing.write(line + b"\n")
        self._outgoing.flush()


def serve(channel: Channel, model: Model, served: Served) -> None:
    """Says that the model is ready, then answers until the hub ends the conversation."""
    able = [
        name
        for name in ("predict", "search")
        if getattr(type(served), name) is not getattr(Served, name)
    ]
    channel.write({"ready": {"protocol": PROTOCOL, "capabilities": able}})
    while True:
        request = channel.read()
        if request is None:
            return
        if not isinstance(request, dict) or "id" not in request:
            raise failure.config("frame", "is no request with an id")
        identity = {"id": request["id"]}
        try:
            channel.write({**identity, **_answer(request, model, served)})
        except Invalid as error:
            channel.write({**identity, **_error("invalid", error.field, error.message)})
        except failure.Refused as error:
            code = "unsupported" if error.code == failure.UNSUPPORTED else "invalid"
            channel.write({**identity, **_error(code, error.field, error.message)})
        except Unfit as error:
            channel.write({**identity, **_error("failed", None, str(error))})
        except Exception as error:  # a model may raise anything, and the next request go well
            channel.write({**identity, **_error("failed", None, _told(error))})


def _answer(request: Mapping[str, Any], model: Model, served: Served) -> dict[str, Any]:
    if isinstance(request.get("predict"), dict):
        asked = request["predict"]
        inputs = _list(asked, "inputs")
        outputs = served.predict(inputs, _options(asked))
        if len(outputs) != len(inputs):
            raise Unfit(f"the model gave {len(outputs)} outputs for {len(inputs)} inputs")
        return {"outputs": outputs}
    if isinstance(request.get("search"), dict):
        asked = request["search"]
        queries, k = _list(asked, "queries"), asked.get("k", 10)
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MAX_HITS:
            raise Invalid("k", f"must be a whole number from 1 to {MAX_HITS}")
        for at, query in enumerate(queries):
            _check_query(query, model.json.get("query", QUERIES), f"queries.{at}")
        hits = served.search(queries, k, _options(asked))
        if len(hits) != len(queries) or any(len(found) > k for found in hits):
            raise Unfit(f"the model gave {len(hits)} lists of hits, or more than {k} in one")
        return {"hits": hits}
    raise failure.unsupported("request", "asks neither predict nor search")


def _list(asked: Mapping[str, Any], name: str) -> list[Any]:
    found = asked.get(name)
    if not isinstance(found, list):
        raise Invalid(name, "must be a list")
    return found


def _options(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    options = asked.get("options") or {}
    if not isinstance(options, dict):
        raise Invalid("options", "must be an object")
    return options


def _check_query(query: Any, taken: list[str], field: str) -> None:
    if not isinstance(query, dict) or len(query) != 1 or next(iter(query)) not in QUERIES:
        raise Invalid(field, f"must be an object with one of {', '.join(QUERIES)}")
    (kind,) = query
    if kind not in taken:
        raise Invalid(f"{field}.{kind}", f"is not searched by this model; {', '.join(taken)} is")


def _error(code: str, field: str | None, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "field": field, "message": message}}


def _told(error: Exception) -> str:
    """What to say of a failure: its kind and place. Its text may hold what was asked."""
    frames = traceback.extract_tb(error.__traceback__)
    place = "".join(f"  {frame.filename}:{frame.lineno} in {frame.name}\n" for frame in frames)
    kind = type(error).__name__
    print(f"error: a request failed with {kind}, at\n{place}", file=sys.stderr, end="", flush=True)
    return f"the model failed with {kind}; the log says where"
