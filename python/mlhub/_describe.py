"""Describes a batch: shapes, dtypes, devices, statistics, nesting. Never a value.

Statistics are count, share of non-finite numbers, mean and standard deviation:
facts of the whole, from which no element can be read. They are left out for
fewer than a few elements, and minimum and maximum are never told, since those
are elements themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ._values import is_array, key_of, type_name

__all__ = ["describe"]

DEPTH_MAX = 8
ITEMS_MAX = 50
"""Items of one container that are described each; the rest is counted."""
STATISTICS_MIN = 8
"""Elements below which statistics would tell the elements."""
STATISTICS_MAX = 1_000_000
"""Elements of larger arrays that statistics are computed from, evenly spaced."""
FIXED_SCALARS = (bool, int, float, complex)


def describe(batch: Any, *, statistics: bool = True) -> Any:
    """Facts about `batch` in terms of JSON: nested as it is nested.

    Tensors and arrays of any library give `type`, `shape`, `dtype`, `device` and,
    with `statistics`, `mean`, `std` and `non_finite` (numbers of elements);
    scalars and texts give their type alone.
    """
    return walk(batch, 0, statistics, set())


def walk(value: Any, depth: int, statistics: bool, seen: set[int]) -> Any:
    if value is None:
        return {"type": "None"}
    if isinstance(value, FIXED_SCALARS):
        return {"type": type_name(value)}
    if isinstance(value, (str, bytes, bytearray)):
        return {"type": type_name(value), "length": len(value)}
    if is_array(value):
        return array(value, statistics)
    if depth >= DEPTH_MAX or id(value) in seen:
        return {"type": type_name(value), "deeper": True}
    seen = seen | {id(value)}
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return frame(value)
    if isinstance(value, Mapping) or callable(getattr(value, "items", None)):
        return mapping(value, depth, statistics, seen)
    if isinstance(value, (list, tuple)):
        return sequence(value, depth, statistics, seen)
    facts: dict[str, Any] = {"type": type_name(value)}
    if hasattr(value, "size") and hasattr(value, "mode") and hasattr(value, "getbands"):
        facts.update(size=[int(length) for length in value.size], mode=str(value.mode))
    elif hasattr(value, "__len__"):
        facts["length"] = len(value)
    return facts


def mapping(value: Any, depth: int, statistics: bool, seen: set[int]) -> Any:
    items = list(value.items())
    facts = {
        key_of(key): walk(item, depth + 1, statistics, seen) for key, item in items[:ITEMS_MAX]
    }
    described: dict[str, Any] = {"type": type_name(value), "items": facts}
    if len(items) > ITEMS_MAX:
        described["more"] = len(items) - ITEMS_MAX
    return described


def sequence(value: Any, depth: int, statistics: bool, seen: set[int]) -> Any:
    described: dict[str, Any] = {"type": type_name(value), "length": len(value)}
    facts: list[Any] = []
    for item in value[:ITEMS_MAX]:
        one = walk(item, depth + 1, statistics, seen)
        if not facts or one != facts[-1]:
            facts.append(one)
    described["items"] = facts
    return described


def frame(value: Any) -> Any:
    """A table of pandas or polars: rows, and the dtype of each column."""
    columns = list(value.columns)[:ITEMS_MAX]
    dtypes = list(value.dtypes)[:ITEMS_MAX]
    return {
        "type": type_name(value),
        "shape": [int(length) for length in value.shape],
        "columns": {key_of(name): str(dtype) for name, dtype in zip(columns, dtypes)},
    }


def array(value: Any, statistics: bool) -> Any:
    if hasattr(value, "columns") and hasattr(value, "dtypes"):
        return frame(value)
    facts: dict[str, Any] = {"type": type_name(value)}
    try:
        facts["shape"] = [int(length) for length in value.shape]
    except (TypeError, ValueError):
        facts["shape"] = str(value.shape)
    facts["dtype"] = str(value.dtype)
    device = device_of(value)
    if device is not None:
        facts["device"] = device
    gradient = getattr(value, "requires_grad", None)
    if gradient is True:
        facts["requires_grad"] = True
    if statistics:
        try:
            facts.update(statistics_of(value))
        except Exception:  # text, objects, sparse or lazy arrays have none
            pass
    return facts


def device_of(value: Any) -> str | None:
    device = getattr(value, "device", None)
    if callable(device):  # older jax
        device = device()
    return str(device) if device is not None else None


def statistics_of(value: Any) -> dict[str, Any]:
    """Mean, standard deviation and count of non-finite numbers, in one pass or two."""
    detach = getattr(value, "detach", None)
    if callable(detach):
        value = detach()
    flat = value.reshape(-1)
    size = int(flat.shape[0])
    kind = str(value.dtype)
    if size < STATISTICS_MIN or not any(
        word in kind for word in ("float", "int", "double", "half")
    ):
        return {}
    step = -(-size // STATISTICS_MAX)
    if step > 1:
        flat = flat[::step]
    if callable(getattr(flat, "cpu", None)):
        numbers = flat.cpu().double().numpy()
    else:
        # In main memory by the object's own means: jax has no float64 by itself.
        numbers = (flat.__array__() if hasattr(flat, "__array__") else flat).astype("float64")
    finite = (numbers - numbers) == 0
    count = int(finite.sum())
    facts: dict[str, Any] = {"non_finite": int(numbers.shape[0]) - count}
    if count >= STATISTICS_MIN:
        kept = numbers[finite]
        mean, std = float(kept.mean()), float(kept.std())
        if math.isfinite(mean) and math.isfinite(std):
            facts.update(mean=rounded(mean), std=rounded(std))
    if step > 1:
        facts["sampled"] = int(numbers.shape[0])
    return facts


def rounded(number: float) -> float:
    """Six significant digits: enough to see a wrong scale, too few to name an element."""
    return float(f"{number:.6g}")
