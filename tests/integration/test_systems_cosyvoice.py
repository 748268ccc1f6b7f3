"""CosyVoice3 in GGUF: each judging item of the report about it, shown on a program with the same interface."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.core.records import Outcome, Variant, VerdictWord
from harness.corpora import load_corpus
from tests._places import ROOT
from tests._systems import LONG, TEXT, judged, names, needs_flite, program, reference_of, seen, speak, variant

EMBEDDED = ROOT / "voices" / "duo" / "q4_k_s.gguf"


def cosyvoice(folder: Path, preset: str) -> Variant:
    return variant(
        folder,
        preset,
        program=program(folder, "cosyvoice_cli.py"),
        model="model.gguf",
        prompt=str(folder / "prompt.gguf"),
        voice_wav="reference.wav",
    )


@pytest.fixture
def one_shot(tmp_path: Path) -> Variant:
    return cosyvoice(tmp_path, "cosyvoice-cli")


@pytest.fixture
def living(tmp_path: Path) -> Variant:
    return cosyvoice(tmp_path, "cosyvoice-interactive")


@pytest.mark.parametrize("flavour", ["float", "pcm16"])
def test_float32_and_pcm16_wavs_are_read_alike(
    one_shot: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flavour: str
) -> None:
    monkeypatch.setenv("STANDIN_WAV", flavour)
    (reply,) = speak(one_shot, tmp_path, [TEXT])
    assert reply.outcome is Outcome.OK and reply.sample_rate == 24000 and reply.samples is not None
    assert 0.1 < float(np.abs(reply.samples).max()) <= 1.0  # the report's parser saw PCM16 as other numbers


def test_four_sample_loop_is_found_wherever_it_is(
    one_shot: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "loop4")
    (reply,) = speak(one_shot, tmp_path, [LONG])
    view = seen(one_shot, reply, LONG)
    (finding,) = [f for f in judged(view).findings if f.fault == "short-repeat"]
    assert "period of 4 samples" in finding.detail
    assert finding.span is not None and finding.span[0] > 3.0  # in the second half, far from samples 100 to 119


def test_a_quiet_lead_in_is_no_loop_though_the_reports_own_check_says_so(one_shot: Variant, tmp_path: Path) -> None:
    (reply,) = speak(one_shot, tmp_path, [TEXT])
    assert reply.samples is not None
    quiet = np.concatenate([np.zeros(4800, np.float32), reply.samples])
    assert all(abs(quiet[i] - quiet[i + 4]) < 1e-4 for i in range(100, 120))
    object.__setattr__(reply, "samples", quiet)
    assert "short-repeat" not in names(judged(seen(one_shot, reply, TEXT)))


def test_segfault_beyond_273_tokens_is_a_result_with_its_input(
    one_shot: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "segfault")
    replies = speak(one_shot, tmp_path, [TEXT, LONG, TEXT])
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.CRASH, Outcome.OK]
    assert "SIGSEGV" in replies[1].detail and "ne[1] > 0xFFFF" in replies[1].stderr_tail
    assert "crash" in names(judged(seen(one_shot, replies[1], LONG)))


def test_of_13_sentences_the_9_near_empty_ones_are_named(
    living: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [chunk.text for chunk in load_corpus("sentences").chunks]
    assert len(texts) == 13
    broken = sorted(texts, key=len)[-9:]
    (tmp_path / "broken.txt").write_text("\n".join(broken))
    monkeypatch.setenv("STANDIN_FAIL", "near-empty")
    monkeypatch.setenv("STANDIN_TEXTS", str(tmp_path / "broken.txt"))
    damaged = speak(living, tmp_path, texts)
    monkeypatch.setenv("STANDIN_FAIL", "")
    healthy = speak(living, tmp_path, texts)
    named = []
    for text, reply, usual in zip(texts, damaged, healthy, strict=True):
        reference = reference_of(seen(living, usual, text))
        verdict = judged(seen(living, reply, text, reference=reference))
        if "near-empty" in names(verdict):
            named.append(text)
    assert sorted(named) == sorted(broken)


@needs_flite
def test_speech_like_sound_without_words_is_unintelligible(
    one_shot: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loudness contour and spectra of speech: only a recognizer tells."""
    scorers = ("signal", "pitch", "intelligibility")
    monkeypatch.setenv("STANDIN_VOICE", "flite")
    text = "The kettle is on and the door is open."
    (said,) = speak(one_shot, tmp_path, [text])
    monkeypatch.setenv("STANDIN_FAIL", "unintelligible")
    (noise,) = speak(one_shot, tmp_path, [text])
    healthy, broken = (seen(one_shot, reply, text, scorers) for reply in (said, noise))
    rates = [(view.payload("intelligibility") or {})["wer"]["rate"] for view in (healthy, broken)]
    assert rates[0] < 0.5 < rates[1]
    verdict = judged(seen(one_shot, noise, text, scorers, reference=reference_of(healthy)))
    assert verdict.word is VerdictWord.FAULTY
    assert names(verdict) & {"unintelligible", "skipped-words", "truncation"}


def test_state_is_tested_on_the_living_program_with_seeds_that_hold(living: Variant, tmp_path: Path) -> None:
    """A, B, A with one seed in one process, and what the program says of its seed."""
    first, between, again = speak(living, tmp_path, [TEXT, LONG, TEXT], seed=7)
    assert first.samples is not None and again.samples is not None and between.outcome is Outcome.OK
    np.testing.assert_array_equal(first.samples, again.samples)
    assert [reply.notes["said_seed"] for reply in (first, between, again)] == [7, 7, 7]
    assert [reply.notes["audio_number"] for reply in (first, between, again)] == [1, 2, 3]


def test_a_seed_that_the_living_program_ignores_shows(
    living: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "ignores-seed")
    first, again = speak(living, tmp_path, [TEXT, TEXT], seed=7)
    assert first.notes["said_seed"] != 7 and first.notes["said_seed"] != again.notes["said_seed"]


def test_the_living_program_that_dies_is_restarted(
    living: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "segfault")
    replies = speak(living, tmp_path, [TEXT, LONG, TEXT])
    assert [reply.outcome for reply in replies] == [Outcome.OK, Outcome.CRASH, Outcome.OK]
    assert [reply.notes.get("audio_number") for reply in replies] == [1, None, 1]


def test_the_server_is_driven_with_the_seed_at_the_top_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.txt").write_text(LONG)
    monkeypatch.setenv("STANDIN_FAIL", "abort")
    monkeypatch.setenv("STANDIN_TEXTS", str(tmp_path / "bad.txt"))
    server = program(tmp_path, "cosyvoice_server.py")
    server_variant = variant(
        tmp_path, "cosyvoice-server", program=server, model="model.gguf", prompt=str(tmp_path / "prompt.gguf")
    )
    first, again, dead, after = speak(server_variant, tmp_path, [TEXT, TEXT, LONG, TEXT], seed=9)
    (other,) = speak(server_variant, tmp_path, [TEXT], seed=10)
    assert dead.outcome is Outcome.CRASH and "SIGABRT" in dead.detail
    assert first.samples is not None and other.samples is not None
    np.testing.assert_array_equal(first.samples, again.samples)
    np.testing.assert_array_equal(first.samples, after.samples)
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.skipif(not EMBEDDED.is_file(), reason=f"the embedded voice is not there ({EMBEDDED.name})")
def test_with_the_embedded_voice_inside(living: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_VOICE", "embedded")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    first, again = speak(living, tmp_path, [TEXT, TEXT])
    assert first.outcome is Outcome.OK and first.samples is not None
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not names(judged(seen(living, first, TEXT))) & {"near-empty", "silence", "noise", "short-repeat", "clipping"}


def test_the_voice_can_be_made_once_by_itself(tmp_path: Path) -> None:
    import subprocess

    command = [program(tmp_path, "cosyvoice_cli.py"), "--frontend-only", "--speech-tokenizer", "a", "--campplus", "b"]
    rest = ["--prompt-audio", "c", "--prompt-text", "d", "--prompt-speech-output", str(tmp_path / "p.gguf")]
    subprocess.run([*command, *rest], check=True)
    assert (tmp_path / "p.gguf").is_file()


def test_memory_that_grows_with_length_is_on_record_for_every_chunk(
    one_shot: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """27 tensors of 200 MB and more at 624 tokens: the peak of the program itself, beside each chunk's length."""
    monkeypatch.setenv("STANDIN_FAIL", "memory")
    short, long = speak(one_shot, tmp_path, [TEXT, LONG])
    assert short.samples is not None and long.samples is not None
    assert short.peak_rss_bytes is not None and long.peak_rss_bytes is not None
    tokens = [len(reply.samples) / 960 for reply in (short, long) if reply.samples is not None]
    grown = long.peak_rss_bytes - short.peak_rss_bytes
    assert grown == pytest.approx(400_000 * (tokens[1] - tokens[0]), rel=0.3)


def test_a_matrix_of_quantization_and_reference_shows_which_of_the_two_matters(
    one_shot: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follow-up found that most chunks are near-empty with one voice and none with another, at any quantization."""
    monkeypatch.setenv("STANDIN_FAIL", "natural-prompt")
    texts = [chunk.text for chunk in load_corpus("sentences").chunks[:5]]
    short: dict[tuple[str, str], int] = {}
    for model in ("Q4_K_S", "Q8_0"):
        for voice in ("natural", "synthetic"):
            prompt, weights = tmp_path / f"{voice}.gguf", tmp_path / f"{model}.gguf"
            prompt.write_bytes(voice.encode())
            weights.write_bytes(b"GGUF")
            command = [str(prompt) if part.endswith("prompt.gguf") else part for part in one_shot.settings["command"]]
            settings = {**one_shot.settings, "command": command, "model": str(weights)}
            replies = speak(replace(one_shot, name=f"{model}-{voice}", settings=settings), tmp_path, texts)
            assert all(reply.outcome is Outcome.OK for reply in replies)
            short[model, voice] = sum(len(r.samples) < 0.5 * 24000 for r in replies if r.samples is not None)
    assert short["Q4_K_S", "natural"] == short["Q8_0", "natural"] >= 2
    assert short["Q4_K_S", "synthetic"] == short["Q8_0", "synthetic"] == 0
