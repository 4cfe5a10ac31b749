"""Copies files into the run directory: whole or not at all, under safe names.

Follows no symbolic link out of a folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from ._problems import WrongValue

__all__ = ["copy_file", "copy_folder", "relative_inside", "safe_path", "write_whole"]

NAME_MAX_BYTES = 200
"""Bytes of one part of a name, below what every file system takes."""


def safe_path(name: str) -> str:
    """A relative path that leaves no folder and is fine on every system."""
    parts = []
    for part in name.replace("\\", "/").split("/"):
        clean = "".join("_" if mark < " " or mark in '<>:"|?*\x7f' else mark for mark in part)
        clean = clean.strip(" ").rstrip(".")
        if clean:
            parts.append(clip_name(clean))
    if not parts:
        raise WrongValue(f"`{name}` is no usable name")
    return "/".join(parts)


def clip_name(part: str) -> str:
    """A file name of bounded length; a cut one keeps apart by a hash of the whole."""
    raw = part.encode("utf-8", "replace")
    if len(raw) <= NAME_MAX_BYTES:
        return part
    import hashlib

    return f"{raw[:180].decode('utf-8', 'ignore')}-{hashlib.sha256(raw).hexdigest()[:12]}"


def relative_inside(path: Path, folder: Path) -> str | None:
    """The path relative to the folder, when it is inside."""
    try:
        return path.resolve().relative_to(folder.resolve()).as_posix()
    except (OSError, ValueError):
        return None


def write_whole(path: Path, content: bytes) -> None:
    making = path.with_name(f".{path.name}.tmp")
    try:
        making.write_bytes(content)
        os.replace(making, path)
    except OSError:
        making.unlink(missing_ok=True)
        raise


def copy_file(source: Path, place: Path, *, link: bool = False) -> None:
    """Copy a file whole, or link it."""
    import shutil

    making = place.with_name(f".{place.name[:100]}.{os.getpid()}.tmp")
    try:
        if link:
            os.link(source, making)
        else:
            shutil.copyfile(source, making)
        os.replace(making, place)
    except OSError:
        making.unlink(missing_ok=True)
        raise
    if link:
        making.unlink(missing_ok=True)


def copy_folder(source: Path, place: Path, making: Path, *, link: bool = False) -> None:
    """Copy the plain files of a folder, in place of what was there before.

    Links to elsewhere are not followed. `making` is a folder on the same disk that is made
    for it and gone afterwards. Raises OSError; then the place is as it was.
    """
    import shutil

    fresh, old = making / "new", making / "old"
    try:
        fresh.mkdir(parents=True)
        for folder, inner, names in os.walk(source):
            # The run directory may be inside of what is kept.
            inner[:] = [name for name in inner if Path(folder) / name != making]
            target = fresh / Path(folder).relative_to(source)
            target.mkdir(exist_ok=True)
            for name in names:
                file = Path(folder) / name
                if file.is_file() and not file.is_symlink():
                    copy_file(file, target / name, link=link)
        swap(fresh, place, old)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def swap(fresh: Path, place: Path, old: Path) -> None:
    """Put `fresh` in the place of what is there, which becomes `old`. Raises OSError."""
    try:
        os.rename(place, old)
    except FileNotFoundError:
        pass
    try:
        os.rename(fresh, place)
    except OSError:
        if old.exists():
            os.rename(old, place)
        raise
