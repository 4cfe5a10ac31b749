"""Queries are read, put together and set aside whole; what is none is named without a cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlhub_adapter import Refused, Run, ranking, run_file
from mlhub_adapter.events import EventWriter
from mlhub_adapter.ranking import RankingData
from mlhub_adapter.testing import RunDirectory

# Every fifth row, the first among them, is of the test split.
CSV = "query,size,label\n" + "".join(
    f"{'test' if at % 5 == 0 else 'abc'[at % 3]},{at},{at % 4}\n" for at in range(30)
)


def load(folder: Path, *, text: str = CSV, fraction: float = 0.0) -> tuple[Run, RankingData]:
    directory = RunDirectory(folder, [], params={}, text=text, target="label", task="ranking")
    (directory.dir / "run.json").write_text(json.dumps(directory.file), encoding="utf-8")
    file = run_file.read(directory.dir)
    run = Run(directory.dir, file, params={}, events=EventWriter(directory.dir))
    options: dict[str, Any] = {"exclude": [], "categorical": None}
    return run, ranking.load(run, group="query", validation_fraction=fraction, **options)


def test_rows_to_learn_from_stand_query_by_query(tmp_path: Path) -> None:
    _, data = load(tmp_path)
    assert (data.task, data.train.names) == ("ranking", ["size"])
    expected = [at for at in range(30) if at % 5]
    expected.sort(key=lambda at: "bca".index("abc"[at % 3]))  # Row 1, the first one, is of b.
    assert list(data.train.columns[0]) == expected
    assert data.numbers("train") == [at % 4 for at in expected]
    assert data.queries["train"] == ["abc"[at % 3] for at in expected]
    assert (data.sizes("train"), sum(data.sizes("train"))) == ([8, 8, 8], 24)
    assert data.query_numbers("train") == [0] * 8 + [1] * 8 + [2] * 8
    assert list(data.predict["test"].columns[0]) == list(range(0, 30, 5))
    assert data.asked == {"test": ["test"] * 6}


def test_queries_are_set_aside_whole_and_by_the_seed(tmp_path: Path) -> None:
    _, data = load(tmp_path / "one", fraction=0.3)
    _, again = load(tmp_path / "two", fraction=0.3)
    assert data.queries == again.queries
    assert (data.sizes("train"), data.sizes("validation")) == ([8, 8], [8])
    assert not set(data.queries["train"]) & set(data.queries["validation"])
    with pytest.raises(Refused, match="no queries on one side of 3"):
        load(tmp_path / "none", fraction=0.1)


def test_scores_are_written_with_queries_and_relevances(tmp_path: Path) -> None:
    run, data = load(tmp_path)
    scores = [0.1 + 0.2, 1, 2, 3, 4, 5]
    ranking.write(run, "test", data.predict["test"], data.asked["test"], scores)
    lines = (run.dir / "predictions" / "test.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["id,group,y_true,y_score", "0,test,0,0.30000000000000004", "1,test,1,1.0"]
    with pytest.raises(ValueError, match="not finite"):
        ranking.write(run, "test", data.predict["test"], data.asked["test"], [float("nan")] * 6)


@pytest.mark.parametrize(
    ("text", "field", "part"),
    [
        (CSV.replace("b,1,1", "b,1,-1"), "dataset.target", "row 0 a relevance"),
        (CSV.replace("b,1,1", "b,1,31"), "dataset.target", "from 0 to 30"),
        (CSV.replace("b,1,1", ",1,1"), "dataset.splits.train", "in row 0 no query"),
        (CSV.replace("test,0,0", "c,0,0"), "dataset.splits.test", "shares 1 queries"),
        (CSV.replace("query,", "qery,"), "dataset.splits.train", "did you mean qery?"),
    ],
)
def test_what_is_no_query_or_relevance_is_refused(
    tmp_path: Path, text: str, field: str, part: str
) -> None:
    with pytest.raises(Refused) as refused:
        load(tmp_path, text=text)
    assert (refused.value.code, refused.value.field) == (65, field)
    assert part in refused.value.message
