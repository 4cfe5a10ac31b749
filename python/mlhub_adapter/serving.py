"""What an adapter that serves its model is made of: the model it is given, what answers, and
what single inputs and outputs look like.

The conversation with the hub is held by :mod:`mlhub_adapter.worker`. An input that is wrong is
refused by its place (``inputs.0.island``), never by its value.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, predictions
from mlhub_adapter import table as tables

if TYPE_CHECKING:
    from mlhub_adapter.run import Run
    from mlhub_adapter.table import Data, Table

DESCRIPTION = "model.json"
"""The artifact that says what a model takes and gives."""

DESCRIPTION_VERSION = 1
"""The greatest version of it that is read, and the one that is written."""

IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
"""Media types of images, and what such files begin with."""


class Invalid(Exception):
    """An input that is refused; the conversation goes on."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Served:
    """A loaded model; has the methods of what it can do."""

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each input, in order. Raises :class:`Invalid` for a wrong one."""
        raise failure.unsupported("predict", f"{type(self).__name__} does not predict")

    def search(
        self, queries: list[Mapping[str, Any]], k: int, options: Mapping[str, Any]
    ) -> list[list[Mapping[str, Any]]]:
        """At most ``k`` hits for each query, the best first. A query has one of ``text``,
        ``vector`` and ``image``."""
        raise failure.unsupported("search", f"{type(self).__name__} does not search")


@dataclass(frozen=True)
class Model:
    """A trained model: its files, its description, and the params it was trained with."""

    dir: Path
    """The folder of its files."""
    json: Mapping[str, Any]
    """All of ``model.json``."""
    params: Mapping[str, Any]
    seed: int
    task: str | None

    @property
    def input(self) -> Mapping[str, Any]:
        """What it takes."""
        found: Mapping[str, Any] = self.json["input"]
        return found

    @property
    def output(self) -> Mapping[str, Any]:
        """What it gives."""
        found: Mapping[str, Any] = self.json["output"]
        return found

    def file(self, name: str) -> Path:
        """One of its files; refuses a model that lacks it."""
        path = self.dir / name
        if not path.exists():
            raise failure.config("model.path", f"the model has no file {name}")
        return path


def open_model(run: Run) -> Model:
    """The model that a run directory names; refuses what cannot be read."""
    folder = run.file.model_path
    if folder is None:
        raise failure.config("model.path", "name the folder of a trained model")
    try:
        said = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        version = said["version"]
    except OSError as error:
        message = f"{folder / DESCRIPTION} cannot be read: {error.strerror}"
        raise failure.config("model.path", message) from None
    except (ValueError, KeyError, TypeError) as error:
        message = f"{folder / DESCRIPTION} is damaged ({type(error).__name__})"
        raise failure.config("model.path", message) from None
    if version > DESCRIPTION_VERSION:
        raise failure.unsupported(
            "model.version",
            f"the model's description has version {version}; this adapter reads up to "
            f"{DESCRIPTION_VERSION}; use a newer version of the adapter",
        )
    for part in ("input", "output"):
        if not isinstance(said.get(part), dict) or "kind" not in said[part]:
            message = f"{folder / DESCRIPTION} does not say what kind its {part} is"
            raise failure.config("model.path", message)
    task = said.get("task") or run.task
    return Model(dir=folder, json=said, params=run.params, seed=run.seed, task=task)


# --- descriptions -----------------------------------------------------------


def table_input(data: Data, *, allows_missing: bool = False) -> dict[str, Any]:
    """The description of rows with the features of ``data``."""
    columns: list[dict[str, Any]] = []
    for name in data.train.names:
        column: dict[str, Any] = {"name": name, "type": "number"}
        if name in data.train.categories:
            column = {"name": name, "type": "category", "values": data.train.categories[name]}
        columns.append({**column, "required": False} if allows_missing else column)
    return {"kind": "table", "columns": columns}


# --- single inputs ----------------------------------------------------------


def table(model_input: Mapping[str, Any], rows: Sequence[Any]) -> Table:
    """Rows by column name as a table of features, encoded as in training.

    Refuses unknown columns, missing cells where the model needs one, what is no number, and
    categories that the model does not know. Its columns are numbers and categories.
    """
    columns = model_input["columns"]
    names = [column["name"] for column in columns]
    for at, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise Invalid(f"inputs.{at}", "must be an object with a value per column")
        for name in row:
            if name not in names:
                near = failure.nearest(name, names)
                raise Invalid(f"inputs.{at}.{name}", f"is no column of the model; {near}")
    categories = {
        column["name"]: list(column["values"]) for column in columns if column["type"] == "category"
    }
    return tables.Table(
        names=names,
        columns=[_column(column, rows) for column in columns],
        categories=categories,
        target=[""] * len(rows),
        ids=[str(at) for at in range(len(rows))],
    )


def _column(column: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> array[float]:
    name, kind = column["name"], column["type"]
    if kind not in ("number", "category"):
        raise ValueError(f"column {name!r} is of type {kind}, which is no feature")
    index = {text: float(number) for number, text in enumerate(column.get("values", ()))}
    encoded = array("d")
    for at, row in enumerate(rows):
        field, cell = f"inputs.{at}.{name}", row.get(name)
        value = _number(cell, field) if kind == "number" else _category(cell, index, field)
        if math.isnan(value) and column.get("required", True):
            raise Invalid(field, "is missing, and the model needs it")
        encoded.append(value)
    return encoded


def _number(cell: Any, field: str) -> float:
    try:
        value = tables.to_float(cell)
    except OverflowError:
        value = math.inf
    if value is None or math.isinf(value):
        raise Invalid(field, "must be a finite number")
    return value


def _category(cell: Any, index: Mapping[str, float], field: str) -> float:
    text = tables.label(cell)
    if text == "":
        return math.nan
    if text not in index:
        known = list(index)[: failure.MAX_NAMED]
        more = ", ..." if len(index) > len(known) else ""
        raise Invalid(field, f"must be one of {', '.join(known)}{more}")
    return index[text]


def vectors(inputs: Sequence[Any], length: int) -> list[list[float]]:
    """Inputs that are vectors of ``length`` finite numbers."""
    return [vector(value, length, f"inputs.{at}") for at, value in enumerate(inputs)]


def vector(value: Any, length: int, field: str) -> list[float]:
    """A vector of ``length`` finite numbers."""
    if not isinstance(value, list):
        raise Invalid(field, f"must be a list of {length} numbers")
    if len(value) != length:
        raise Invalid(field, f"has {len(value)} numbers; the model takes {length}")
    found = []
    for at, item in enumerate(value):
        if isinstance(item, bool) or not isinstance(item, (int, float)):
            raise Invalid(f"{field}.{at}", "must be a number")
        found.append(_number(item, f"{field}.{at}"))
        if math.isnan(found[-1]):
            raise Invalid(f"{field}.{at}", "must be a finite number")
    return found


def texts(inputs: Sequence[Any], max_chars: int | None = None) -> list[str]:
    """Inputs that are texts, of at most ``max_chars`` characters."""
    return [text(value, f"inputs.{at}", max_chars) for at, value in enumerate(inputs)]


def text(value: Any, field: str, max_chars: int | None = None) -> str:
    """A text of at most ``max_chars`` characters."""
    if not isinstance(value, str):
        raise Invalid(field, "must be a text")
    if max_chars is not None and len(value) > max_chars:
        raise Invalid(field, f"has {len(value)} characters; the model takes up to {max_chars}")
    return value


def image_bytes(value: Any, field: str) -> bytes:
    """The file that ``{"base64": ..., "media_type": ...}`` holds: a PNG or a JPEG."""
    if not isinstance(value, Mapping) or not isinstance(value.get("base64"), str):
        raise Invalid(field, "must be an object with base64 and media_type")
    media_type = value.get("media_type")
    if media_type not in IMAGES:
        raise Invalid(f"{field}.media_type", f"must be {' or '.join(IMAGES)}")
    try:
        content = base64.b64decode(value["base64"], validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(f"{field}.base64", "is not base64") from None
    if not content.startswith(IMAGES[media_type]):
        raise Invalid(f"{field}.base64", f"holds no {media_type}")
    return content


def check_options(options: Mapping[str, Any], known: Collection[str] = ()) -> None:
    """Refuses options that are not known."""
    for name in options:
        if name not in known:
            near = failure.nearest(name, known)
            raise Invalid(f"options.{name}", f"is no option of this model; {near}")


# --- single outputs ---------------------------------------------------------


def class_outputs(
    scores: Any, labels: Sequence[str], predicted: Iterable[Any] | None = None
) -> list[dict[str, Any]]:
    """Outputs of the kind ``classes``: the answers that a prediction file would have.

    ``scores`` is ``[rows, classes]``, or ``[rows]`` of the second of two, or None;
    ``predicted`` are class numbers, the greatest score where they are not given.
    """
    rows, answers = predictions.classes(scores, labels, predicted)
    if rows is None:
        return [{"label": answer} for answer in answers]
    return [
        {"label": answer, "scores": dict(zip(labels, row))} for answer, row in zip(answers, rows)
    ]


def value_outputs(values: Any) -> list[dict[str, float]]:
    """Outputs of the kind ``value``; ``values`` is ``[rows]``."""
    found = values.tolist() if hasattr(values, "tolist") else list(values)
    return [{"value": float(value)} for value in found]
