"""Builds the wheel: maturin for the module, cargo for the `mlhub` command in it.

A PEP 517 backend around maturin's. It adds one thing: the command is built first and
put where maturin takes scripts from. It makes no source distribution, since the
package is built from the repository it lies in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import maturin

PYTHON = Path(__file__).resolve().parent.parent
REPOSITORY = PYTHON.parent
SCRIPTS = PYTHON / "mlhub.data" / "scripts"
PROFILE_VARIABLE = "MLHUB_WHEEL_PROFILE"

# Without build isolation nobody has put maturin's command into the path.
os.environ["PATH"] = os.pathsep.join(
    [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)]
)

Settings = Optional[dict[str, Any]]


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    return []


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    return []


def prepare_metadata_for_build_wheel(directory: str, config_settings: Settings = None) -> str:
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    return str(maturin.prepare_metadata_for_build_wheel(directory, with_profile(config_settings)))


def prepare_metadata_for_build_editable(directory: str, config_settings: Settings = None) -> str:
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    return str(
        maturin.prepare_metadata_for_build_editable(directory, with_profile(config_settings))
    )


def build_wheel(
    directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    with command_in_scripts():
        return str(
            maturin.build_wheel(directory, with_profile(config_settings), metadata_directory)
        )


def build_editable(
    directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    with command_in_scripts():
        return str(
            maturin.build_editable(directory, with_profile(config_settings), metadata_directory)
        )


def profile() -> str:
    return os.environ.get(PROFILE_VARIABLE) or "release"


def with_profile(config_settings: Settings) -> dict[str, Any]:
    settings = dict(config_settings or {})
    settings.setdefault("build-args", f"--profile {profile()} --locked")
    return settings


@contextmanager
def command_in_scripts() -> Iterator[None]:
    """The `mlhub` command lies in the scripts folder as long as maturin works."""
    command = build_command()
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    target = SCRIPTS / "mlhub"
    try:
        shutil.copy2(command, target)
        yield
    finally:
        shutil.rmtree(SCRIPTS.parent, ignore_errors=True)


def build_command() -> Path:
    """Builds the `mlhub` command; returns where cargo put it."""
    if shutil.which("cargo") is None:
        sys.exit(
            "Building mlhub needs Rust, and there is no cargo: install it from https://rustup.rs"
        )
    environment = dict(os.environ)
    if shutil.which("npm") is None and "MLHUB_UI" not in environment:
        print("there is no npm: the mlhub command is built without its web page", file=sys.stderr)
        environment["MLHUB_UI"] = "skip"
    arguments = ["cargo", "build", "--locked", "--package", "mlhub", "--bin", "mlhub"]
    subprocess.run(
        [*arguments, "--profile", profile()], cwd=REPOSITORY, env=environment, check=True
    )
    folder = Path(environment.get("CARGO_TARGET_DIR") or "target")
    kind = {"dev": "debug", "test": "debug", "bench": "release"}.get(profile(), profile())
    return REPOSITORY / folder / kind / "mlhub"
