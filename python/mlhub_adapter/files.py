"""Writes files and folders whole: complete and on disk first, then named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Callable, TextIO, Union

Content = Union[bytes, str, Path, Callable[[Path], object]]
"""What a file shall hold: bytes, text (UTF-8), a file or folder to copy, or a function
that writes to the path it is given."""


@contextmanager
def whole_text(path: Path) -> Iterator[TextIO]:
    """Opens a temporary text file that takes ``path``'s name when all went well."""
    temporary = _beside(path)
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        yield file
        _sync(file)
    os.replace(temporary, path)


@contextmanager
def whole_bytes(path: Path) -> Iterator[BinaryIO]:
    """As :func:`whole_text`, for bytes."""
    temporary = _beside(path)
    with open(temporary, "wb") as file:
        yield file
        _sync(file)
    os.replace(temporary, path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that takes ``path``'s name when all went well."""
    temporary = _beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    yield temporary
    for file in sorted(temporary.rglob("*")):
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
    shutil.rmtree(path, ignore_errors=True)
    os.replace(temporary, path)


def write(path: Path, content: Content) -> None:
    """Writes ``content`` to a name that is not shown to anybody yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif isinstance(content, Path):
        (shutil.copytree if content.is_dir() else shutil.copyfile)(content, path)
    else:
        content(path)
        if not path.exists():
            raise FileNotFoundError(f"the function given for {path.name} did not write it")


def write_whole(path: Path, content: Content) -> None:
    """Writes ``content`` so that ``path`` is whole as soon as it is there."""
    temporary = _beside(path)
    if temporary.is_dir():
        shutil.rmtree(temporary)
    write(temporary, content)
    if temporary.is_file():
        with open(temporary, "rb") as opened:
            os.fsync(opened.fileno())
    os.replace(temporary, path)


def _beside(path: Path) -> Path:
    """A hidden name in the same folder with the same ending, which some writers look at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".tmp-{path.name}")


def _sync(file: BinaryIO | TextIO) -> None:
    file.flush()
    os.fsync(file.fileno())
