"""Names of artifacts: what a reference means, and what keeps a folder one thing.

`model:latest`, `RUN/path` and their kin are turned into a run and a path here. A folder
that was logged has a manifest among its files, which is what its versions are of.
Nothing is written on the hub.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from ._http import Hub, Refused, part
from ._problems import MlhubError

__all__ = ["MANIFEST", "Found", "find", "manifest_of"]

MANIFEST = ".mlhub-artifact.json"
"""The file that stands for a folder: what was in it when it was logged."""
MANIFEST_VERSION = 1
CONTENT = "/api/v1/artifacts/content"
FOLDERS = ("artifacts/", "checkpoints/", "predictions/")
LATEST = "latest"
NAMED_RUNS_MAX = 20
"""Runs of one name that are looked at, the newest first."""
NO_SUCH = (400, 404, 405, 409)
"""Answers that mean there is none: no such run, no usable name, an ambiguous beginning."""


class Version(NamedTuple):
    """The files of a version, which are there also when their run is gone."""

    project: str
    files: list[dict[str, Any]]
    """`path` in the run, `hash` (BLAKE3, hex) and `size_bytes` of each."""


class Found(NamedTuple):
    """What a reference means."""

    run: str
    path: str
    """In that run: of a file, or of a folder."""
    version: Version | None
    """Where a version fixes what it is; None where the run does."""


def manifest_of(folder: Path, kept: str) -> bytes:
    """The manifest of a folder whose files are in place. Raises OSError."""
    from ._native import hash_file

    files = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.name != MANIFEST:
            name = path.relative_to(folder).as_posix()
            size = path.stat().st_size
            files.append({"path": name, "size_bytes": size, "hash": hash_file(str(path))})
    # The same content under the same name is the same bytes, and so one version.
    manifest = {"version": MANIFEST_VERSION, "name": kept, "files": files}
    return json.dumps(manifest, ensure_ascii=False, indent=1).encode("utf-8", "replace")


def find(hub: Hub, reference: str, project: str) -> Found:
    """The artifact a reference means. Raises MlhubError when there is none.

    `NAME:VERSION` is a version (`latest`, `v3`, an alias) of what runs of the project
    logged as NAME. `RUN/PATH` names a run by its id, or by its name in the project (the
    newest of that name); `PROJECT/RUN/PATH` one of another project. A PATH alone is the
    newest in the project.
    """
    if not reference.strip("/"):
        raise MlhubError("an artifact's reference is empty; it takes `RUN/path` or `name:version`")
    name, colon, version = reference.rpartition(":")
    if colon and name and "/" not in version:
        found = find_version(hub, name, version, project)
    else:
        found = find_path(hub, reference, project)
    if found is None:
        raise MlhubError(
            f"there is no artifact `{reference}` (project `{project}`): a reference is "
            "`name:version`, `RUN/path`, `PROJECT/RUN/path`, or a path in the project's runs"
        )
    return found


def find_version(hub: Hub, name: str, version: str, project: str) -> Found | None:
    """A version, in the project or in the one the name begins with."""
    places = [(project, name)]
    first, slash, rest = name.partition("/")
    if slash and not name.startswith(FOLDERS):
        places.append((first, rest))
    for where, what in places:
        for path in paths_of(what):
            for stored in (path, f"{path}/{MANIFEST}"):
                query = {"project": where, "name": stored, "version": version}
                answer = ask(hub, "/api/v1/artifacts/resolve", query)
                if answer is not None:
                    return version_found(hub, answer, path, stored)
        # A hub that numbers no versions still knows the newest.
        newest = in_project(hub, where, what) if version == LATEST else None
        if newest is not None:
            return newest
    return None


def version_found(hub: Hub, answer: dict[str, Any], path: str, stored: str) -> Found:
    facts = answer["artifact"]
    run, project = str(answer["run"]), str(answer["project"])
    if stored == path:
        files = [facts]
    else:
        listed = json.loads(content_of(hub, project, facts))["files"]
        files = [{**file, "path": f"{path}/{file['path']}"} for file in listed]
    return Found(run, path, Version(project, files))


def content_of(hub: Hub, project: str, facts: dict[str, Any]) -> bytes:
    """The content of a small file that a version has."""
    with hub.open("GET", CONTENT, query=version_query(project, facts), accept="*/*") as answer:
        return answer.read()


def version_query(project: str, facts: dict[str, Any]) -> dict[str, Any]:
    """What names a file of a version by its content, whichever run has it."""
    return {"project": project, "name": facts["path"], "version": f"blake3:{facts['hash']}"}


def find_path(hub: Hub, reference: str, project: str) -> Found | None:
    """A path in a run that is named, or in the newest run that has it."""
    first, slash, rest = reference.partition("/")
    if slash:
        run = ask(hub, f"/api/v1/runs/{part(first)}", {})
        found = in_run(hub, str(run["id"]), rest) if run is not None else None
        found = found or in_named_run(hub, project, first, rest)
        second, deeper, last = rest.partition("/")
        if found is None and deeper:
            found = in_named_run(hub, first, second, last)
        if found is not None:
            return found
    return in_project(hub, project, reference)


def in_project(hub: Hub, project: str, name: str) -> Found | None:
    """In the newest run of a project that has it."""
    for path in paths_of(name.rstrip("/")):
        for stored in (path, f"{path}/{MANIFEST}"):
            query = {"project": project, "path": stored, "limit": 1}
            answer = ask(hub, "/api/v1/artifacts", query)
            for facts in (answer or {}).get("artifacts", []):
                return Found(str(facts["run"]), path, None)
    return None


def in_named_run(hub: Hub, project: str, name: str, path: str) -> Found | None:
    """In the newest run of a name that has the path."""
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    query = {"project": project, "query": f"name = '{quoted}'", "limit": NAMED_RUNS_MAX}
    answer = ask(hub, "/api/v1/runs", query)
    for facts in (answer or {}).get("runs", []):
        found = in_run(hub, str(facts["id"]), path)
        if found is not None:
            return found
    return None


def in_run(hub: Hub, run: str, path: str) -> Found | None:
    """In a run: a file, or a folder."""
    stored = ask(hub, f"/api/v1/runs/{part(run)}/artifacts", {}) or {}
    names = {str(facts["path"]) for facts in stored.get("artifacts", [])}
    for wanted in paths_of(path.rstrip("/")):
        if wanted in names or any(name.startswith(f"{wanted}/") for name in names):
            return Found(run, wanted, None)
    return None


def paths_of(name: str) -> list[str]:
    """Where in a run what is called so may lie."""
    inside = f"artifacts/{name}"
    return [name, inside] if name.startswith(FOLDERS) else [inside, name]


def ask(hub: Hub, path: str, query: dict[str, Any]) -> dict[str, Any] | None:
    """The answer; None when there is no such thing."""
    try:
        answer: dict[str, Any] = hub.json("GET", path, query=query)
    except Refused as refusal:
        if refusal.status in NO_SUCH:
            return None
        raise
    return answer
