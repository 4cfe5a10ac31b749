"""Seeds the generators that are there. Imports `random` and nothing else."""

from __future__ import annotations

import random
import sys

__all__ = ["seed_everything"]

NUMPY_SEED_MAX = 2**32
"""numpy's legacy generator takes seeds below this."""


def seed_everything(seed: int) -> dict[str, str]:
    """Seed them; returns what was done, by the library's name."""
    random.seed(seed)
    done = {"random": "seeded"}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed % NUMPY_SEED_MAX)
        done["numpy"] = "seeded the global generator; those of default_rng() have their own seed"
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)
        done["torch"] = "seeded on every device"
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        tensorflow.random.set_seed(seed)
        done["tensorflow"] = "seeded"
    if "jax" in sys.modules:
        done["jax"] = "not seeded: jax has no global generator; make keys from the seed"
    return done
