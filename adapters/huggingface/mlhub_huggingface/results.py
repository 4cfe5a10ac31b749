"""What a run leaves: prediction files, tags and texts, and the model's files.

Predictions are evaluated by the hub; of what it has no task for, the metrics are told here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter.files import write_whole

from mlhub_huggingface import outcome

if TYPE_CHECKING:
    from mlhub_adapter import Run

    from mlhub_huggingface.examples import Collator, Examples
    from mlhub_huggingface.problems import Problem

FOLDER = "model"
"""Of the model's files, below ``artifacts``; transformers opens it by itself."""


class Results:
    """Writes what a trained model makes of the splits."""

    def __init__(
        self, run: Run, problem: Problem, model: Any, collator: Collator, labels: list[str]
    ) -> None:
        self.run, self.problem, self.model = run, problem, model
        self.collator, self.labels = collator, labels
        self.size = run.params["batch_size"]
        self.kept: list[dict[str, Any]] = []

    def split(self, name: str, rows: Examples, step: int) -> None:
        """Predictions of a split, and the metrics that the hub has no task for."""
        if self.problem.classifies:
            scores = outcome.class_scores(self.model, self.problem, rows, self.collator, self.size)
            self.run.predictions(
                name, ids=rows.ids, y_true=rows.references, y_score=scores, labels=self.labels
            )
            return
        said = outcome.assess(self.model, self.problem, rows, self.collator, self.run.params)
        if self.problem.generates:
            self._generate(name, rows)
        else:
            said["tag_f1"] = self._tagged(name, rows)
        self.run.log({f"{name}/{key}": value for key, value in said.items()}, step=step)

    def _tagged(self, name: str, rows: Examples) -> float:
        owners = [feature["words"] for feature in rows.features]
        answers = outcome.tags(
            self.model, self.problem, rows, self.collator, self.size, self.labels, owners
        )
        self._keep(name, rows, answers)
        return outcome.tag_f1(answers, rows.references)

    def _generate(self, name: str, rows: Examples) -> None:
        """Texts of all rows where the hub is to evaluate them, else of the first rows."""
        evaluated = self.run.task is not None
        count = len(rows) if evaluated else min(self.run.params["generate_rows"], len(rows))
        bound = self.run.params["max_new_tokens"]
        answers = outcome.generate(
            self.model,
            self.collator.tokenizer,
            rows.prompts[:count],
            self.size,
            max_new_tokens=bound,
            do_sample=False,
            num_beams=1,
        )
        if evaluated:
            self.run.predictions(name, ids=rows.ids, y_true=rows.references, y_pred=answers)
        else:
            self._keep(name, rows, answers)

    def _keep(self, split: str, rows: Examples, answers: Any) -> None:
        self.kept += [
            {"split": split, "id": at, "prediction": told, "references": [truth]}
            for at, told, truth in zip(rows.ids, answers, rows.references, strict=False)
        ]

    def finish(self) -> None:
        """Writes the table of texts or tags, if there is one."""
        if not self.kept:
            return
        name = "generations.jsonl" if self.problem.generates else "tags.jsonl"
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in self.kept]
        self.run.artifact(name, "".join(lines), kind="table")


def leave_model(
    run: Run, problem: Problem, model: Any, processor: Any, labels: list[str], pair: list[str]
) -> None:
    """Writes the model with its tokenizer or image processor, and describes it."""

    def save(folder: Path) -> None:
        model.save_pretrained(folder, safe_serialization=True)
        processor.save_pretrained(folder)

    leave_folder(run, FOLDER, save, kind="model")
    run.model(input=_input(problem, processor, pair), output=_output(problem, labels))


def leave_folder(run: Run, name: str, save: Callable[[Path], object], *, kind: str) -> None:
    """Writes a folder below ``artifacts`` and tells of each of its files."""
    folder = run.dir / "artifacts" / name
    write_whole(folder, save)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            run.artifact(f"{name}/{path.relative_to(folder).as_posix()}", kind=kind)


def _input(problem: Problem, processor: Any, pair: list[str]) -> dict[str, Any]:
    if problem.images:
        size = processor.size
        edge = size.get("shortest_edge", 0)
        height, width = size.get("height", edge), size.get("width", edge)
        return {"kind": "image", "channels": 3, "height": height, "width": width}
    if pair:
        return {"kind": "table", "columns": [{"name": name, "type": "text"} for name in pair]}
    return {"kind": "text"}


def _output(problem: Problem, labels: list[str]) -> dict[str, Any]:
    if problem.generates:
        return {"kind": "text"}
    return {"kind": "classes" if problem.classifies else "tokens", "labels": labels}
