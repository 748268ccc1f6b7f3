"""Whether a file is the one of the catalogue: by size and SHA-256."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import ConfigError
from harness.core.hashes import sha256_of
from harness.scorers.weights.catalogue import Bytes


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
