"""What adapters of PyTorch share: devices, deterministic mode, generators, user code by
import path, descriptions of batches, TorchScript and ONNX, a release that does not import.

Trains nothing. ``torch`` is imported inside the functions, so importing this costs nothing.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlhub_adapter import failure, onnx_export
from mlhub_adapter.seeding import small_seed

if TYPE_CHECKING:
    from pathlib import Path

MAX_DEPTH = 4
"""Levels of nested batches that are described."""

OPSET = 17
"""Version of ONNX's operators that is written: the newest that every release knows."""

SEED_STRIDE = 1_000_003
"""Apart in seeds of epochs and ranks: neighbouring runs' seeds do not meet."""


def named(path: str, field: str) -> Any:
    """The object at ``package.module:name`` or ``package.module.name``; refuses ``field``."""
    module, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    if not module or not name:
        raise failure.config(field, f"{path} is no import path; write package.module:name")
    try:
        found: Any = import_module(module)
    except ImportError as error:
        what = f"{module} cannot be imported ({error})"
        raise failure.config(field, f"{what}; it is looked for in the project folder") from None
    for part in name.split("."):
        if not hasattr(found, part):
            known = [known for known in vars(found) if not known.startswith("_")]
            raise failure.unknown(field, part, known, f"in {module}")
        found = getattr(found, part)
    return found


def mend_import() -> None:
    """Makes ``torch.distributed._shard`` importable where torch 1.13 meets Python 3.11; call
    it before importing Lightning, Transformers or accelerate. Does nothing elsewhere.

    Debian ships that pair, which PyTorch never released: a dataclass of sharding has an
    instance of another as its default, which Python refuses since 3.11 unless it can be
    hashed. While that one module is imported, torch's dataclasses can be, by identity.
    ``torch.distributed`` stays as usable as it was.
    """
    import dataclasses

    import torch

    sharding = "torch.distributed._shard"
    concerned = torch.__version__.startswith("1.13.") and sys.version_info >= (3, 11)
    if not concerned or sharding in sys.modules or not torch.distributed.is_available():
        return
    plain = dataclasses.dataclass

    def hashable(kind: Any = None, **options: Any) -> Any:
        if kind is None:
            return lambda kind: hashable(kind, **options)
        made: Any = plain(kind, **options)
        if made.__hash__ is None and made.__module__.startswith("torch."):
            made.__hash__ = object.__hash__
        return made

    dataclasses.dataclass = hashable
    try:
        import_module(sharding)
    finally:
        dataclasses.dataclass = plain


def device(asked: str) -> Any:
    """The device of ``auto``, ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; refuses one that is
    not there. Ranks of one machine have a GPU each."""
    import torch

    rank = int(os.environ.get("LOCAL_RANK", "0"))
    has_cuda = torch.cuda.is_available()
    mps = getattr(torch.backends, "mps", None)
    has_mps = mps is not None and mps.is_available()
    if asked == "auto":
        asked = "cuda" if has_cuda else "cpu"
    kind = asked.split(":")[0]
    if (kind == "cuda" and not has_cuda) or (kind == "mps" and not has_mps):
        raise failure.config("params.device", f"this machine has no {kind} that torch can use")
    if asked == "cuda":
        asked = f"cuda:{rank % torch.cuda.device_count()}"
    return torch.device(asked)


def deterministic(enabled: bool) -> None:
    """Equal seeds give equal bits, or the operation that cannot is an error."""
    import torch

    if enabled:
        # cuBLAS reads it when its first handle is made.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(enabled)


def epoch_seed(seed: int, epoch: int, rank: int = 0) -> int:
    """A seed for a rank's part of an epoch, so that no checkpoint needs a generator."""
    return small_seed(seed + (epoch * 1009 + rank) * SEED_STRIDE)


def generator(seed: int) -> Any:
    """A generator of its own on the CPU, for the order of rows."""
    import torch

    return torch.Generator().manual_seed(seed)


def seed_worker(_worker: int) -> None:
    """``worker_init_fn``: seeds ``random`` and numpy from the loader's generator."""
    import torch

    seed = small_seed(torch.initial_seed())
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


def generators() -> dict[str, Any]:
    """Where all global generators stand."""
    import numpy
    import torch

    state = {
        "random": random.getstate(),
        "numpy": numpy.random.get_state(),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_generators(state: Mapping[str, Any]) -> None:
    """Puts global generators to where :func:`generators` found them."""
    import numpy
    import torch

    random.setstate(state["random"])
    numpy.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])


def load(path: Path, **options: Any) -> Any:
    """``torch.load`` of a file that this adapter wrote, on the CPU, in every release."""
    import inspect

    import torch

    if "weights_only" in inspect.signature(torch.load).parameters:
        options.setdefault("weights_only", False)
    return torch.load(path, map_location="cpu", **options)


def describe(batch: Any, depth: int = 0) -> Any:
    """Shapes, dtypes and devices of what a loader gives; never values."""
    if hasattr(batch, "shape") and hasattr(batch, "dtype"):
        said = {"shape": list(batch.shape), "dtype": str(batch.dtype).replace("torch.", "")}
        return {**said, "device": str(batch.device)} if hasattr(batch, "device") else said
    if depth < MAX_DEPTH and isinstance(batch, Mapping):
        return {str(name): describe(part, depth + 1) for name, part in batch.items()}
    if depth < MAX_DEPTH and isinstance(batch, (list, tuple)):
        if batch and all(isinstance(part, (str, int, float)) for part in batch):
            return {"shape": [len(batch)], "dtype": type(batch[0]).__name__}
        return {str(at): describe(part, depth + 1) for at, part in enumerate(batch)}
    return {"dtype": type(batch).__name__}


def save_torchscript(module: Any, example: Any, path: Path) -> None:
    """Writes ``module`` as TorchScript, which is loaded without its code.

    Traces it, and makes sure that it answers another number of rows as the module does;
    what cannot be traced is scripted. Raises RuntimeError when neither does.
    """
    import torch

    module = module.eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # What they warn of, other numbers of rows, is tried below.
            warnings.simplefilter("ignore")
            made = torch.jit.trace(module, example, check_trace=False)
            fewer = example[:1]
            if not torch.allclose(made(fewer), module(fewer), rtol=1e-4, atol=1e-5):
                raise RuntimeError("the trace depends on the number of rows")
    except Exception as error:  # user code may raise anything under tracing
        try:
            made = torch.jit.script(module)
        except Exception:
            raise RuntimeError(f"no TorchScript: {type(error).__name__}") from None
    with warnings.catch_warnings():
        # That TorchScript is to go is no news for the person whose model it is.
        warnings.simplefilter("ignore")
        torch.jit.save(made, str(path))


def load_torchscript(path: Path) -> Any:
    """What :func:`save_torchscript` wrote, on the CPU, ready to answer."""
    import torch

    with warnings.catch_warnings():
        # Newer releases recommend another format, which needs the module's code.
        warnings.simplefilter("ignore")
        return torch.jit.load(str(path), map_location="cpu").eval()


def require_onnx() -> None:
    """Refuses an export to ONNX where this torch lacks what it needs for that."""
    import torch

    before_2 = torch.__version__.startswith("1.")
    onnx_export.require(*([] if before_2 else ["onnx"]), "onnxruntime")


def save_onnx(module: Any, example: Any, path: Path) -> None:
    """Writes a TorchScript module with one input and one output as ONNX, for any number of
    rows."""
    import inspect

    import torch

    options: dict[str, Any] = {}
    # Newer releases export by another way unless told; only this one takes TorchScript.
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    with warnings.catch_warnings():
        # Of this way's age, and of what only modules with code have.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (example,),
            str(path),
            input_names=["inputs"],
            output_names=["outputs"],
            dynamic_axes={"inputs": {0: "rows"}, "outputs": {0: "rows"}},
            opset_version=OPSET,
            **options,
        )
