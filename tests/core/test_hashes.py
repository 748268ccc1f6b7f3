"""The hash that identifies a file is right, whatever became of the memory of hashes."""

import hashlib
import os
from pathlib import Path

import pytest

from harness.core.hashes import sha256_of


def test_a_hash_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    model, memory = tmp_path / "m.gguf", tmp_path / "cache" / "sha.json"
    model.write_bytes(b"weights")
    first = sha256_of(model, memory)
    assert first == hashlib.sha256(b"weights").hexdigest()
    memory.write_text(memory.read_text().replace(first, "0" * 64))
    assert sha256_of(model, memory) == "0" * 64  # remembered, not read again
    times = model.stat().st_atime_ns, model.stat().st_mtime_ns
    model.write_bytes(b"Weights")
    os.utime(model, ns=times)  # as a copy does that keeps the time
    assert sha256_of(model, memory) == hashlib.sha256(b"Weights").hexdigest()


@pytest.mark.parametrize("torn", [b"[torn", b"[]", b'{"a": 1}', b"\xff\x00", b"[" * 100_000])
def test_a_damaged_memory_is_harmless(tmp_path: Path, torn: bytes) -> None:
    model, memory = tmp_path / "m.gguf", tmp_path / "sha.json"
    model.write_bytes(b"weights")
    memory.write_bytes(torn)
    assert sha256_of(model, memory) == hashlib.sha256(b"weights").hexdigest()
    memory.unlink()
    memory.mkdir()  # cannot be written either
    assert sha256_of(model, memory) == hashlib.sha256(b"weights").hexdigest()
