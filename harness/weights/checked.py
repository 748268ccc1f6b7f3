"""Whether a file is the one of the catalogue: by size and SHA-256, remembered so that a hash is computed once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
from pathlib import Path

from harness.core.errors import ConfigError
from harness.weights.cache import cache_root
from harness.weights.catalogue import Bytes

_MOST = 2000  # hashes kept; the oldest go first


def check_file(path: Path, expected: Bytes, remedy: str) -> None:
    """Raise ConfigError, with ``remedy`` as what to do, unless ``path`` is a file with the expected size and hash."""
    try:
        size = path.stat().st_size
        if size != expected.size:  # a truncated file need not be read
            raise ConfigError(f"{path}: expected {expected.size} bytes, got {size}; {remedy}")
        digest = sha256_of(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); {remedy}") from None
    if digest != expected.sha256:
        raise ConfigError(f"{path}: expected sha256 {expected.sha256}, got {digest}; {remedy}")


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
