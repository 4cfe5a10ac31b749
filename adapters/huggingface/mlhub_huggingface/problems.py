"""What each problem is called, which model class solves it, and what it needs of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure
from mlhub_adapter.images import FORMAT as IMAGE_FOLDER

if TYPE_CHECKING:
    from mlhub_adapter import Run

TABLES = ("csv", "jsonl", "parquet")
CLASS_TASKS = ("binary", "multiclass")
TEXT_TASK = "text"


@dataclass(frozen=True)
class Problem:
    """One kind of learning."""

    name: str
    auto_class: str
    """The class of transformers that makes a model of it."""
    peft_task: str | None
    """What peft calls it."""
    classifies: bool
    """Whether a row has one of a few classes."""
    generates: bool
    """Whether texts come out."""
    needs_target: bool

    @property
    def images(self) -> bool:
        """Whether images go in."""
        return self.name == "image_classification"


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem(
            "text_classification",
            "AutoModelForSequenceClassification",
            "SEQ_CLS",
            True,
            False,
            True,
        ),
        Problem(
            "token_classification",
            "AutoModelForTokenClassification",
            "TOKEN_CLS",
            False,
            False,
            True,
        ),
        Problem("causal_lm", "AutoModelForCausalLM", "CAUSAL_LM", False, True, False),
        Problem("seq2seq", "AutoModelForSeq2SeqLM", "SEQ_2_SEQ_LM", False, True, True),
        Problem(
            "image_classification", "AutoModelForImageClassification", None, True, False, False
        ),
    )
}


def chosen(run: Run) -> Problem:
    """The problem of a run; refuses a dataset or a task that does not go with it."""
    problem = PROBLEMS[run.params["problem"]]
    dataset = run.dataset
    if problem.images != (dataset.format == IMAGE_FOLDER):
        wanted = IMAGE_FOLDER if problem.images else ", ".join(TABLES)
        raise failure.dataset(
            "dataset.format", f"{problem.name} reads {wanted}, not {dataset.format}"
        )
    if problem.needs_target and not dataset.target:
        raise failure.config("dataset.target", f"{problem.name} needs a target column")
    _check_task(run, problem)
    return problem


def _check_task(run: Run, problem: Problem) -> None:
    """Refuses a task that cannot evaluate what the problem gives."""
    tasks = CLASS_TASKS if problem.classifies else (TEXT_TASK,) if problem.generates else ()
    if run.task is None or run.task in tasks:
        if run.task == TEXT_TASK and not run.dataset.target:
            raise failure.config(
                "dataset.target", f"the task {TEXT_TASK} needs a column of texts to compare with"
            )
        return
    advice = f"say {' or '.join(tasks)}" if tasks else "leave the task out"
    raise failure.config(
        "params.problem",
        f"{problem.name} has no predictions that the task {run.task} evaluates; {advice}",
    )


def refuse_missing(columns: Any, name: str, field: str, split: str) -> None:
    """Refuses a column that a split does not have."""
    if name not in columns:
        code = failure.CONFIG if field.startswith("params.") else failure.DATASET
        raise failure.Refused(
            code, field, f"split {split} has no column {name!r}; {failure.nearest(name, columns)}"
        )
