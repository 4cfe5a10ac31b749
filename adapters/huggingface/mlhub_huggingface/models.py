"""Makes models and tokenizers: of a configuration, of a local folder, or of the hub's cache.

Code that comes with a model, pickled weights and the network are refused unless a param
allows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure

from mlhub_huggingface.settings import first_line

if TYPE_CHECKING:
    from mlhub_adapter import Run

    from mlhub_huggingface.problems import Problem

SPECIAL_TOKENS = {
    "bos_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}
"""Of a tokenizer trained here, in the order of their numbers, which is RoBERTa's and BART's."""

RESERVED_CONFIG = {
    "vocab_size": "vocabulary_size bounds the tokenizer, which sets it",
    "num_labels": "the training rows' classes set it",
    "id2label": "the training rows' classes set it",
    "label2id": "the training rows' classes set it",
    "problem_type": "params.problem sets it",
}


def source(run: Run) -> str | None:
    """Where the model comes from: a folder, a name on the hub, or None for a new one."""
    params = run.params
    model, new = params["model"], params["model_config"]
    if (model is None) == (new is None):
        raise failure.config(
            "params.model", "say either model, a folder or a name, or model_config, for a new one"
        )
    if model is None:
        return None
    if Path(model).expanduser().is_dir():
        return str(Path(model).expanduser().resolve())
    if params["revision"] is None:
        raise failure.config(
            "params.revision",
            f"{model} is no folder here, so it names a model on the hub; give the commit "
            "(40 hexadecimal digits, under Files and versions) so that it stays the same",
        )
    return str(model)


def fetching(run: Run, where: str) -> dict[str, Any]:
    """How transformers may open a model."""
    local = Path(where).is_dir()
    said = {
        "local_files_only": local or not run.params["download"],
        "trust_remote_code": run.params["trust_remote_code"],
    }
    return said if local else {**said, "revision": run.params["revision"]}


def opened(what: Callable[..., Any], where: str, field: str = "params.model", **how: Any) -> Any:
    """What transformers opens; refuses what it cannot."""
    try:
        return what(where, **how)
    except (OSError, ValueError, KeyError, ImportError) as error:
        hint = "" if Path(where).is_dir() else "; params.download lets it be fetched"
        raise failure.config(field, f"{where}: {first_line(error)}{hint}") from None


def new_tokenizer(run: Run, problem: Problem, texts: Iterable[str]) -> Any:
    """A byte-level BPE tokenizer of the training texts.

    Of what the library trains, only BPE gives equal bits each time; WordPiece and Unigram
    depend on the order of a hash table.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    # Words of token_classification come apart already; elsewhere the text stays as it is.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
        add_prefix_space=problem.name == "token_classification"
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=run.params["vocabulary_size"],
        special_tokens=list(SPECIAL_TOKENS.values()),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if problem.name != "causal_lm":
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>",
            pair="<s> $A </s> $B </s>",
            special_tokens=[("<s>", 0), ("</s>", 2)],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token="<s>",
        sep_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
        **SPECIAL_TOKENS,
    )


def new_config(run: Run, tokenizer: Any | None, labels: list[str]) -> Any:
    """The configuration that ``model_config`` describes."""
    from transformers import AutoConfig

    given = dict(run.params["model_config"])
    kind = given.pop("model_type")
    try:
        plain = AutoConfig.for_model(kind)
    except (ValueError, KeyError) as error:
        raise failure.config("params.model_config.model_type", first_line(error)) from None
    known = {*plain.to_dict(), *getattr(plain, "attribute_map", {})}
    for name in given:
        field = f"params.model_config.{name}"
        if name in RESERVED_CONFIG:
            raise failure.config(field, f"is set by the adapter: {RESERVED_CONFIG[name]}")
        if name not in known:
            raise failure.unknown(field, name, known, f"a setting of {kind}")
    own: dict[str, Any] = _classes(labels)
    if tokenizer is not None:
        own.update(_tokens(plain, tokenizer))
    try:
        return AutoConfig.for_model(kind, **{**own, **given})
    except (TypeError, ValueError) as error:
        raise failure.config("params.model_config", first_line(error)) from None


def _tokens(plain: Any, tokenizer: Any) -> dict[str, Any]:
    own = {
        "vocab_size": len(tokenizer),
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if plain.is_encoder_decoder:
        own["decoder_start_token_id"] = tokenizer.pad_token_id
    if getattr(plain, "forced_eos_token_id", None) is not None:
        own["forced_eos_token_id"] = tokenizer.eos_token_id
    return own


def _classes(labels: list[str]) -> dict[str, Any]:
    if not labels:
        return {}
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: at for at, label in enumerate(labels)},
    }


def build(run: Run, problem: Problem, tokenizer: Any | None, labels: list[str]) -> Any:
    """The model to train, with a head for the classes where there are some."""
    import transformers

    auto = getattr(transformers, problem.auto_class)
    where = source(run)
    if where is None:
        config = new_config(run, tokenizer, labels)
        if problem.classifies:
            config.problem_type = "single_label_classification"
        try:
            return auto.from_config(config)
        except (ValueError, TypeError, RuntimeError, AssertionError, KeyError) as error:
            raise failure.config("params.model_config", first_line(error)) from None
    how = {**fetching(run, where), "ignore_mismatched_sizes": True, **_classes(labels)}
    if problem.classifies:
        how["problem_type"] = "single_label_classification"
    if not run.params["allow_pickle"]:
        how["use_safetensors"] = True
    return opened(auto.from_pretrained, where, **how)


def with_lora(run: Run, problem: Problem, model: Any) -> Any:
    """The model with low-rank adapters in front of frozen weights."""
    lora = run.params["lora"]
    try:
        from peft import LoraConfig, TaskType, get_peft_model
    except ImportError:
        raise failure.unsupported(
            "params.lora", "LoRA needs the package peft, which is not installed"
        ) from None
    config = LoraConfig(
        task_type=TaskType[problem.peft_task] if problem.peft_task else None,
        r=lora["rank"],
        lora_alpha=lora.get("alpha", 2 * lora["rank"]),
        lora_dropout=lora.get("dropout", 0.0),
        target_modules=lora.get("target_modules"),
        modules_to_save=["classifier"] if problem.images else None,
    )
    try:
        return get_peft_model(model, config)
    except (ValueError, KeyError, AttributeError) as error:
        why = f"no layer is adapted: {first_line(error)}"
        raise failure.config("params.lora.target_modules", why) from None


def length_limit(model: Any) -> int | None:
    """Tokens that the model has positions for, or None without a bound."""
    config = model.config
    found = getattr(config, "max_position_embeddings", None)
    if not isinstance(found, int) or found <= 0:
        return None
    # RoBERTa and its kin count positions from behind the padding's number.
    offset = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
    return found - offset


def opened_tokenizer(run: Run, where: str, problem: Problem) -> Any:
    """The tokenizer of a model; one without padding pads with its end."""
    from transformers import AutoTokenizer

    how = fetching(run, where)
    if problem.name == "token_classification":
        # Byte-level ones of RoBERTa and GPT-2 take words only with a blank before each.
        how["add_prefix_space"] = True
    tokenizer = opened(AutoTokenizer.from_pretrained, where, **how)
    if tokenizer.pad_token_id is None:
        if tokenizer.eos_token_id is None:
            raise failure.config("params.model", "its tokenizer has neither padding nor an end")
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
