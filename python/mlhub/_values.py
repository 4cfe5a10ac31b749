"""Turns the caller's values into JSON: params, tags, record bodies.

Knows numpy, torch, jax, pandas and pathlib by how their objects behave and imports
none of them. Does not print or log a value.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["flatten", "is_array", "number_of", "to_json", "to_jsonable", "type_name"]

DEPTH_MAX = 32
"""Levels of nesting that are kept; deeper values are kept as text."""
TEXT_MAX_BYTES = 60_000
"""Bytes of one value kept as text; the hub takes 64 KiB."""
ITEMS_MAX = 100_000
"""Items of one container that are kept."""


def type_name(value: object) -> str:
    """The type as people know it, such as `numpy.ndarray`."""
    kind = type(value)
    module = kind.__module__
    if module == "builtins":
        return kind.__qualname__
    return f"{module.split('.', 1)[0]}.{kind.__qualname__}"


def is_array(value: object) -> bool:
    """Whether it has a shape and a dtype, as arrays of every library do."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def number_of(value: object) -> float | None:
    """The value as a float when it is one number of any library, else None."""
    if isinstance(value, (bool, int, float)):
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, (str, bytes, bytearray)) or value is None:
        return None
    try:
        item = getattr(value, "item", None)
        if callable(item):
            value = item()
        elif not hasattr(value, "__float__"):
            return None
        return float(value)  # type: ignore[arg-type]
    except Exception:  # a tensor of many elements, a lazy object, a mock: no number
        return None


def to_jsonable(value: Any, *, depth: int = 0) -> Any:
    """The value in terms of JSON. NaN and infinities stay floats.

    Arrays become nested lists when small, else a description of shape and dtype;
    anything unknown becomes its text.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if type(value) is int:
        return value
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):  # an IntEnum, or numpy's on some platforms
        return int(value)
    if depth >= DEPTH_MAX:
        return clip(text_of(value))
    if isinstance(value, Mapping):
        items = list(value.items())[:ITEMS_MAX]
        return {key_of(key): to_jsonable(item, depth=depth + 1) for key, item in items}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(item, depth=depth + 1) for item in value[:ITEMS_MAX]]
    if isinstance(value, (set, frozenset)):
        return sorted((to_jsonable(item, depth=depth + 1) for item in value), key=repr)
    return foreign(value, depth)


def foreign(value: Any, depth: int) -> Any:
    """An object of a library or of the caller."""
    if is_array(value):
        return array_to_jsonable(value, depth)
    fields = fields_of(value)
    if fields is not None:
        return to_jsonable(fields, depth=depth)
    number = number_of(value) if hasattr(value, "item") else None
    if number is not None:
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if hasattr(value, "value") and hasattr(type(value), "__members__"):
        return to_jsonable(value.value, depth=depth + 1)  # an Enum
    if isinstance(value, Iterable) and type(value).__name__ == "ListConfig":
        return [to_jsonable(item, depth=depth + 1) for item in value]
    return clip(text_of(value))


def array_to_jsonable(value: Any, depth: int) -> Any:
    """A small array as lists, another as a description; never a large one's values."""
    try:
        size = 1
        for length in value.shape:
            size *= int(length)
        if size == 1 and len(value.shape) == 0:
            return to_jsonable(value.item(), depth=depth + 1)
        if size <= 100:
            return to_jsonable(value.tolist(), depth=depth + 1)
        shape = [int(length) for length in value.shape]
    except Exception:  # an abstract array, a meta tensor
        return clip(text_of(type(value).__name__))
    return {"type": type_name(value), "shape": shape, "dtype": str(value.dtype)}


def fields_of(value: Any) -> Mapping[Any, Any] | None:
    """Fields of a config object: dataclass, namespace, attrs, pydantic, OmegaConf."""
    if isinstance(value, type):
        return None
    if type(value).__name__ == "DictConfig" and hasattr(value, "items_ex"):
        return dict(value.items_ex(resolve=True))
    names = getattr(value, "__dataclass_fields__", None)
    if isinstance(names, dict):
        return {name: getattr(value, name, None) for name in names}
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        dumped = dump()
        return dumped if isinstance(dumped, Mapping) else None
    attributes = getattr(value, "__attrs_attrs__", None)
    if attributes is not None:
        return {field.name: getattr(value, field.name, None) for field in attributes}
    if type(value).__name__ in ("Namespace", "SimpleNamespace"):
        found_fields: dict[str, Any] = vars(value)
        return found_fields
    flags = getattr(value, "flag_values_dict", None)
    if callable(flags):
        found = flags()
        return found if isinstance(found, Mapping) else None
    return None


def key_of(key: object) -> str:
    """A key as text."""
    return key if isinstance(key, str) else text_of(key)


def text_of(value: object) -> str:
    """The text of an object, or its type where it has none; addresses are left out."""
    name = getattr(value, "__qualname__", None)
    if isinstance(name, str):
        return f"{getattr(value, '__module__', '?')}.{name}"
    if type(value).__str__ is object.__str__ and type(value).__repr__ is object.__repr__:
        return f"<{type_name(value)}>"
    try:
        return str(value)
    except Exception:  # the caller's own __str__
        return f"<{type_name(value)}>"


def clip(text: str) -> str:
    """Text of a bounded size, with a visible mark where it was cut."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= TEXT_MAX_BYTES:
        return raw.decode("utf-8")
    return raw[:TEXT_MAX_BYTES].decode("utf-8", "ignore") + f"... [{len(raw)} bytes in all]"


def flatten(value: Mapping[Any, Any], *, separator: str = ".") -> dict[str, Any]:
    """Nested mappings as one, with joined keys; values in terms of JSON.

    An empty mapping is kept as such; lists are values.
    """
    flat: dict[str, Any] = {}

    def walk(prefix: str, item: Any) -> None:
        if isinstance(item, Mapping) and item:
            for key, inner in item.items():
                walk(f"{prefix}{separator}{key_of(key)}" if prefix else key_of(key), inner)
        elif isinstance(item, str):
            flat[prefix] = clip(item)
        else:
            flat[prefix] = item

    walk("", to_jsonable(value))
    flat.pop("", None)
    return flat


def to_json(value: Any) -> str:
    """Strict JSON: non-finite numbers are the texts `NaN`, `Infinity`, `-Infinity`."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(quote_non_finite(value), ensure_ascii=False, separators=(",", ":"))


def quote_non_finite(value: Any) -> Any:
    """The same with non-finite floats as text; their names are those the hub reads."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: quote_non_finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [quote_non_finite(item) for item in value]
    return value
