"""Presets: every one loads as it is printed, its page shows the same, and real programs run from theirs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from harness.backends import ADAPTERS
from harness.backends.presets import names, read_preset
from harness.core.errors import ConfigError
from harness.core.records import Outcome, Variant
from tests._places import ROOT
from tests._systems import LONG, TEXT, judged, program, seen, speak, variant
from tests._systems import names as faults

PAGES = ROOT / "docs" / "presets"


@pytest.mark.parametrize("name", names())
def test_a_preset_is_one_variant_of_its_name_and_its_page_shows_it(name: str) -> None:
    preset = read_preset(name)
    text = preset.filled({})
    document = tomllib.loads(text)
    assert list(document["variants"]) == [name]
    assert document["variants"][name]["adapter"] in ADAPTERS
    assert preset.title and preset.needs and "@" not in text
    assert text.strip() in (PAGES / f"{name}.md").read_text()
    assert f"({name}.md)" in (PAGES / "README.md").read_text()


def test_values_are_set_safely_and_wrong_names_get_a_suggestion() -> None:
    path = 'C:\\voices\\my "best".gguf'
    document = tomllib.loads(read_preset("piper").filled({"model": path}))
    assert document["variants"]["piper"]["model"] == path
    with pytest.raises(ConfigError, match=r"unknown key 'modell'.*did you mean 'model'"):
        read_preset("piper").filled({"modell": "x"})
    with pytest.raises(ConfigError, match=r"unknown preset 'pipr'.*did you mean 'piper'"):
        read_preset("pipr")


def test_the_command_lists_and_prints() -> None:
    def told(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "harness.cli", "presets", *words], check=True, capture_output=True, text=True
        ).stdout

    assert set(names()) == {line.split()[0] for line in told().splitlines()}
    assert told("flite", "--set", "voice=kal") == read_preset("flite").filled({"voice": "kal"})


# ------------------------------------------------------ programs without weights here: stand-ins of their interface
@pytest.fixture
def llama_tts(tmp_path: Path) -> Variant:
    for name in ("oute.gguf", "vocoder.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    script = program(tmp_path, "llama_tts.py")
    return variant(tmp_path, "llama-tts", program=script, model="oute.gguf", vocoder=str(tmp_path / "vocoder.gguf"))


def test_llama_tts_gives_its_codes_and_the_same_sound_for_the_same_seed(llama_tts: Variant, tmp_path: Path) -> None:
    first, again = speak(llama_tts, tmp_path, [TEXT, TEXT])
    assert first.outcome is Outcome.OK and first.samples is not None and again.samples is not None
    assert first.tokens is not None and first.tokens.shape == (first.token_count, 1)
    assert len(first.samples) == first.token_count * 320 and first.sample_rate == 24000
    assert first.finish_reason == "stop"
    np.testing.assert_array_equal(first.samples, again.samples)
    payload = seen(llama_tts, first, TEXT, ("tokens",)).payload("tokens") or {}
    assert payload["codebooks"][0]["out_of_range"] == 0 and abs(payload["length_mismatch"]) < 1e-6


def test_llama_tts_cut_off_at_4096_tokens_is_a_runaway(
    llama_tts: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program says so by the number of its tokens alone."""
    monkeypatch.setenv("STANDIN_FAIL", "runaway")
    (reply,) = speak(llama_tts, tmp_path, [TEXT])
    assert reply.finish_reason == "length" and reply.token_count is not None and reply.token_count < 4096
    assert "runaway" in faults(judged(seen(llama_tts, reply, TEXT, ("tokens",))))


def test_llama_tts_without_a_single_code_is_an_error_with_its_line(
    llama_tts: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "no-codes")
    (reply,) = speak(llama_tts, tmp_path, [TEXT])
    assert reply.outcome is Outcome.ERROR and "llama_decode() failed" in reply.detail


def test_piper_speaks_from_stdin_at_the_rate_of_its_voice(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(b"onnx")
    (tmp_path / "voice.onnx.json").write_text('{"audio": {"sample_rate": 22050}}')
    piper = variant(tmp_path, "piper", program=program(tmp_path, "piper.py"), model=str(tmp_path / "voice.onnx"))
    assert piper.seed_policy == "none"
    short, long = speak(piper, tmp_path, [TEXT, LONG], seed=None)
    assert (short.outcome, long.outcome) == (Outcome.OK, Outcome.OK)
    assert short.samples is not None and long.samples is not None and short.sample_rate == 22050
    assert len(long.samples) > 3 * len(short.samples)  # the whole text, not its first line


def test_piper_without_its_voice_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "voice.onnx").write_bytes(b"onnx")
    piper = variant(tmp_path, "piper", program=program(tmp_path, "piper.py"), model=str(tmp_path / "voice.onnx"))
    (reply,) = speak(piper, tmp_path, [TEXT], seed=None)
    assert reply.outcome is Outcome.ERROR and "voice.onnx.json" in reply.detail
