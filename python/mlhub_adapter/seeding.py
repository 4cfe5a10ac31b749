"""Seeds generators and pins thread pools, so that equal seeds give equal bits.

Imports no library, and nothing of the SDK, which seeds through this: what is not loaded
yet is seeded by its own defaults or by whoever loads it.
"""

from __future__ import annotations

import os
import random
import sys

__all__ = ["MAX_SEED", "pin_threads", "seed_everything", "small_seed"]

MAX_SEED = 2**32
"""Most libraries take seeds below this."""

POOLS = ("OMP", "OPENBLAS", "MKL", "BLIS", "VECLIB_MAXIMUM", "NUMEXPR")


def small_seed(seed: int) -> int:
    """A seed that every library takes; greater and negative ones wrap around."""
    return seed % MAX_SEED


def seed_everything(seed: int) -> dict[str, str]:
    """Seeds the generators that are there; returns what was done, by the library's name."""
    random.seed(seed)
    done = {"random": "seeded"}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(small_seed(seed))
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


def pin_threads(count: int = 1) -> bool:
    """Pins numerical libraries to a number of threads, so that sums have one order.

    Most read it when they are first imported: returns False when numpy was there before
    and may not have read it.
    """
    already = all(os.environ.get(f"{pool}_NUM_THREADS") == str(count) for pool in POOLS)
    for pool in POOLS:
        os.environ[f"{pool}_NUM_THREADS"] = str(count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
    return already or "numpy" not in sys.modules
