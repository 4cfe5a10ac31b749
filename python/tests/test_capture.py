"""What is found out about code, machine, environment, seeds; and what is not kept."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Program
from reader import read_run

import mlhub
from mlhub import _capture


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("lr = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_tree(repository: Path) -> None:
    facts, warnings = _capture.code(repository)
    assert facts["branch"] == "main"
    assert len(facts["commit"]) == 40
    assert facts["dirty"] is False
    assert warnings == []


def test_a_dirty_tree_has_its_patch(repository: Path) -> None:
    (repository / "train.py").write_text("lr = 2\n")
    (repository / "new.py").write_text("x = 1\n")
    facts, warnings = _capture.code(repository)
    assert facts["dirty"] is True
    assert "+lr = 2" in facts["patch"]
    assert list(facts["untracked"]) == ["new.py"]
    assert any("untracked" in warning for warning in warnings)


@pytest.mark.parametrize(
    "line",
    [
        "key = 'ghp_0123456789012345678901234567890'\n",
        "password = 'correct horse battery'\n",
        "url = 'https://user:pass@host/x'\n",
        "-----BEGIN RSA PRIVATE KEY-----\n",
    ],
)
def test_a_patch_with_a_secret_is_left_out(repository: Path, line: str) -> None:
    (repository / "train.py").write_text(line)
    facts, warnings = _capture.code(repository)
    assert "patch" not in facts
    assert len(facts["patch_sha256"]) == 64
    assert any("secret" in warning for warning in warnings)


def test_a_large_patch_is_left_out(repository: Path) -> None:
    (repository / "train.py").write_text("x = 1\n" * 300_000)
    facts, warnings = _capture.code(repository)
    assert "patch" not in facts
    assert any("1 MiB" in warning for warning in warnings)


def test_credentials_leave_the_remote(repository: Path) -> None:
    git(repository, "remote", "add", "origin", "https://user:token@host.example/a.git")
    facts, _ = _capture.code(repository)
    assert facts["remote"] == "https://host.example/a.git"


def test_no_repository(tmp_path: Path) -> None:
    facts, warnings = _capture.code(tmp_path)
    assert facts["vcs"] is None
    assert warnings


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["x", "--token", "abc"], ["x", "--token", "[redacted]"]),
        (["x", "--api-key=abc"], ["x", "--api-key=[redacted]"]),
        (["x", "--lr", "0.1"], ["x", "--lr", "0.1"]),
        (["x", "ghp_abcdef"], ["x", "[redacted]"]),
        (["x", "--url=https://a:b@c/"], ["x", "--url=[redacted]"]),
        (["x", "--max-tokens", "5"], ["x", "--max-tokens", "5"]),
    ],
)
def test_commands_are_kept_without_secrets(given: list[str], shown: list[str]) -> None:
    assert _capture.command(given) == shown


def test_variables_are_kept_by_an_allow_list() -> None:
    environment = {
        "CUDA_VISIBLE_DEVICES": "0",
        "NCCL_DEBUG": "INFO",
        "HOME": "/root",
        "AWS_SECRET_ACCESS_KEY": "x",
        "TORCH_TOKEN": "x",
    }
    assert _capture.variables(environment) == {
        "CUDA_VISIBLE_DEVICES": "0",
        "NCCL_DEBUG": "INFO",
        "TORCH_TOKEN": "[redacted]",
    }


def test_packages_and_machine() -> None:
    facts = _capture.python_environment()
    assert any(package.startswith("numpy==") for package in facts["packages"])
    assert facts["fingerprint"] == _capture.python_environment()["fingerprint"]
    machine = _capture.machine()
    assert machine["cores"] >= 1
    assert machine["memory_bytes"] > 0


def test_seeds_tell_equal_states_apart_from_others() -> None:
    def now() -> dict[str, Any]:
        return _capture.seeds()

    mlhub.seed_everything(7)
    first = now()
    mlhub.seed_everything(7)
    assert now() == first
    random.random()
    np.random.random()
    after = now()
    assert after["random"] != first["random"]
    assert after["numpy"] != first["numpy"]
    assert now() == after, "looking changes no generator"


def test_describe_knows_shapes_and_no_values() -> None:
    batch = {
        "image": np.full((4, 3, 8, 8), 0.123456789, dtype="float32"),
        "label": [3, 1, 4, 1],
        "text": "a private sentence",
        "nested": (np.arange(3), None),
    }
    batch["image"][0, 0, 0, 0] = np.nan
    facts = mlhub.describe(batch)
    image = facts["items"]["image"]
    assert (image["shape"], image["dtype"]) == ([4, 3, 8, 8], "float32")
    assert image["non_finite"] == 1
    assert image["mean"] == pytest.approx(0.123457, abs=1e-6)
    assert facts["items"]["label"] == {"type": "list", "length": 4, "items": [{"type": "int"}]}
    assert "private" not in str(facts)
    assert "mean" not in facts["items"]["nested"]["items"][0], "three elements: no statistics"
    loop: list[Any] = []
    loop.append(loop)
    assert mlhub.describe(loop)["items"][0]["deeper"] is True


def test_secrets_are_found_wherever_they_stand(tmp_path: Path) -> None:
    shown = _capture.command(
        [
            "python",
            "-c",
            "login(key='hf_0123456789abcdefghij')",
            "--model",
            "task-classification-model",
        ]
    )
    assert shown == ["python", "-c", "login(key=[redacted]", "--model", "task-classification-model"]
    run = mlhub.init(dir=tmp_path, tags={"api_key": "abc", "note": "sk-0123456789abcdefghij"})
    run.finish()
    assert run.path is not None
    text = (run.path / "sdk.json").read_text()
    assert "abc" not in text
    assert "sk-0123456789abcdefghij" not in text


def test_what_is_inside_of_a_secret_is_one(tmp_path: Path) -> None:
    secrets = {"credentials": {"user": "hunter2a", "more": ["hunter2b", {"deep": ("hunter2c",)}]}}
    config = {**secrets, "servers": [{"password": "hunter2d"}], "token": {"max_length": 512}}
    run = mlhub.init(dir=tmp_path, config=config, tags=secrets)
    run.config.later = {"secrets": ["hunter2e"]}
    run.tag({"api_key": ["hunter2f"], "hosts": [{"passwd": "hunter2g"}]})
    run.tag({"url": "https://u:hunter2h@host/"})
    run.summary["access_token"] = "hunter2i"
    run.summary["hosts"] = [{"password": "hunter2j"}]
    run.finish()
    assert run.path is not None
    for file in run.path.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file
    assert read_run(run.path).file("sdk.json")["config"]["token"] == {"max_length": 512}


def test_tags_of_a_supervised_run_hold_no_secret(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "supervised"
    folder.mkdir()
    (folder / "run.json").write_text('{"version": 1, "run": {"id": "abcd1234", "name": "n"}}')
    code = "import mlhub\nmlhub.init('p', tags={'token': 'hunter2', 'note': 'kept'})\n"
    done = program.run(code, MLHUB_RUN_DIR=str(folder), MLHUB_RUN_ID="abcd1234")
    assert done.returncode == 0, done.stderr
    assert read_run(folder).joined("tags") == {"token": "[redacted]", "note": "kept"}


def test_runs_in_a_row_are_looked_at_once(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    monkeypatch.setattr(_capture, "captured", None)
    folders = [tmp_path / name for name in ("first", "second", "third", "fourth")]
    for folder in folders:
        folder.mkdir()
    first, second, third, fourth = folders
    process = _capture.start(first)
    assert process.wait(60) == 0
    found = (first / "capture.json").read_bytes()
    assert b"commit" in found
    assert _capture.start(second) is None
    assert (second / "capture.json").read_bytes() == found
    # Something that it tells of is different: it is looked at anew.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    process = _capture.start(third)
    assert process.wait(60) == 0
    assert b'"CUDA_VISIBLE_DEVICES": "7"' in (third / "capture.json").read_bytes()
    # It counts for a while only.
    monkeypatch.setattr(_capture, "CAPTURE_COUNTS_SECONDS", -1.0)
    process = _capture.start(fourth)
    assert process is not None
    assert process.wait(60) == 0
