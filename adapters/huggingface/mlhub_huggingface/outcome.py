"""What a model makes of rows: losses, scores, tags and texts, and the metrics of tags.

Sums are of rows or of tokens, so that they do not depend on how rows fall into batches.
Classes and texts are evaluated by the hub, of prediction files.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mlhub_huggingface.examples import IGNORED, batches

if TYPE_CHECKING:
    from mlhub_huggingface.examples import Collator, Examples
    from mlhub_huggingface.problems import Problem

OUTSIDE = "O"
"""The tag of tokens that are of no interest, by custom."""


@contextmanager
def inference(model: Any) -> Iterator[None]:
    """Without dropout and gradients; the mode is as before afterwards."""
    import torch

    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)


def to_device(batch: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """A batch where the model is."""
    device = next(model.parameters()).device
    return {name: value.to(device) for name, value in batch.items()}


def outputs(
    model: Any, problem: Problem, examples: Examples, collator: Collator, size: int
) -> Iterator[tuple[Any, Any, float, int]]:
    """By batch: logits, labels, the sum of losses, and what it is a sum of."""
    import torch

    with inference(model):
        for batch in batches(examples, collator, size):
            given = to_device(batch, model)
            found = model(**given)
            labels, logits = given["labels"], found.logits
            told, asked = logits, labels
            if problem.name == "causal_lm":
                # A token is told by those before it.
                told, asked = logits[:, :-1], labels[:, 1:]
            loss = torch.nn.functional.cross_entropy(
                told.reshape(-1, told.shape[-1]).double(),
                asked.reshape(-1),
                ignore_index=IGNORED,
                reduction="sum",
            )
            yield logits, labels, float(loss), int((asked != IGNORED).sum())


def assess(
    model: Any, problem: Problem, examples: Examples, collator: Collator, params: Any
) -> dict[str, float]:
    """The loss and the accuracy on rows, without generating."""
    total, count, right = 0.0, 0, 0
    for logits, labels, loss, of in outputs(
        model, problem, examples, collator, params["batch_size"]
    ):
        total, count = total + loss, count + of
        right += (
            int(((logits.argmax(-1) == labels) & (labels != IGNORED)).sum())
            if (not problem.generates)
            else 0
        )
    loss = total / count if count else math.nan
    if problem.generates:
        return {"loss": loss, "perplexity": perplexity(loss)}
    if problem.classifies:
        return {"loss": loss, "accuracy": right / count if count else math.nan}
    # Of all words: one that was cut off, or whose tag is new, is wrong.
    words = sum(map(len, examples.references))
    return {"loss": loss, "tag_accuracy": right / words if words else math.nan}


def perplexity(loss: float) -> float:
    """exp(loss per token); infinite where that is too great for a number."""
    return math.exp(loss) if loss < 700 else math.inf


def class_scores(
    model: Any, problem: Problem, examples: Examples, collator: Collator, size: int
) -> Any:
    """Probabilities of classes, float64 ``[rows, classes]``."""
    import torch

    found = [
        logits.double().softmax(-1).cpu()
        for logits, *_ in outputs(model, problem, examples, collator, size)
    ]
    return torch.cat(found)


def tags(
    model: Any,
    problem: Problem,
    examples: Examples,
    collator: Collator,
    size: int,
    labels: Sequence[str],
    tokenizer_rows: Sequence[Sequence[int | None]],
) -> list[list[str | None]]:
    """By row, a tag per word; None for words that were cut off."""
    answers: list[list[str | None]] = []
    row = 0
    for logits, *_ in outputs(model, problem, examples, collator, size):
        for numbers in logits.argmax(-1).tolist():
            answer: list[str | None] = [None] * len(examples.references[row])
            before = None
            for at, word in enumerate(tokenizer_rows[row]):
                if word is not None and word != before:
                    answer[word] = labels[numbers[at]]
                before = word
            answers.append(answer)
            row += 1
    return answers


def tag_f1(answers: Sequence[Sequence[str | None]], references: Sequence[Sequence[str]]) -> float:
    """F1 of the words tagged with anything but ``O``; NaN where there is none.

    A word is one case, entities are not put together. A word that was cut off is wrong.
    """
    rows = zip(answers, references, strict=True)
    pairs = [pair for one, other in rows for pair in zip(one, other, strict=True)]
    said = sum(told not in (OUTSIDE, None) for told, _ in pairs)
    true = sum(truth != OUTSIDE for _, truth in pairs)
    right = sum(told == truth != OUTSIDE for told, truth in pairs)
    return 2 * right / (said + true) if said + true else math.nan


def generate(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    size: int,
    **options: Any,
) -> list[str]:
    """Texts from prompts of tokens: what follows them, or what answers them.

    A prompt's text depends on its batch in the last bits, as sums over padding do; batches
    are of the rows' order, so they are the same each time.
    """
    import torch

    answers: list[str] = []
    for start in range(0, len(prompts), size):
        part = prompts[start : start + size]
        longest = max(map(len, part))
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        decoder_only = not model.config.is_encoder_decoder
        ids, mask = [], []
        for prompt in part:
            fill = longest - len(prompt)
            left, right = (fill, 0) if decoder_only else (0, fill)
            ids.append([pad] * left + list(prompt) + [pad] * right)
            mask.append([0] * left + [1] * len(prompt) + [0] * right)
        given = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
        with inference(model):
            found = model.generate(**to_device(given, model), pad_token_id=pad, **options)
        found = found[:, longest:] if decoder_only else found
        answers += tokenizer.batch_decode(found, skip_special_tokens=True)
    return [answer.strip() for answer in answers]
