"""What reproduces a run beyond its config: code, environment, machine, command, seeds.

What is not known is left out, never guessed. Secrets are kept out by name and by
well-known shape, as the command line does; that is a guard, not a proof.

Code, packages and machine are found out by a process of its own (this file, run as a
script), so that neither a thread nor the lock of the interpreter is in the training's
way. It imports nothing else of this package.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["capture", "command", "looks_secret", "seeds"]

CAPTURE_FILE = "capture.json"
CAPTURE_COUNTS_SECONDS = 60.0
"""How long what was found out counts for further runs of the same process."""
PATCH_MAX_BYTES = 1024 * 1024
"""A larger patch is named by its hash alone."""
SOURCES_MAX = 500
"""Untracked files named by hash."""
SOURCE_MAX_BYTES = 1024 * 1024
"""A larger file is data, not source."""
GIT_TIMEOUT_SECONDS = 10
GPU_TIMEOUT_SECONDS = 5
PACKAGES_MAX = 5000
ARGUMENT_MAX_BYTES = 4096
ARGUMENTS_MAX = 1000
REDACTED = "[redacted]"

ENVIRONMENT_NAMES = frozenset(
    [
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "CUBLAS_WORKSPACE_CONFIG",
        "NVIDIA_VISIBLE_DEVICES",
        "HIP_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "TOKENIZERS_PARALLELISM",
        "PYTHONHASHSEED",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "CONDA_DEFAULT_ENV",
        "XLA_FLAGS",
        "TF_DETERMINISTIC_OPS",
        "TF_CUDNN_DETERMINISTIC",
        "KERAS_BACKEND",
        "RANK",
        "LOCAL_RANK",
        "WORLD_SIZE",
        "LOCAL_WORLD_SIZE",
        "GROUP_RANK",
        "NODE_RANK",
        "MASTER_ADDR",
        "MASTER_PORT",
        "TORCHELASTIC_RUN_ID",
        "TORCHELASTIC_RESTART_COUNT",
        "SLURM_JOB_ID",
        "SLURM_JOB_NAME",
        "SLURM_PROCID",
        "SLURM_NTASKS",
        "SLURM_NNODES",
        "SLURM_NODELIST",
        "LANG",
        "LC_ALL",
        "TZ",
    ]
)
"""Variables that are kept; every other one is not looked at."""
ENVIRONMENT_PREFIXES = ("JAX_", "NCCL_", "PYTORCH_", "TORCH_")

SECRET_WORDS = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secrets",
    "token",
    "apikey",
    "credential",
    "credentials",
    "bearer",
]
SECRET_WHOLE_WORDS = frozenset({"auth", "authorization", "cookie", "pat"})
KEY_QUALIFIERS = frozenset(
    ["api", "access", "private", "secret", "encryption", "signing", "service", "account", "license"]
)
TOKEN_SHAPE = re.compile(
    r"(?<![A-Za-z0-9_-])(?:ghp_|gho_|github_pat_|glpat-|hf_[A-Za-z0-9]{16}|sk-[A-Za-z0-9_-]{16}"
    r"|xoxb-|xoxp-|AKIA[0-9A-Z]{12}|eyJhbGci)"
)
URL_PASSWORD = re.compile(r"://[^/\s@:]+:[^/\s@]+@")
PATCH_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?i:^\+.*(?:password|passwd|secret|token|api_?key|credential)\w*[\"']?\s*[:=]\s*"
    r"[\"'][^\"']{8,}[\"'])",
    re.MULTILINE,
)


def looks_secret(key: str) -> bool:
    """Whether a name is that of a secret: `HF_TOKEN`, `apiKey`; not `max_tokens`."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", key)
    parts = [part for part in re.split(r"[^a-z0-9]+", spaced.lower()) if part]
    if any(part in SECRET_WHOLE_WORDS or part.endswith(tuple(SECRET_WORDS)) for part in parts):
        return True
    return any(
        second == "key" and first in KEY_QUALIFIERS for first, second in zip(parts, parts[1:])
    )


def looks_secret_value(value: str) -> bool:
    """Whether a value holds a secret by its shape: a known token, a URL with a password."""
    return bool(TOKEN_SHAPE.search(value) or URL_PASSWORD.search(value))


def redact_mapping(value: Any, *, secret: bool = False) -> Any:
    """A config without its secrets: texts of secret names and shapes are replaced.

    What is inside of something with the name of a secret is one (`secret`).
    """
    if isinstance(value, Mapping):
        return {
            key: redact_mapping(item, secret=secret or looks_secret(str(key)))
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact_mapping(item, secret=secret) for item in value]
    if isinstance(value, str) and value and (secret or looks_secret_value(value)):
        return REDACTED
    return value


def command(arguments: list[str] | None = None) -> list[str]:
    """The command line, values of secret options redacted, bounded."""
    given = list(getattr(sys, "orig_argv", [])) if arguments is None else arguments
    if not given:
        given = [sys.executable or "python", *sys.argv]
    shown: list[str] = []
    secret_next = False
    for argument in given[:ARGUMENTS_MAX]:
        name, equals, value = argument.partition("=")
        if secret_next and not argument.startswith("-"):
            shown.append(REDACTED)
        elif equals and looks_secret(name.lstrip("-")):
            shown.append(f"{name}={REDACTED}")
        elif looks_secret_value(argument) or (equals and looks_secret_value(value)):
            shown.append(f"{name}={REDACTED}" if equals else REDACTED)
        else:
            shown.append(clip_argument(argument))
        secret_next = argument.startswith("-") and not equals and looks_secret(argument.lstrip("-"))
    return shown


def clip_argument(argument: str) -> str:
    raw = argument.encode("utf-8", "replace")
    cut = raw[:ARGUMENT_MAX_BYTES].decode("utf-8", "ignore")
    return cut if len(raw) <= ARGUMENT_MAX_BYTES else f"{cut}... [{len(raw)} bytes in all]"


def git(folder: Path, *arguments: str) -> bytes | None:
    """Output of a git command, hooks and helpers off; None when it fails."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", *arguments],
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GIT_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None


def git_line(folder: Path, *arguments: str) -> str | None:
    output = git(folder, *arguments)
    return (output.decode("utf-8", "replace").strip() or None) if output is not None else None


def without_credentials(url: str) -> str:
    """A URL without the user and password some carry."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def code(folder: Path, script: Path | None = None) -> tuple[dict[str, Any], list[str]]:
    """The code of a folder: commit, branch, remote, patch; and what is amiss with it.

    Outside a repository `script` alone is named, by its hash.
    """
    root = git_line(folder, "rev-parse", "--show-toplevel")
    if root is None:
        facts: dict[str, Any] = {"vcs": None, "root": str(folder)}
        if script is not None:
            facts["files"] = hashes(script.parent, [script.name])
        return facts, ["the program is not in a git repository: its code is recorded by hash only"]
    patch = git(folder, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD") or b""
    others = git(folder, "ls-files", "--others", "--exclude-standard", "-z") or b""
    names = [name.decode("utf-8", "replace") for name in others.split(b"\0") if name]
    untracked = hashes(folder, names)
    remote = git_line(folder, "remote", "get-url", "origin")
    commit = git_line(folder, "rev-parse", "HEAD")
    facts = {
        "vcs": "git",
        "root": root,
        "commit": commit,
        "branch": git_line(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "remote": without_credentials(remote) if remote else None,
        "dirty": bool(patch or untracked),
        "untracked": untracked,
    }
    warnings = []
    if commit is None:
        warnings.append("the git repository has no commit yet: the code is not recorded")
    if patch:
        warnings += keep_patch(facts, patch)
    if untracked:
        warnings.append(
            "there are untracked files, recorded by hash only; commit them to make the run "
            "reproducible"
        )
    return facts, warnings


def keep_patch(facts: dict[str, Any], patch: bytes) -> list[str]:
    """Put the patch among the facts, or its hash alone and say why."""
    facts["patch_sha256"] = hashlib.sha256(patch).hexdigest()
    text = patch.decode("utf-8", "replace")
    if len(patch) > PATCH_MAX_BYTES:
        return ["the uncommitted changes are larger than 1 MiB: only their hash is recorded"]
    added = (line[1:] for line in text.splitlines() if line.startswith("+"))
    if PATCH_SECRET.search(text) or any(
        TOKEN_SHAPE.search(line) or URL_PASSWORD.search(line) for line in added
    ):
        return [
            "the uncommitted changes hold what looks like a secret: only their hash is recorded"
        ]
    facts["patch"] = text
    return []


def script_path() -> Path | None:
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(path).absolute() if isinstance(path, str) else None


def hashes(folder: Path, names: list[str]) -> dict[str, str]:
    """SHA-256 of each file that is small enough to be source, by name; never content."""
    found: dict[str, str] = {}
    for name in sorted(names)[:SOURCES_MAX]:
        path = folder / name
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > SOURCE_MAX_BYTES:
                continue
            found[name] = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
        except OSError:
            continue
    return found


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables on the list, secrets redacted."""
    return {
        name: REDACTED if looks_secret(name) or looks_secret_value(value) else value
        for name, value in sorted(environment.items())
        if name in ENVIRONMENT_NAMES or name.startswith(ENVIRONMENT_PREFIXES)
    }


def packages() -> list[str]:
    """`name==version` of every installed distribution."""
    from importlib import metadata

    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        try:
            facts = distribution.metadata
            name, version = facts["Name"], facts["Version"]
        except Exception:  # a broken installation is not ours to judge
            continue
        if name and version:
            found.setdefault(name.lower(), f"{name}=={version}")
        if len(found) >= PACKAGES_MAX:
            break
    return [found[name] for name in sorted(found)]


def python_environment() -> dict[str, Any]:
    """Interpreter, packages, allowed variables, and one fingerprint over the first two."""
    installed = packages()
    version = platform.python_version()
    digest = hashlib.sha256("\n".join([sys.implementation.name, version, *installed]).encode())
    return {
        "fingerprint": f"sha256:{digest.hexdigest()}",
        "description": f"{sys.implementation.name} {version}",
        "python": sys.executable,
        "python_version": version,
        "packages": installed,
        "variables": variables(os.environ),
    }


def machine() -> dict[str, Any]:
    """Operating system, processor, memory, GPUs."""
    system = os.uname()
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        cores = os.cpu_count() or 1
    facts: dict[str, Any] = {
        "host": system.nodename,
        "os": system.sysname,
        "kernel": system.release,
        "architecture": system.machine,
        "cores": cores,
        "processor": processor(),
        "memory_bytes": memory_bytes(),
    }
    found = gpus()
    if found is not None:
        facts["gpus"] = found
    return facts


def processor() -> str | None:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or None


def memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def gpus() -> list[dict[str, Any]] | None:
    """The GPUs nvidia-smi names; None where it is not there or does not answer."""
    import shutil
    import subprocess

    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = "--query-gpu=index,name,memory.total,driver_version"
    try:
        done = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=GPU_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = []
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) == 4:
            memory = int(fields[2]) if fields[2].isdigit() else None
            found.append(
                {"index": fields[0], "name": fields[1], "memory_mib": memory, "driver": fields[3]}
            )
    return found


def seeds() -> dict[str, Any]:
    """What can be known of the random generators of the modules that are loaded.

    Python and numpy do not tell their seed; the fingerprint of their state does as
    well for telling whether two runs started alike. JAX has no global generator.
    Reading changes no generator.
    """
    found: dict[str, Any] = {"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED")}
    random = sys.modules.get("random")
    if random is not None:
        found["random"] = {"state": fingerprint(repr(random.getstate()).encode())}
    numpy = sys.modules.get("numpy")
    numpy_random = getattr(numpy, "random", None)
    if numpy_random is not None and hasattr(numpy_random, "get_state"):
        kind, keys, position, has_gauss, gauss = numpy_random.get_state()
        state = repr((kind, position, has_gauss, gauss)).encode() + keys.tobytes()
        found["numpy"] = {"state": fingerprint(state)}
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "initial_seed"):
        found["torch"] = torch_seeds(torch)
    if "jax" in sys.modules:
        found["jax"] = {"global_generator": False}
    tensorflow = sys.modules.get("tensorflow")
    context = getattr(getattr(tensorflow, "random", None), "get_global_generator", None)
    if context is not None:
        found["tensorflow"] = {"seed": None}
    return found


def torch_seeds(torch: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "seed": int(torch.initial_seed()),
        "state": fingerprint(bytes(torch.get_rng_state().tolist())),
    }
    try:
        facts["deterministic_algorithms"] = bool(torch.are_deterministic_algorithms_enabled())
        facts["cudnn_deterministic"] = bool(torch.backends.cudnn.deterministic)
        facts["cudnn_benchmark"] = bool(torch.backends.cudnn.benchmark)
    except AttributeError:
        pass
    return facts


def fingerprint(state: bytes) -> str:
    return f"sha256:{hashlib.sha256(state).hexdigest()[:32]}"


def capture(folder: Path, script: Path | None = None) -> dict[str, Any]:
    """The snapshot's parts that take time to find: code, environment, machine."""
    facts, warnings = code(folder, script)
    return {
        "code": facts,
        "environment": python_environment(),
        "machine": machine(),
        "warnings": warnings,
    }


class Captured(NamedTuple):
    """What was last found out for a run of this process."""

    by: int
    """The process: a forked child knows nothing of its parent's."""
    since: float
    """When it was asked, on the monotonic clock, in seconds."""
    circumstances: object
    """What it depends on and is known without looking."""
    process: Any
    file: Path


captured: Captured | None = None


def again(path: Path, circumstances: object) -> bool:
    """Whether what was found out for the run before counts for this one, and is in place.

    A search or a cross-validation makes many short runs in a row.
    """
    before = captured
    if (
        before is None
        or before.by != os.getpid()
        or time.monotonic() - before.since > CAPTURE_COUNTS_SECONDS
        or before.circumstances != circumstances
        or before.process.poll() != 0
    ):
        return False
    try:
        put(path, before.file.read_bytes())
    except OSError:
        return False  # the run before may be gone
    return True


def put(path: Path, facts: bytes) -> None:
    """Write the file into a run directory, whole. Raises OSError."""
    making = path / f".{CAPTURE_FILE}.tmp"
    making.write_bytes(facts)
    os.replace(making, path / CAPTURE_FILE)


def start(path: Path) -> Any:
    """Start the process that writes `capture.json` into the run directory.

    Raises OSError; returns its `subprocess.Popen`, or None where it is there already.
    """
    import subprocess

    global captured
    if not sys.executable:
        raise FileNotFoundError("this Python does not know its own program")
    script = script_path()
    circumstances = (os.getcwd(), script, list(sys.path), variables(os.environ))
    if again(path, circumstances):
        return None
    asked = {"path": str(path), "script": str(script) if script else None, "sys_path": sys.path}
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended at once; what it would have found is missing, and said to be
    captured = Captured(os.getpid(), begun, circumstances, process, path / CAPTURE_FILE)
    return process


def main() -> None:
    """The process of its own: asked on standard input, answers by the file."""
    asked = json.load(sys.stdin)
    # The caller's packages are meant, not the modules that lie beside this file.
    sys.path[:] = [entry for entry in asked["sys_path"] if isinstance(entry, str)]
    try:
        facts = capture(Path.cwd(), Path(asked["script"]) if asked["script"] else None)
    except Exception as error:  # capture is a help, never a condition
        facts = {"warnings": [f"code and machine are not recorded: {type(error).__name__}"]}
    put(Path(asked["path"]), json.dumps(facts, indent=1).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
