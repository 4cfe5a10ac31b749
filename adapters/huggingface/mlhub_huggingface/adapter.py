"""The adapter: reads, makes the model, trains it, predicts, and leaves it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mlhub_adapter import Adapter, failure, pin_threads

from mlhub_huggingface import models, problems, vision
from mlhub_huggingface.examples import Collator
from mlhub_huggingface.text import TextData
from mlhub_huggingface.vision import ImageData

if TYPE_CHECKING:
    from mlhub_adapter import Model, Run
    from mlhub_adapter.serving import Served

    from mlhub_huggingface.examples import Examples
    from mlhub_huggingface.problems import Problem

LIBRARIES = {"torch", "transformers", "accelerate"}


class HuggingFace(Adapter):
    """transformers' Trainer on texts and images."""

    threads = None

    def train(self, run: Run) -> None:
        """Trains, or goes on from a checkpoint; predicts; leaves the model."""
        problem = problems.chosen(run)
        models.source(run)
        _prepare(run.params)
        Training(run, problem).perform()

    def defaults(self, run: Run) -> dict[str, Any]:
        """What TrainingArguments takes for arguments that are left out."""
        from mlhub_huggingface import settings

        _prepare(run.params)
        return settings.defaults_told(run)

    def load(self, model: Model) -> Served:
        """The model in memory, to answer single inputs."""
        from mlhub_huggingface.serving import ServedModel

        _prepare(model.params)
        return ServedModel(model)


def _prepare(params: Any) -> None:
    """Threads, and libraries that keep quiet; before any of them is imported."""
    pin_threads(params["threads"])
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if not params.get("download"):
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


class Training:
    """One run of training."""

    def __init__(self, run: Run, problem: Problem) -> None:
        self.run, self.problem = run, problem
        self.data: Any = ImageData(run) if problem.images else TextData(run, problem)
        self.labels: list[str] = self.data.labels

    def perform(self) -> None:
        """All of it."""
        from mlhub_huggingface import settings, training
        from mlhub_huggingface.results import Results, leave_folder, leave_model

        run, problem = self.run, self.problem
        settings.check_arguments(run.params["arguments"])
        processor, collator = self._processor_and_collator()
        run.seed_everything()
        model = models.build(run, problem, None if problem.images else processor, self.labels)
        self._check_lengths(model, processor)
        if problem.generates and processor.pad_token_id is not None:
            model.config.pad_token_id = processor.pad_token_id
        rows = self.data.encode("train", processor, training=True)
        validation = (
            self.data.encode("validation", processor) if "validation" in self.data.splits else None
        )
        if validation is None and run.params["early_stopping_patience"]:
            run.refuse(
                "params.early_stopping_patience",
                "needs validation rows: a split validation, or validation_fraction",
            )
        predicted = {name: self.data.encode(name, processor) for name in run.predict_splits}
        self._tell(model, rows, validation, predicted)
        if run.params["lora"] is not None:
            model = models.with_lora(run, problem, model)
        saved = run.resume(may_change=("log_every", "device"), **_releases())
        # Weights have been drawn; what follows draws the same however many were.
        run.seed_everything()
        model, steps = training.train(run, problem, model, rows, validation, collator, saved)
        if run.params["lora"] is not None:
            leave_folder(run, "lora", model.save_pretrained, kind="file")
            model = model.merge_and_unload()
        results = Results(run, problem, model, collator, self.labels)
        for name, examples in predicted.items():
            results.split(name, examples, steps)
        results.finish()
        pair = run.params["text_pair"]
        columns = [self.data.text, pair] if pair is not None else []
        leave_model(run, problem, model, processor, self.labels, columns)

    def _processor_and_collator(self) -> tuple[Any, Collator]:
        run, problem = self.run, self.problem
        where = models.source(run)
        if problem.images:
            if where is not None:
                return vision.opened_processor(where, **models.fetching(run, where)), Collator(None)
            config = models.new_config(run, None, self.labels)
            return vision.new_processor(config), Collator(None)
        if where is None:
            tokenizer = models.new_tokenizer(run, problem, self.data.training_texts())
            tokenizer.model_max_length = run.params["max_length"]
        else:
            tokenizer = models.opened_tokenizer(run, where, problem)
        return tokenizer, Collator(tokenizer)

    def _check_lengths(self, model: Any, processor: Any) -> None:
        limit = models.length_limit(model)
        if self.problem.images or limit is None:
            return
        params = self.run.params
        if params["max_length"] > limit:
            self.run.refuse(
                "params.max_length", f"is above the {limit} tokens that the model has positions for"
            )
        if self.problem.name == "seq2seq" and params["max_target_length"] > limit:
            self.run.refuse(
                "params.max_target_length",
                f"is above the {limit} tokens that the model has positions for",
            )
        prompt = min(params["prompt_tokens"], params["max_length"])
        if self.run.dataset.target:
            prompt = params["max_length"]
        room = limit - (prompt if self.problem.name == "causal_lm" else 0)
        asked = params["generate_rows"] or self.run.task is not None
        if self.problem.generates and asked and params["max_new_tokens"] > room:
            self.run.refuse(
                "params.max_new_tokens",
                f"is above the {room} positions of the model that the prompt leaves",
            )

    def _tell(
        self, model: Any, rows: Examples, validation: Examples | None, predicted: dict[str, Any]
    ) -> None:
        from mlhub_huggingface.settings import on_cpu

        splits = {"train": rows, **predicted}
        if validation is not None:
            splits["validation"] = validation
        weights = sum(each.numel() for each in model.parameters())
        self.run.entry(
            {
                name: each.described(self.labels, self.problem.classifies)
                for name, each in splits.items()
            },
            device="cpu" if on_cpu(self.run) else "cuda",
            task=self.run.task or self.problem.name,
            problem=self.problem.name,
            n_classes=len(self.labels),
            vocabulary=int(getattr(model.config, "vocab_size", None) or 0),
            parameters=weights,
            precision=self.run.params["precision"],
        )


def _releases() -> dict[str, Any]:
    from importlib import metadata

    found: dict[str, Any] = {}
    for name in sorted(LIBRARIES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise failure.unsupported("environment", f"{name} is not installed") from None
    return found
