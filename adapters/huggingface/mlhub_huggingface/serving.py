"""Answers single inputs with a trained model: classes, tagged tokens, or texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mlhub_adapter import serving

from mlhub_huggingface import outcome, vision
from mlhub_huggingface.problems import PROBLEMS
from mlhub_huggingface.results import FOLDER
from mlhub_huggingface.settings import first_line
from mlhub_huggingface.text import first_token

if TYPE_CHECKING:
    from mlhub_adapter import Model

MAX_NEW_TOKENS = 1024
"""Tokens that a request may ask for."""

MAX_BEAMS = 8
MAX_CHARS = 100_000
"""Characters of an input."""

BATCH = 16
"""Inputs that are computed together."""

OPTIONS: dict[str, tuple[type, float, float]] = {
    "max_new_tokens": (int, 1, MAX_NEW_TOKENS),
    "beams": (int, 1, MAX_BEAMS),
    "temperature": (float, 0, 10),
    "top_p": (float, 0.01, 1),
    "seed": (int, 0, 2**32 - 1),
}
"""Of generating: type, least and greatest value."""


class ServedModel(serving.Served):
    """A model in memory."""

    def __init__(self, model: Model) -> None:
        import torch
        import transformers

        params = model.params
        self.params, self.described = params, model
        self.problem = PROBLEMS[params["problem"]]
        self.labels: list[str] = list(model.output.get("labels", []))
        folder = str(model.file(FOLDER))
        auto = getattr(transformers, self.problem.auto_class)
        how = {"local_files_only": True, "trust_remote_code": params["trust_remote_code"]}
        if self.problem.images:
            self.processor = vision.opened_processor(folder, **how)
        else:
            self.processor = transformers.AutoTokenizer.from_pretrained(folder, **how)
        self.model = auto.from_pretrained(folder, use_safetensors=True, **how)
        self.model.eval()
        if params["device"] != "cpu" and torch.cuda.is_available():
            self.model.to("cuda")

    def predict(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        """An output for each input."""
        serving.check_options(options, OPTIONS if self.problem.generates else ())
        answer: dict[str, Callable[..., list[Any]]] = {
            "text_classification": self._classes,
            "image_classification": self._image_classes,
            "token_classification": self._tokens,
        }
        if not self.problem.generates:
            return answer[self.problem.name](inputs)
        return self._texts(inputs, _generation(options, self.params["max_new_tokens"]))

    def _classes(self, inputs: list[Any]) -> list[Any]:
        if self.described.input["kind"] == "table":
            first, second = self._pairs(inputs)
        else:
            first, second = serving.texts(inputs, MAX_CHARS), None
        rows: list[Any] = []
        for start in range(0, len(first), BATCH):
            part = slice(start, start + BATCH)
            given = self.processor(
                first[part],
                None if second is None else second[part],
                truncation=True,
                max_length=self.params["max_length"],
                padding=True,
                return_tensors="pt",
            )
            rows += self._scores(given)
        return serving.class_outputs(rows, self.labels)

    def _pairs(self, inputs: list[Any]) -> tuple[list[str], list[str]]:
        names = [column["name"] for column in self.described.input["columns"]]
        found: tuple[list[str], list[str]] = ([], [])
        for at, row in enumerate(inputs):
            if not isinstance(row, Mapping):
                raise serving.Invalid(
                    f"inputs.{at}", f"must be an object with {' and '.join(names)}"
                )
            for name in row:
                if name not in names:
                    raise serving.Invalid(f"inputs.{at}.{name}", "is no column of the model")
            for texts, name in zip(found, names, strict=True):
                texts.append(serving.text(row.get(name), f"inputs.{at}.{name}", MAX_CHARS))
        return found

    def _image_classes(self, inputs: list[Any]) -> list[Any]:
        import torch

        rows: list[Any] = []
        for at, value in enumerate(inputs):
            content = serving.image_bytes(value, f"inputs.{at}")
            try:
                pixels = vision.tensor(content, self.processor)
            except (OSError, ValueError) as error:
                raise serving.Invalid(f"inputs.{at}", first_line(error)) from None
            rows += self._scores({"pixel_values": torch.stack([pixels])})
        return serving.class_outputs(rows, self.labels)

    def _scores(self, given: Mapping[str, Any]) -> list[Any]:
        with outcome.inference(self.model):
            logits = self.model(**outcome.to_device(given, self.model)).logits
        scores: list[Any] = logits.double().softmax(-1).cpu().tolist()
        return scores

    def _tokens(self, inputs: list[Any]) -> list[Any]:
        """Words as in training: separated by blanks."""
        answers: list[Any] = []
        for text in serving.texts(inputs, MAX_CHARS):
            words, places, end = text.split(), [], 0
            for word in words:
                start = text.index(word, end)
                end = start + len(word)
                places.append((start, end))
            if not words:
                answers.append({"tokens": []})
                continue
            given = self.processor(
                words,
                is_split_into_words=True,
                truncation=True,
                max_length=self.params["max_length"],
                return_tensors="pt",
            )
            (scores,) = self._scores(given)
            tokens, before = [], None
            for row, word in zip(scores, given.word_ids(0), strict=True):
                if word is not None and word != before:
                    best = max(range(len(row)), key=row.__getitem__)
                    start, end = places[word]
                    said = {"text": words[word], "label": self.labels[best], "score": row[best]}
                    tokens.append({**said, "start": start, "end": end})
                before = word
            answers.append({"tokens": tokens})
        return answers

    def _texts(self, inputs: list[Any], options: Mapping[str, Any]) -> list[Any]:
        prompts = []
        longest = self.params["max_length"]
        for text in serving.texts(inputs, MAX_CHARS):
            if self.problem.name == "causal_lm":
                tokens = self.processor(text, verbose=False)["input_ids"][-longest:]
                prompts.append(tokens or [first_token(self.processor)])
            else:
                given = self.processor(text, truncation=True, max_length=longest)
                prompts.append(given["input_ids"])
        answers = outcome.generate(self.model, self.processor, prompts, BATCH, **options)
        return [{"text": answer} for answer in answers]


def _generation(options: Mapping[str, Any], bound: int) -> dict[str, Any]:
    """Options of a request as transformers takes them; greedy unless a temperature is said."""
    for name, value in options.items():
        kind, least, most = OPTIONS[name]
        whole = kind is int
        fits = isinstance(value, int) if whole else isinstance(value, (int, float))
        if isinstance(value, bool) or not fits or not least <= value <= most:
            noun = "a whole number" if whole else "a number"
            raise serving.Invalid(f"options.{name}", f"must be {noun} from {least} to {most}")
    temperature = options.get("temperature", 0)
    said: dict[str, Any] = {
        "max_new_tokens": options.get("max_new_tokens", bound),
        "num_beams": options.get("beams", 1),
        "do_sample": temperature > 0,
    }
    if temperature > 0:
        import torch

        torch.manual_seed(options.get("seed", 0))
        said.update(temperature=float(temperature), top_p=float(options.get("top_p", 1.0)))
    return said
