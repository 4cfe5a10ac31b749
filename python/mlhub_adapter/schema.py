"""Checks params against an adapter's ``schema.json`` and fills in its defaults.

Understands what params are described with: types, enum and const, bounds, lengths,
patterns, items, properties, required, anyOf, oneOf, allOf and references to ``$defs``.
Other keywords say nothing here; the hub, which checks the same schema first, knows them
all. Nothing is ever fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlhub_adapter import failure

_TYPES: dict[str, str] = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}

Schema = Mapping[str, Any]


def read(path: Path) -> Schema:
    """The schema in a file of the adapter's own."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(schema, dict):
        raise TypeError(f"{path} holds no JSON Schema")
    return schema


def complete(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The params with the schema's defaults, checked.

    Raises :class:`failure.Refused` in the name of the first param that is wrong.
    """
    defaults = {
        name: part["default"]
        for name, part in schema.get("properties", {}).items()
        if "default" in part
    }
    params = {**defaults, **given}
    # Params may be open only where the schema says so, as in the hub.
    check(params, {"additionalProperties": False, **schema}, field="params", root=schema)
    return params


def check(value: Any, schema: Schema, *, field: str, root: Schema) -> None:
    """Raises :class:`failure.Refused` when ``value`` breaks ``schema``."""
    if "$ref" in schema:
        check(value, _target(schema["$ref"], root), field=field, root=root)
    if not _is_plain(value, schema):
        raise failure.config(field, _with_help(f"must be {describe(schema)}", schema))
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            _choose(value, schema, keyword, field, root)
    for part in schema.get("allOf", []):
        check(value, part, field=field, root=root)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            check(item, schema["items"], field=f"{field}[{index}]", root=root)
    if isinstance(value, Mapping):
        _check_object(value, schema, field, root)


def describe(schema: Schema) -> str:
    """What a value must be, in words: ``a whole number from 1 to 10, or null``."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(_plain(choice) for choice in schema["enum"])
    kinds = _kinds(schema)
    words = [_TYPES.get(kind, kind) for kind in kinds if kind != "null"]
    said = " or ".join(words) or "as described"
    said += _bounds(schema) + _lengths(schema)
    return said + (", or null" if "null" in kinds and len(kinds) > 1 else "")


def _plain(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


def _kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        said = f" from {low} to {high}"
    else:
        parts = [
            words
            for bound, words in (
                (low, f"of at least {low}"),
                (above, f"above {above}"),
                (high, f"of at most {high}"),
                (below, f"below {below}"),
            )
            if bound is not None
        ]
        said = f" {' and '.join(parts)}" if parts else ""
    step = schema.get("multipleOf")
    return said + (f", a multiple of {step}" if step is not None else "")


def _lengths(schema: Schema) -> str:
    said = ""
    for noun, least, most in (
        ("characters", "minLength", "maxLength"),
        ("items", "minItems", "maxItems"),
    ):
        if least in schema:
            said += f" of at least {schema[least]} {noun}"
        if most in schema:
            said += f" of at most {schema[most]} {noun}"
    if schema.get("uniqueItems"):
        said += " without repetition"
    if "pattern" in schema:
        said += f" that matches {schema['pattern']}"
    return said


def _with_help(message: str, schema: Schema) -> str:
    """The message with the first sentence of the param's own description."""
    text = str(schema.get("description", ""))
    first = re.split(r"(?<=\.)\s", text, maxsplit=1)[0].rstrip(".")
    return f"{message} ({first})" if first else message


def _is_plain(value: Any, schema: Schema) -> bool:
    """Whether a value fits all that does not look inside of it."""
    kinds = _kinds(schema)
    if kinds and not any(_is_kind(value, kind) for kind in kinds):
        return False
    if "const" in schema and not _same(value, schema["const"]):
        return False
    if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
        return False
    if isinstance(value, str):
        return _is_sized(value, schema, "minLength", "maxLength") and (
            "pattern" not in schema or re.search(schema["pattern"], value) is not None
        )
    if isinstance(value, list):
        unique = not schema.get("uniqueItems") or all(
            not _same(one, other) for at, one in enumerate(value) for other in value[:at]
        )
        return unique and _is_sized(value, schema, "minItems", "maxItems")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _is_within(value, schema)
    return True


def _is_kind(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return kind == "number" or float(value).is_integer()
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "boolean": bool,
        "array": list,
        "object": Mapping,
        "null": type(None),
    }
    return isinstance(value, kinds.get(kind, object))


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON, where true is no number."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_sized(value: str | list[Any], schema: Schema, least: str, most: str) -> bool:
    return bool(schema.get(least, 0) <= len(value) <= schema.get(most, len(value)))


def _is_within(value: float, schema: Schema) -> bool:
    step = schema.get("multipleOf")
    return bool(
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
        and (step is None or float(value / step).is_integer())
    )


def _check_object(value: Mapping[str, Any], schema: Schema, field: str, root: Schema) -> None:
    parts: Mapping[str, Any] = schema.get("properties", {})
    further = schema.get("additionalProperties", True)
    for name, inner in value.items():
        where = f"{field}.{name}"
        if name in parts:
            check(inner, parts[name], field=where, root=root)
        elif further is False:
            what = "a param of this adapter" if field == "params" else f"known in {field}"
            raise failure.unknown(where, name, parts, what)
        elif isinstance(further, Mapping):
            check(inner, further, field=where, root=root)
    for name in schema.get("required", []):
        if name not in value:
            part = parts.get(name, {})
            rule = _with_help(f"is missing; it must be {describe(part)}", part)
            raise failure.config(f"{field}.{name}", rule)


def _choose(value: Any, schema: Schema, keyword: str, field: str, root: Schema) -> None:
    fitting = 0
    refusals = []
    for part in schema[keyword]:
        try:
            check(value, part, field=field, root=root)
            fitting += 1
        except failure.Refused as refusal:
            refusals.append(refusal)
    if fitting == 0:
        # What was refused deepest inside was most likely meant.
        raise max(refusals, key=lambda refusal: len(refusal.field))
    if keyword == "oneOf" and fitting > 1:
        raise failure.config(field, _with_help("fits more than one of what it may be", schema))


def _target(reference: str, root: Schema) -> Schema:
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    if not isinstance(found, Mapping):
        raise TypeError(f"{reference} leads to no schema")
    return found
