"""Writes files whole: complete and on disk first, then named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def whole(path: Path, mode: str = "wb") -> Iterator[IO[str] | IO[bytes]]:
    """Opens a temporary file that takes ``path``'s name when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    with open(temporary, mode, **text) as file:  # type: ignore[call-overload]
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
