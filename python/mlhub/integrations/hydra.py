"""Hydra and OmegaConf: a composed config as the run's config, overrides as tags.

`mlhub.init(config=cfg)` takes a `DictConfig` as well; this adds what Hydra knows.
"""

from __future__ import annotations

from typing import Any

from .._capture import command
from .._init import init
from .._problems import WrongType
from .._run import Run

__all__ = ["config_of", "init_from"]


def config_of(config: Any) -> dict[str, Any]:
    """A DictConfig as plain nested dictionaries, interpolations resolved.

    Raises TypeError when it is none, and OmegaConf's error for a value that is missing.
    """
    from omegaconf import DictConfig, OmegaConf

    if not isinstance(config, DictConfig):
        raise WrongType(f"config_of takes a DictConfig, not {type(config).__name__}")
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return {str(key): value for key, value in plain.items()}


def init_from(config: Any, **options: Any) -> Run:
    """`mlhub.init` with a composed config inside `@hydra.main`.

    Overrides of the command line and the job's number in a multirun become tags; jobs of
    one multirun share a group (its folder). The options are those of `mlhub.init`.
    """
    tags: dict[str, str] = {}
    try:
        from hydra.core.hydra_config import HydraConfig

        hydra = HydraConfig.get() if HydraConfig.initialized() else None
    except ImportError:
        hydra = None
    if hydra is not None:
        overrides = list(hydra.overrides.task)
        if overrides:
            tags["hydra/overrides"] = " ".join(command(overrides))
        tags["hydra/job"] = str(hydra.job.name)
        if str(hydra.mode).endswith("MULTIRUN"):
            tags["hydra/job_num"] = str(hydra.job.num)
            options.setdefault("group", f"multirun {hydra.sweep.dir}")
    given = options.pop("tags", None) or {}
    if not isinstance(given, dict):
        given = dict.fromkeys(given, "true")
    return init(config=config_of(config), tags={**tags, **given}, **options)
