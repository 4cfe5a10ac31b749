"""Tables in the form a caller asks for: plain Python, pandas, polars or Arrow.

The libraries are imported when they are asked for, never before.
"""

from __future__ import annotations

from typing import Any

__all__ = ["check_format", "frame", "frame_of_rows", "number"]

FORMATS = ("list", "pandas", "polars", "arrow")
NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def number(value: Any) -> Any:
    """A number of the hub's JSON, whose non-finite ones are texts."""
    return NON_FINITE.get(value, value) if isinstance(value, str) else value


def check_format(format: str) -> None:
    """Raises ValueError for a form there is not."""
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}; got `{format}`")


def frame(columns: dict[str, list[Any]], format: str) -> Any:
    """Columns in the form asked for. Raises ValueError, or ImportError when it is missing."""
    check_format(format)
    if format == "list":
        return [dict(zip(columns, values)) for values in zip(*columns.values())]
    if format == "pandas":
        import pandas

        return pandas.DataFrame(columns)
    if format == "polars":
        import polars

        return polars.DataFrame(columns, strict=False)
    import pyarrow

    return pyarrow.table(columns)


def frame_of_rows(rows: list[dict[str, Any]], format: str) -> Any:
    """Rows that may lack keys of others."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return frame({name: [row.get(name) for row in rows] for name in names}, format)
