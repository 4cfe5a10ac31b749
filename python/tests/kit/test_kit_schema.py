"""Params are completed and checked as the hub does, each mistake in the name of its field."""

from __future__ import annotations

from typing import Any

import pytest

from mlhub_adapter import Refused, schema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["model"],
    "$defs": {
        "layer": {
            "type": "object",
            "required": ["size"],
            "properties": {"size": {"type": "integer"}},
        }
    },
    "properties": {
        "model": {"type": "string", "pattern": r"^\w+\.\w+$", "description": "Where it is. More."},
        "rate": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.1},
        "epochs": {"type": ["integer", "null"], "minimum": 1, "default": None},
        "booster": {"type": "string", "enum": ["trees", "linear"], "default": "trees"},
        "shuffle": {"type": "boolean", "default": True},
        "names": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "default": []},
        "layers": {
            "type": "array",
            "items": {"$ref": "#/$defs/layer"},
            "maxItems": 2,
            "default": [],
        },
        "depth": {"anyOf": [{"type": "integer"}, {"const": "auto"}], "default": "auto"},
        "free": {"type": "object", "default": {}},
    },
}
GOOD = {"model": "a.b"}


def test_defaults_are_the_schemas() -> None:
    params = schema.complete(SCHEMA, GOOD)
    expected = {
        name: part["default"] for name, part in SCHEMA["properties"].items() if "default" in part
    }
    assert params == {**expected, "model": "a.b"}


@pytest.mark.parametrize(
    "params",
    [
        {"rate": 1},
        {"rate": 1.0},
        {"epochs": 3},
        {"epochs": 3.0},
        {"names": ["a", "b"]},
        {"layers": [{"size": 1}]},
        {"depth": 4},
        {"free": {"any": [1, {"thing": None}]}},
    ],
)
def test_good_params_pass(params: dict[str, Any]) -> None:
    assert schema.complete(SCHEMA, {**GOOD, **params}).items() >= params.items()


@pytest.mark.parametrize(
    ("params", "field", "part"),
    [
        ({"model": None}, "params.model", "must be text that matches"),
        ({"model": "ab"}, "params.model", "(Where it is)"),
        ({"rate": 0}, "params.rate", "a number above 0 and of at most 1"),
        ({"rate": "fast"}, "params.rate", "a number"),
        ({"rate": True}, "params.rate", "a number"),
        ({"epochs": 0}, "params.epochs", "a whole number of at least 1, or null"),
        ({"epochs": 1.5}, "params.epochs", "a whole number"),
        ({"booster": "tree"}, "params.booster", "one of trees, linear"),
        ({"shuffle": 1}, "params.shuffle", "true or false"),
        ({"names": ["a", 1]}, "params.names[1]", "text"),
        ({"names": ["a", "a"]}, "params.names", "without repetition"),
        ({"layers": [{}]}, "params.layers[0].size", "is missing"),
        ({"layers": [{"size": 1}] * 3}, "params.layers", "at most 2 items"),
        ({"depth": "deep"}, "params.depth", "must be"),
        ({"epoch": 1}, "params.epoch", "did you mean epochs?"),
    ],
)
def test_a_wrong_param_is_refused_by_name(params: dict[str, Any], field: str, part: str) -> None:
    with pytest.raises(Refused) as refused:
        schema.complete(SCHEMA, {**GOOD, **params})
    assert (refused.value.code, refused.value.field) == (64, field)
    assert part in refused.value.message


def test_a_missing_param_is_named_with_what_it_must_be() -> None:
    with pytest.raises(Refused) as refused:
        schema.complete(SCHEMA, {})
    assert refused.value.field == "params.model"
    assert "is missing; it must be text" in refused.value.message
