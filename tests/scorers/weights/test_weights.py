"""Weights by hash: where a known model is looked for, what is refused, and what is remembered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.scorers.weights import model_folder, model_names
from harness.scorers.weights.catalogue import Bytes, known_models
from harness.scorers.weights.checked import check_file


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTS_SOAK_CACHE", str(tmp_path / "cache"))


def test_every_model_has_the_files_that_an_engine_reads_offline() -> None:
    assert set(model_names()) >= {"tiny.en", "base"}
    for model in known_models().values():
        assert {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"} <= {f.name for f in model.files}
        for file in model.files:
            assert sum(part.size for part in file.parts) == file.size


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown model 'tiny-en' \(did you mean 'tiny\.en'\?\)"):
        model_folder("tiny-en", offline=True)


def test_what_does_not_fit_is_named_with_expected_got_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    check_file(path, Bytes(size=7, sha256=digest), "get it again")
    with pytest.raises(ConfigError, match=r"model\.bin: expected 8 bytes, got 7; get it again"):
        check_file(path, Bytes(size=8, sha256=digest), "get it again")
    with pytest.raises(ConfigError, match=rf"model\.bin: expected sha256 {'0' * 64}, got {digest}; get it again"):
        check_file(path, Bytes(size=7, sha256="0" * 64), "get it again")
