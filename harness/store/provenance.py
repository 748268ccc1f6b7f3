"""Where a result comes from: code, packages, machine, model files; only what is on a list, secrets redacted."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from harness.core.errors import StoreError
from harness.core.hashes import sha256_of
from harness.core.paths import PACKAGE
from harness.core.registry import plugin_packages
from harness.store.gpus import gpus
from harness.store.manifest import CodeProvenance, Provenance
from harness.store.redact import looks_secret, redact
from harness.store.secret_tree import redact_command

PACKAGES = (
    "tts-soak numpy scipy statsmodels pandas librosa soundfile soxr pyloudnorm pyworld jiwer openai-whisper torch "
    "resemblyzer xllamacpp inflect pytest pytest-benchmark faster-whisper ctranslate2 onnxruntime "
    "speechmos llama-cpp-python"
)
# Variables that change what is computed or how fast. Everything else stays out of the manifest.
ENVIRONMENT = frozenset(
    {"LANG", "LC_ALL", "PYTHONHASHSEED", "CI", "CUDA_VISIBLE_DEVICES", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"}
    | {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TORCH_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "PYTHONOPTIMIZE"}
)
ENVIRONMENT_PREFIXES = ("TTS_SOAK_", "GGML_", "LLAMA_ARG_")


def provenance(models: Mapping[str, Path] | None = None) -> Provenance:
    """Return the commit, versions, machine, command line and allowed environment; with ``models``, their SHA-256 too.

    What cannot be found out is None, with the reason beside it.
    """
    return {
        "code": code(),
        "python": platform.python_version(),
        "packages": packages([*PACKAGES.split(), *plugin_packages()]),
        "platform": platform.platform(),
        "cpu": {"model": _cpu_model(), "cores": os.cpu_count(), "usable": len(os.sched_getaffinity(0))}
        if hasattr(os, "sched_getaffinity")
        else {"model": _cpu_model(), "cores": os.cpu_count(), "usable": None},
        "memory_bytes": _memory_bytes(),
        "gpus": list(gpus()),
        "command": redact_command(sys.argv, redact),
        "environment": environment(os.environ),
        "models": {name: {"file": path.name, "sha256": file_sha256(path)} for name, path in (models or {}).items()},
    }


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables on the list, without those whose name looks secret, values redacted."""
    return {
        name: redact(value, variables)
        for name, value in sorted(variables.items())
        if (name in ENVIRONMENT or name.startswith(ENVIRONMENT_PREFIXES)) and not looks_secret(name)
    }


def packages(names: Iterable[str]) -> dict[str, str | None]:
    """Return the installed versions, without importing anything; None: not installed."""
    versions: dict[str, str | None] = {}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return versions


@lru_cache(maxsize=1)
def code() -> CodeProvenance:
    """Return the commit and dirty flag of the checkout the code runs from, and a hash over its source files."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    answer: CodeProvenance = {"sha256": digest.hexdigest(), "commit": None, "dirty": None}
    try:
        _git("ls-files", "--error-unmatch", "__init__.py")  # a package installed inside another project's checkout
        answer["commit"] = _git("rev-parse", "HEAD").strip()
        answer["dirty"] = bool(_git("status", "--porcelain", "--untracked-files=no").strip())
    except (OSError, subprocess.SubprocessError) as error:
        answer["reason"] = f"no git checkout ({type(error).__name__})"
    return answer


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=PACKAGE, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout


def _cpu_model() -> str | None:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux: platform knows a word for it
    return platform.processor() or None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, remembered until it changes. Raises StoreError when it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from error
