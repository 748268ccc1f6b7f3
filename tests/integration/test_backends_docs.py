"""docs/backends.md can be followed as it stands: its variants load, and the five minutes speak."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from harness.backends import ADAPTERS
from harness.backends.voice.snac import load_snac_geometry
from harness.core.records import Outcome
from harness.core.variants import load_variants
from tests._places import ROOT
from tests._systems import TEXT, speak

PAGE = (ROOT / "docs" / "backends.md").read_text(encoding="utf-8")
TOML = [re.sub(r"(?m)^   ", "", block) for block in re.findall(r"```toml\n(.*?)```", PAGE, re.S)]


@pytest.mark.parametrize("name", ["flite", "espeak"])
def test_the_five_minutes_speak_as_they_are_written(tmp_path: Path, name: str) -> None:
    program = {"flite": "flite", "espeak": "espeak-ng"}[name]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (apt-get install {program})")
    (block,) = [each for each in TOML if f"[variants.{name}]" in each]
    (tmp_path / "my.toml").write_text(block, encoding="utf-8")
    (own,) = load_variants(tmp_path / "my.toml")
    ADAPTERS.get(own.adapter).check(own)
    (reply,) = speak(own, tmp_path, [TEXT], seed=None if own.seed_policy == "none" else 1)
    assert reply.outcome is Outcome.OK and reply.samples is not None and len(reply.samples) > reply.sample_rate


def test_the_longer_example_is_understood(tmp_path: Path) -> None:
    (block,) = [each for each in TOML if "Codec tokens" in each]
    script = tmp_path / "my-tts"
    script.write_text(
        "#!/bin/sh\nread text\necho 'Codec tokens: [1, 2, 3, 4]' >&2\necho 'STOP token detected' >&2\n"
        "echo 'Range: -0.5 .. 0.25' >&2\nhead -c 48000 /dev/zero\n"
    )
    script.chmod(0o755)
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    path = tmp_path / "my.toml"
    path.write_text("[variants.mine]\nadapter = 'command'\nmodel = 'm.gguf'\n" + block, encoding="utf-8")
    (own,) = load_variants(path)
    (reply,) = speak(own, tmp_path, [TEXT])
    assert reply.outcome is Outcome.OK and reply.finish_reason == "stop"
    assert reply.tokens is not None and reply.tokens.tolist() == [[1, 2], [3, 4]]
    assert (reply.notes["range_low"], reply.notes["range_high"]) == (-0.5, 0.25)


def test_the_description_of_a_published_model_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.S)
    (tmp_path / "voice.json").write_text(block, encoding="utf-8")
    geometry = load_snac_geometry(tmp_path / "voice.json")
    assert json.loads(block)["kind"] == "snac"
    assert [book.offset for book in geometry.codebooks] == [128266 + slot * 4096 for slot in range(7)]
    assert geometry.frame_seconds == pytest.approx(2048 / 24000)
