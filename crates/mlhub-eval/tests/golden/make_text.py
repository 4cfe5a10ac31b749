"""Writes the stored golden cases `text.json`.

Run, from the repository root, with the versions below and no others:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install sacrebleu==2.5.1 rouge-score==0.1.2 jiwer==4.0.0 scikit-learn==1.9.1
    /tmp/golden/bin/python crates/mlhub-eval/tests/golden/make_text.py

The output is the same on every run; `git diff` after it must be empty. Texts are
sentences of the descriptions of data sets that ship inside scikit-learn (BSD licence),
changed by seeded edits, and edge cases. Expected values come from sacreBLEU, rouge-score
and jiwer; exact match and token F1 from the functions of SQuAD's evaluation script
(version 2.0), repeated below as they are there.
"""

import collections
import importlib.metadata
import json
import math
import pathlib
import random
import re
import string

import jiwer
import sacrebleu
from rouge_score import rouge_scorer
from sklearn import datasets

VERSIONS = {"sacrebleu": "2.5.1", "rouge-score": "0.1.2", "jiwer": "4.0.0", "scikit-learn": "1.9.1"}


def normalize_answer(s):
    def remove_articles(text):
        regex = re.compile(r"\b(a|an|the)\b", re.UNICODE)
        return re.sub(regex, " ", text)

    def white_space_fix(text):
        return " ".join(text.split())

    def remove_punc(text):
        exclude = set(string.punctuation)
        return "".join(ch for ch in text if ch not in exclude)

    def lower(text):
        return text.lower()

    return white_space_fix(remove_articles(remove_punc(lower(s))))


def get_tokens(s):
    if not s:
        return []
    return normalize_answer(s).split()


def compute_exact(a_gold, a_pred):
    return int(normalize_answer(a_gold) == normalize_answer(a_pred))


def compute_f1(a_gold, a_pred):
    gold_toks = get_tokens(a_gold)
    pred_toks = get_tokens(a_pred)
    common = collections.Counter(gold_toks) & collections.Counter(pred_toks)
    num_same = sum(common.values())
    if len(gold_toks) == 0 or len(pred_toks) == 0:
        # If either is no-answer, then F1 is 1 if they agree, 0 otherwise
        return int(gold_toks == pred_toks)
    if num_same == 0:
        return 0
    precision = 1.0 * num_same / len(pred_toks)
    recall = 1.0 * num_same / len(gold_toks)
    f1 = (2 * precision * recall) / (precision + recall)
    return f1


def mean(values):
    values = list(values)
    return math.fsum(values) / len(values)


def expected(y_true, y_pred):
    pairs = list(zip(y_true, y_pred, strict=True))
    rouge = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    has_words = any(text.split() for text in y_true)
    return {
        "exact_match": mean(compute_exact(*pair) for pair in pairs),
        "token_f1": mean(compute_f1(*pair) for pair in pairs),
        "rouge_l": mean(rouge.score(*pair)["rougeL"].fmeasure for pair in pairs),
        "bleu": sacrebleu.corpus_bleu(y_pred, [y_true]).score,
        "chrf": sacrebleu.corpus_chrf(y_pred, [y_true]).score,
        "wer": jiwer.wer(y_true, y_pred) if has_words else "NaN",
        "cer": jiwer.cer(y_true, y_pred) if has_words else "NaN",
    }


def sentences():
    text = " ".join(
        load().DESCR
        for load in (
            datasets.load_iris,
            datasets.load_wine,
            datasets.load_breast_cancer,
            datasets.load_diabetes,
        )
    )
    found = re.split(r"(?<=[.:]) ", " ".join(text.split()))
    return [one for one in found if 20 <= len(one) <= 400]


def edited(text, chance, random_words, draw):
    """The text with words dropped, doubled, exchanged, cut or in capitals."""
    out = []
    for word in text.split():
        if draw.random() >= chance:
            out.append(word)
            continue
        change = draw.randrange(5)
        if change == 1:
            out += [word, word]
        elif change == 2:
            out.append(draw.choice(random_words))
        elif change == 3:
            out.append(word[: len(word) // 2] or word)
        elif change == 4:
            out.append(word.upper())
    return " ".join(out) or "nothing"


def cases():
    truth = sentences()
    words = sorted({word for text in truth for word in text.split()})
    draw = random.Random(17)
    versions = [
        (name, [edited(text, chance, words, draw) for text in truth])
        for name, chance in (("few edits", 0.05), ("many edits", 0.4), ("mostly other words", 0.95))
    ]
    long_true = " ".join(truth[:12])
    single = [
        ("equal", "The answer is 42.", "The answer is 42."),
        ("case, articles and punctuation", "the Eiffel Tower", "An 'eiffel' tower."),
        ("nothing in common", "yes", "no"),
        ("empty prediction", "something was said", ""),
        ("short", "Paris", "Paris, France"),
        ("repeated words", "the the the cat", "the cat the cat the cat"),
        (
            "numbers and marks",
            "It cost 1,234.56 (or so), i.e. 10-20% more; a/b & c.",
            "It cost 1234.56 or so, ie 10 - 20 % more: a / b &amp; c .",
        ),
        (
            "accents and other alphabets",
            "Der Fluß fließt über Zürich, Ελλάδα ΣΑΣ 東京",
            "Der Fluss fließt ueber Zurich, Ελλαδα σας 東京都",
        ),
        ("emoji and combined characters", "cafe\u0301 \U0001f600 ok", "café \U0001f601 ok"),
        ("underscores and dashes", "state_of-the art \u2014 a\u2014b", "state of the-art - a b"),
        ("more than 64 words", long_true, edited(long_true, 0.2, words, draw)),
    ]
    listed = [(name, truth, found) for name, found in versions]
    listed += [(name, [one], [other]) for name, one, other in single]
    listed.append(
        ("all of the short ones", [one for _, one, _ in single], [other for _, _, other in single])
    )
    listed.append(("empty references", ["a", "The", "x"], ["an", "a", "x y"]))
    return [
        {"name": name, "y_true": y_true, "y_pred": y_pred, "expected": expected(y_true, y_pred)}
        for name, y_true, y_pred in listed
    ]


def main():
    for package, version in VERSIONS.items():
        assert importlib.metadata.version(package) == version, f"needs {package} {version}"
    document = {"versions": VERSIONS, "cases": cases()}
    text = json.dumps(document, separators=(",", ":")).replace(',{"name"', ',\n{"name"')
    (pathlib.Path(__file__).parent / "text.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
