"""Presets: every one loads as it is printed, its page shows the same, and real programs run from theirs."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.backends import ADAPTERS
from harness.corpora import load_corpus
from harness.errors import ConfigError
from harness.presets import load, names
from harness.types import Outcome

from ._systems import TEXT, judged, seen, speak, variant
from ._systems import names as faults

PAGES = Path(__file__).parents[1] / "docs" / "presets"


@pytest.mark.parametrize("name", names())
def test_a_preset_is_one_variant_of_its_name_and_its_page_shows_it(name: str) -> None:
    preset = load(name)
    text = preset.filled({})
    document = tomllib.loads(text)
    assert list(document["variants"]) == [name]
    assert document["variants"][name]["adapter"] in ADAPTERS
    assert preset.title and preset.needs and "@" not in text
    assert text.strip() in (PAGES / f"{name}.md").read_text()
    assert f"({name}.md)" in (PAGES / "README.md").read_text()


def test_values_are_set_safely_and_wrong_names_get_a_suggestion() -> None:
    path = 'C:\\voices\\my "best".gguf'
    document = tomllib.loads(load("piper").filled({"model": path}))
    assert document["variants"]["piper"]["model"] == path
    with pytest.raises(ConfigError, match=r"unknown key 'modell'.*did you mean 'model'"):
        load("piper").filled({"modell": "x"})
    with pytest.raises(ConfigError, match=r"unknown preset 'pipr'.*did you mean 'piper'"):
        load("pipr")


def test_the_command_lists_and_prints() -> None:
    def told(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "harness.cli", "presets", *words], check=True, capture_output=True, text=True
        ).stdout

    assert set(names()) == {line.split()[0] for line in told().splitlines()}
    assert told("flite", "--set", "voice=kal") == load("flite").filled({"voice": "kal"})


@pytest.mark.parametrize(("name", "rate"), [("espeak-ng", 22050), ("flite", None)])
def test_real_programs_of_debian_speak_from_their_presets(tmp_path: Path, name: str, rate: int | None) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (apt-get install {name})")
    found = variant(tmp_path, name)
    texts = [TEXT, *(chunk.text for chunk in load_corpus("sentences").chunks[2:7])]
    replies = speak(found, tmp_path, texts, seed=None)
    assert [reply.outcome for reply in replies] == [Outcome.OK] * 6
    assert rate is None or {reply.sample_rate for reply in replies} == {rate}
    gross = {"silence", "near-empty", "constant-dc", "nan-inf", "clipping", "short-repeat", "noise", "bad-wav"}
    for text, reply in zip(texts, replies, strict=True):
        assert not faults(judged(seen(found, reply, text))) & gross, text


def test_espeak_says_which_voice_is_missing_instead_of_falling_silent(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (apt-get install espeak-ng)")
    (reply,) = speak(variant(tmp_path, "espeak-ng", voice="zz-nobody"), tmp_path, [TEXT], seed=None)
    assert reply.outcome in (Outcome.ERROR, Outcome.NO_AUDIO) and "voice" in reply.detail + reply.stderr_tail
