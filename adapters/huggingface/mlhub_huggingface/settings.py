"""Makes transformers' TrainingArguments of the params, and refuses by name what it must.

Evaluating, logging and saving are the adapter's own (see ``training``), so that they do not
depend on the release of transformers.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import defaults, failure

if TYPE_CHECKING:
    from mlhub_adapter import Run

RESERVED = {
    "output_dir": "the run directory is the hub's",
    "overwrite_output_dir": "the run directory is the hub's",
    "logging_dir": "the run directory is the hub's",
    "seed": "the experiment's seeds are",
    "data_seed": "the experiment's seeds are",
    "report_to": "the hub records the run; no other tracker is started",
    "run_name": "the hub names runs",
    "resume_from_checkpoint": "the hub resumes runs",
    "ignore_data_skip": "a resumed run ends as an uninterrupted one",
    "group_by_length": "the order of rows is drawn from the seed",
    "remove_unused_columns": "the adapter makes the batches",
    "label_names": "the adapter makes the batches",
    "dataloader_drop_last": "every row is used",
    "per_device_train_batch_size": "say batch_size",
    "per_gpu_train_batch_size": "say batch_size",
    "per_device_eval_batch_size": "say batch_size",
    "per_gpu_eval_batch_size": "say batch_size",
    "auto_find_batch_size": "it depends on the machine; say batch_size",
    "gradient_accumulation_steps": "say gradient_accumulation",
    "num_train_epochs": "say epochs",
    "lr_scheduler_type": "say scheduler",
    "warmup_ratio": "say warmup_steps",
    "fp16": "say precision",
    "bf16": "say precision",
    "no_cuda": "say device",
    "use_cpu": "say device",
    "local_rank": "the launcher sets it",
    "do_train": "the hub's commands say what is done",
    "do_eval": "the hub's commands say what is done",
    "do_predict": "the hub's commands say what is done",
    "load_best_model_at_end": "say early_stopping_patience, which keeps the best weights",
    "metric_for_best_model": "the validation loss is",
    "greater_is_better": "the validation loss is minimised",
    "disable_tqdm": "progress is told by events",
    "log_level": "progress is told by events",
}
"""Arguments that are refused, with what to do."""

RESERVED_PREFIXES = {
    "push_to_hub": "the model is an artifact of the run",
    "hub_": "the model is an artifact of the run",
    "save_": "say checkpoint_every",
    "eval_": "say evaluate_every",
    "evaluation_": "say evaluate_every",
    "logging_": "say log_every",
    "_": "it is none of the documented ones",
}

OWN = (
    "learning_rate", "weight_decay", "warmup_steps", "max_grad_norm", "max_steps",
)  # fmt: skip
"""Params that are called as their argument."""


def check_arguments(given: dict[str, Any]) -> None:
    """Refuses arguments that transformers does not know or the adapter sets."""
    from transformers import TrainingArguments

    known = [field.name for field in dataclasses.fields(TrainingArguments)]
    for name in given:
        field = f"params.arguments.{name}"
        advice = RESERVED.get(name) or next(
            (why for prefix, why in RESERVED_PREFIXES.items() if name.startswith(prefix)), None
        )
        if name in OWN:
            raise failure.config(field, f"{name} is a param of its own; say {name}")
        if advice is not None:
            raise failure.config(field, f"{name} is set by the adapter: {advice}")
        if name not in known:
            free = [other for other in known if other not in RESERVED and other not in OWN]
            raise failure.unknown(field, name, free, "an argument of TrainingArguments")


def on_cpu(run: Run) -> bool:
    """Whether it computes on the CPU; refuses a GPU that is not there."""
    import torch

    device, there = run.params["device"], torch.cuda.is_available()
    if device == "cuda" and not there:
        raise failure.config("params.device", "there is no CUDA device; say cpu or auto")
    if device == "cpu" or not there:
        if run.params["precision"] == "fp16":
            raise failure.config("params.precision", "fp16 needs a GPU; say fp32 or bf16")
        return True
    return False


def training_arguments(run: Run, folder: Path) -> Any:
    """TrainingArguments of a run; nothing but the adapter evaluates, logs or saves."""
    from transformers import TrainingArguments

    further = dict(run.params["arguments"])
    check_arguments(further)
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    said = {name: value for name, value in _said(run, folder, known).items() if name in known}
    try:
        return TrainingArguments(**{**said, **further})
    except (TypeError, ValueError, ImportError, AssertionError) as error:
        raise failure.config("params.arguments", first_line(error)) from None


def defaults_told(run: Run) -> dict[str, Any]:
    """The defaults of TrainingArguments that neither the adapter nor the experiment sets."""
    from transformers import TrainingArguments

    values = {}
    for field in dataclasses.fields(TrainingArguments):
        if field.default_factory is not dataclasses.MISSING:
            values[field.name] = field.default_factory()
        elif field.default is not dataclasses.MISSING:
            values[field.name] = field.default
    given = [*run.params["arguments"], *_said(run, run.dir, set(values))]
    libraries = ["transformers", "accelerate", "torch"]
    return defaults.of("TrainingArguments", values, libraries=libraries, given=given)


def _said(run: Run, folder: Path, known: set[str]) -> dict[str, Any]:
    """What the adapter says; ``known`` are the arguments of this release."""
    params = run.params
    said = {
        "output_dir": str(folder),
        "seed": run.small_seed,
        "data_seed": run.small_seed,
        "report_to": [],
        "disable_tqdm": True,
        "logging_strategy": "no",
        "save_strategy": "no",
        "save_safetensors": True,
        "optim": "adamw_torch",
        "remove_unused_columns": False,
        "per_device_train_batch_size": params["batch_size"],
        "gradient_accumulation_steps": params["gradient_accumulation"],
        "num_train_epochs": params["epochs"],
        "lr_scheduler_type": params["scheduler"],
        "bf16": params["precision"] == "bf16",
        "fp16": params["precision"] == "fp16",
        **{name: params[name] for name in OWN if params[name] is not None},
    }
    cpu = on_cpu(run)
    # The name changed with transformers 4.34; newer ones always save safetensors.
    said.update({name: cpu for name in ("use_cpu", "no_cuda") if name in known})
    if "use_cpu" in known:
        said.pop("no_cuda", None)
    return said


def first_line(error: BaseException) -> str:
    """What a library says of a wrong setting, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
