"""What identifies a file or a sound: its SHA-256. That of a file is remembered, so that it is computed once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from pathlib import Path

import numpy as np

from harness.core.paths import cache_root
from harness.core.records import Samples

_MOST = 2000  # hashes kept; the oldest go first


def pcm_sha256(samples: Samples) -> str:
    """Return the SHA-256 of the samples as float32 little-endian, in hex: what identifies audio whatever its file."""
    return hashlib.sha256(np.ascontiguousarray(samples, "<f4").tobytes()).hexdigest()


def sha256_of(path: Path, memory: Path | None = None) -> str:
    """Return the SHA-256 of a file; it is read only where it changed since the last time. Raises OSError.

    The memory is ``sha256.json`` of the cache unless ``memory`` names another file. It may be deleted, torn or
    unwritable: that costs time, not truth. Its key has the path, inode, size and times of modification and of the last
    change of the file's state, so that a copy which keeps the old modification time is read again.
    """
    memory = memory or cache_root() / "sha256.json"
    state = path.stat()
    key = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}|{state.st_ctime_ns}|{state.st_ino}"
    remembered = _read(memory)
    if key in remembered:
        return remembered[key]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with contextlib.suppress(OSError):
        _write(memory, {**remembered, key: digest})
    return digest


def _read(memory: Path) -> dict[str, str]:
    try:
        content = json.loads(memory.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, str) and len(value) == 64}


def _write(memory: Path, content: dict[str, str]) -> None:
    """Replace the memory at once. Of two processes the later one wins; what the other learned is computed again."""
    memory.parent.mkdir(parents=True, exist_ok=True)
    temporary = memory.with_name(f".{memory.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_text(json.dumps(dict(list(content.items())[-_MOST:]), indent=0), encoding="utf-8")
        temporary.replace(memory)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
