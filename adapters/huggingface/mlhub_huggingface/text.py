"""Reads texts, token sequences and pairs from a split's columns and makes tokens of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

from mlhub_huggingface.examples import IGNORED, Examples, class_labels, set_aside
from mlhub_huggingface.problems import refuse_missing

if TYPE_CHECKING:
    from mlhub_adapter import Run

    from mlhub_huggingface.problems import Problem

Columns = dict[str, list[Any]]


class TextData:
    """The splits of a dataset of texts."""

    def __init__(self, run: Run, problem: Problem) -> None:
        self.run, self.problem = run, problem
        self.target = run.dataset.target
        names = dict.fromkeys(["train", "validation", *run.predict_splits])
        there = [name for name in names if name in run.dataset.splits or name != "validation"]
        self.columns: dict[str, Columns] = {name: run.columns(name) for name in there}
        self.ids = {name: run.ids(columns) for name, columns in self.columns.items()}
        self.text, self.pair = self._text_column(), run.params["text_pair"]
        self._check_columns()
        self.references = {name: self._references(name) for name in self.columns}
        kept = range(len(self.ids["train"]))
        if "validation" not in self.columns:
            kept, aside = set_aside(run, len(kept))  # type: ignore[assignment]
            if aside:
                self._take("validation", aside)
        self.in_training = list(kept)
        self.labels = self._labels()

    def _take(self, name: str, rows: list[int]) -> None:
        train = self.columns["train"]
        self.columns[name] = {key: [cells[at] for at in rows] for key, cells in train.items()}
        self.ids[name] = [self.ids["train"][at] for at in rows]
        self.references[name] = [self.references["train"][at] for at in rows]

    def _text_column(self) -> str:
        named: str | None = self.run.params["text"]
        if named is not None:
            return named
        taken = {self.target, self.run.dataset.id, self.run.params["text_pair"]}
        free = [name for name in self.columns["train"] if name not in taken]
        if len(free) != 1:
            raise failure.config(
                "params.text", f"name the column of texts; these may be: {', '.join(free)}"
            )
        return free[0]

    def _check_columns(self) -> None:
        if self.pair is not None and self.problem.name != "text_classification":
            raise failure.config("params.text_pair", "only text_classification takes pairs")
        for split, columns in self.columns.items():
            refuse_missing(columns, self.text, "params.text", split)
            if self.pair is not None:
                refuse_missing(columns, self.pair, "params.text_pair", split)
            if self.target:
                refuse_missing(columns, self.target, "dataset.target", split)

    def _references(self, split: str) -> list[Any]:
        if not self.target:
            return []
        cells = self.columns[split][self.target]
        if self.problem.name != "token_classification":
            return [_text(cell) for cell in cells]
        tags = [_items(cell) for cell in cells]
        words = [_items(cell) for cell in self.columns[split][self.text]]
        for row, (one, other) in enumerate(zip(words, tags, strict=True)):
            if len(one) != len(other):
                raise failure.dataset(
                    f"dataset.splits.{split}",
                    f"row {row} of split {split} has {len(one)} tokens and {len(other)} tags",
                )
        return tags

    def _labels(self) -> list[str]:
        references = [self.references["train"][at] for at in self.in_training if self.target]
        if self.problem.classifies:
            return class_labels(self.run, references, "dataset.target")
        if self.problem.name == "token_classification":
            return class_labels(
                self.run, [tag for row in references for tag in row], "dataset.target"
            )
        return []

    def training_texts(self) -> Iterator[str]:
        """What a tokenizer is trained on."""
        columns = self.columns["train"]
        names = [self.text, self.pair, self.target if self.problem.generates else None]
        for at in self.in_training:
            for name in filter(None, names):
                cell = columns[name][at]
                if self.problem.name == "token_classification":
                    yield " ".join(_items(cell))
                else:
                    yield _text(cell)

    @property
    def splits(self) -> list[str]:
        """The splits that there are."""
        return list(self.columns)

    def encode(self, split: str, tokenizer: Any, *, training: bool = False) -> Examples:
        """A split's rows as tokens; of ``train``, for training, those not set aside."""
        rows = self.in_training if training else list(range(len(self.ids[split])))
        columns, references = self.columns[split], self.references[split]
        encoder = Encoder(self.run.params, self.problem, tokenizer, self.labels)
        found = Examples([], [self.ids[split][at] for at in rows], [])
        features: list[dict[str, Any]] = []
        for at in rows:
            pair = None if self.pair is None else _text(columns[self.pair][at])
            reference = references[at] if references else None
            cell = columns[self.text][at]
            features.append(encoder.row(cell, pair, reference, found))
        found.features = features
        return found


class Encoder:
    """Makes tokens of one row."""

    def __init__(self, params: Any, problem: Problem, tokenizer: Any, labels: list[str]) -> None:
        self.params, self.problem, self.tokenizer = params, problem, tokenizer
        self.number = {label: at for at, label in enumerate(labels)}
        if problem.name == "token_classification" and not tokenizer.is_fast:
            raise failure.unsupported(
                "params.model", "token_classification needs a model with a fast tokenizer"
            )

    def row(self, cell: Any, pair: str | None, reference: Any, found: Examples) -> dict[str, Any]:
        """The features of a row; notes its reference, its prompt, and whether it was cut."""
        if self.problem.name == "token_classification":
            return self._tagged(_items(cell), reference, found)
        if self.problem.name == "causal_lm":
            return self._continued(_text(cell), reference, found)
        longest = self.params["max_length"]
        texts = [_text(cell)] if pair is None else [_text(cell), pair]
        row = self._tokens(*texts)
        if len(row["input_ids"]) > longest:
            found.truncated += 1
            row = self._tokens(*texts, truncation=True, max_length=longest)
        found.references.append(reference)
        if self.problem.name == "seq2seq":
            found.prompts.append(row["input_ids"])
            bound = self.params["max_target_length"]
            target = self.tokenizer(text_target=reference, truncation=True, max_length=bound)
            return {**row, "labels": list(target["input_ids"])}
        return {**row, "labels": self.number.get(reference, IGNORED)}

    def _tokens(self, *texts: str, **how: Any) -> dict[str, Any]:
        return dict(self.tokenizer(*texts, verbose=False, **how))

    def _tagged(self, words: list[str], tags: list[str], found: Examples) -> dict[str, Any]:
        found.references.append(tags)
        encoded = self.tokenizer(
            words, is_split_into_words=True, truncation=True, max_length=self.params["max_length"]
        )
        labels, before = [], None
        owners = encoded.word_ids()
        for word in owners:
            # A word's tag belongs to its first token.
            first = word is not None and word != before
            labels.append(self.number.get(tags[word], IGNORED) if first else IGNORED)
            before = word
        seen = {word for word in owners if word is not None}
        found.truncated += bool(words) and (len(words) - 1 not in seen)
        return {**dict(encoded), "labels": labels, "words": owners}

    def _continued(self, text: str, target: str | None, found: Examples) -> dict[str, Any]:
        longest, end = self.params["max_length"], self.tokenizer.eos_token_id
        tokens = self._tokens(text)["input_ids"] or [first_token(self.tokenizer)]
        if target is None:
            row = [*tokens, end]
            kept = min(self.params["prompt_tokens"], len(tokens))
            rest = tokens[kept : kept + self.params["max_new_tokens"]]
            found.references.append(self.tokenizer.decode(rest, skip_special_tokens=True))
            asked_from, labels = tokens[: min(kept, longest)], list(row)
        else:
            bound = self.params["max_target_length"]
            asked = self._tokens(target, add_special_tokens=False)["input_ids"][: bound - 1]
            # The target stays whole: of a long text it is the beginning that goes.
            prompt = tokens[-max(longest - len(asked) - 1, 1) :]
            # What is generated from does not know how long the target is.
            asked_from = tokens[-longest:]
            found.truncated += len(prompt) < len(tokens)
            row = [*prompt, *asked, end]
            labels = [IGNORED] * len(prompt) + row[len(prompt) :]
            found.references.append(target)
        found.prompts.append(asked_from)
        found.truncated += target is None and len(row) > longest
        return {
            "input_ids": row[:longest],
            "attention_mask": [1] * len(row[:longest]),
            "labels": labels[:longest],
        }


def first_token(tokenizer: Any) -> int:
    """What a text begins with that has no token to go on from."""
    first = tokenizer.bos_token_id
    return int(tokenizer.eos_token_id if first is None else first)


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _items(cell: Any) -> list[str]:
    """Tokens or tags: a list, a JSON list, or words separated by blanks."""
    if isinstance(cell, (list, tuple)):
        return [str(item) for item in cell]
    text = _text(cell).strip()
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if isinstance(found, list):
            return [str(item) for item in found]
    return text.split()
