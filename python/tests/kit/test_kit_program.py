"""Arguments of an adapter's program."""

from __future__ import annotations

import sys

import pytest

from mlhub_adapter.adapter import take_project


def test_the_project_folder_comes_first_on_the_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["before"])
    arguments = ["--project", "/some/where", "train", "run"]
    assert take_project(arguments) == "/some/where"
    assert arguments == ["train", "run"]
    assert sys.path == ["/some/where", "before"]
    assert take_project(arguments) is None
    assert sys.path == ["/some/where", "before"]


def test_a_project_without_a_folder_is_told_as_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        take_project(["train", "--project"])
    assert ended.value.code == 64
    assert "--project FOLDER" in capsys.readouterr().err
