"""Reads split files into columns, and says exactly where it cannot.

Nothing here puts a cell into a message. numpy and pyarrow are imported for their formats.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Callable

from mlhub_adapter import failure

Columns = dict[str, list[Any]]
"""Cells by column name, all columns of one length, in the file's order."""


def read_columns(path: Path, format_name: str, split: str) -> Columns:
    """Reads a file of any known format."""
    reader = _READERS.get(format_name)
    if reader is None:
        raise failure.dataset(
            "dataset.format",
            f"this adapter reads {', '.join(sorted(_READERS))}, not {format_name}",
        )
    try:
        columns = reader(path, split)
    except OSError as error:
        raise refused(split, path, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise refused(split, path, f"is not UTF-8 at byte {error.start}") from None
    if not columns or not next(iter(columns.values())):
        raise refused(split, path, "has no rows")
    return columns


def refused(split: str, path: Path, message: str) -> failure.Refused:
    """A refused split file."""
    return failure.dataset(f"dataset.splits.{split}", f"split {split} ({path}) {message}")


def _read_csv(path: Path, split: str) -> Columns:
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        if len(set(header)) != len(header):
            raise refused(split, path, "names a column twice")
        cells: list[list[str]] = [[] for _ in header]
        for record in reader:
            if not record:
                continue
            if len(record) != len(header):
                raise refused(
                    split,
                    path,
                    f"is ragged at line {reader.line_num}: {len(record)} cells "
                    f"where the header has {len(header)}",
                )
            for column, cell in zip(cells, record):
                column.append(cell)
    return dict(zip(header, cells))


def _read_jsonl(path: Path, split: str) -> Columns:
    columns: Columns = {}
    with open(path, encoding="utf-8") as file:
        for row, line in enumerate(line for line in file if line.strip()):
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                place = f"row {row}, column {error.colno}"
                raise refused(split, path, f"is not JSON at {place}") from None
            if not isinstance(record, dict):
                raise refused(split, path, f"has no object in row {row}")
            if row == 0:
                columns = {name: [] for name in record}
            if record.keys() != columns.keys():
                raise refused(split, path, f"has other keys in row {row} than in row 0")
            for name, value in record.items():
                columns[name].append(value)
    return columns


def _read_npz(path: Path, split: str) -> Columns:
    try:
        import numpy as np
    except ImportError:
        raise _needs("npz", "numpy") from None
    columns: Columns = {}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                array = arrays[name]
                if array.ndim == 0:
                    raise refused(split, path, f"holds a scalar in array {name!r}")
                if array.ndim == 1:
                    columns[name] = array.tolist()
                    continue
                flat = array.reshape(len(array), -1)
                for index in range(flat.shape[1]):
                    columns[f"{name}_{index}"] = flat[:, index].tolist()
    except ValueError:
        raise refused(split, path, "is no npz file, or holds pickled objects") from None
    if len({len(column) for column in columns.values()}) > 1:
        raise refused(split, path, "holds arrays of different lengths")
    return columns


def _read_parquet(path: Path, split: str) -> Columns:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise _needs("parquet", "pyarrow") from None
    try:
        columns: Columns = parquet.read_table(path).to_pydict()
    except ArrowInvalid:
        raise refused(split, path, "is no parquet file") from None
    return columns


def _needs(format_name: str, library: str) -> failure.Refused:
    return failure.unsupported(
        "dataset.format",
        f"{format_name} needs {library}, which is not in the adapter's environment; "
        f"convert the dataset to csv, or add {library} to requirements.lock",
    )


_READERS: dict[str, Callable[[Path, str], Columns]] = {
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "npz": _read_npz,
    "parquet": _read_parquet,
}
