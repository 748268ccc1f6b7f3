"""Teacher-forced divergence: its arithmetic, its process, and the embedded family for real."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.core.errors import MissingExtra
from harness.core.records import Request, Variant
from harness.corpora import load_corpus
from harness.experiments.divergence import (
    Divergence,
    DivergenceEstimate,
    Figures,
    Generation,
    NotMeasured,
    Slot,
    measure_divergence,
)
from harness.experiments.divergence.figures import summarise_divergence
from harness.experiments.divergence.measure import _ended
from harness.experiments.divergence.steps import join_steps, log_softmax, steps_of_generation
from harness.experiments.quantization.metrics import quantization_metrics
from harness.experiments.quantization.rank_correlation import (
    divergence_claim,
    foretelling,
    not_measured,
    rank_correlation,
)
from tests._places import ROOT

VOICE = ROOT / "voices" / "duo"
needs_llama = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None, reason="needs llama-cpp-python (extra 'divergence')"
)
SLOTS = [Slot("a", 0, 4), Slot("b", 4, 4), Slot("end", 8, 1, speech=False)]


STEADY = settings(derandomize=True, deadline=None, max_examples=50)


def logit_rows():
    shape = st.tuples(st.integers(1, 6), st.integers(2, 9))
    return shape.flatmap(
        lambda size: st.tuples(*[arrays(np.float32, size, elements=st.floats(-30, 30, width=32)) for _ in range(2)])
    )


# ------------------------------------------------------------------------------------------- arithmetic
@STEADY
@given(logit_rows())
def test_a_divergence_is_never_negative_and_agreement_is_symmetric(pair):
    tokens = np.zeros(len(pair[0]), int)
    there, back = steps_of_generation(*pair, tokens), steps_of_generation(pair[1], pair[0], tokens)
    assert (there.divergence >= 0).all()
    assert (there.agree == back.agree).all()
    assert there.surprise == pytest.approx(back.surprise0)
    assert (there.surprise >= 0).all()


@STEADY
@given(logit_rows())
def test_equal_logits_diverge_by_exactly_nothing(pair):
    tokens = np.full(len(pair[0]), 1)
    steps = steps_of_generation(pair[0], pair[0], tokens)
    assert (steps.divergence == 0.0).all()
    assert steps.agree.all()
    assert (steps.surprise == steps.surprise0).all()


@STEADY
@given(logit_rows(), st.floats(-50, 50, width=32), st.randoms(use_true_random=False))
def test_a_constant_added_or_another_order_of_the_vocabulary_changes_nothing(pair, offset, random):
    order = list(range(pair[0].shape[1]))
    random.shuffle(order)
    tokens = np.zeros(len(pair[0]), int)
    moved = [rows.astype(np.float64)[:, order] for rows in pair]
    plain = steps_of_generation(*pair, tokens)
    other = steps_of_generation(moved[0] + offset, moved[1], np.full(len(tokens), order.index(0)))
    assert other.divergence == pytest.approx(plain.divergence, abs=1e-9)
    assert other.surprise == pytest.approx(plain.surprise, abs=1e-9)


@STEADY
@given(logit_rows())
def test_the_divergence_is_that_of_scipy(pair):
    from scipy.stats import entropy

    p, q = (np.exp(log_softmax(rows)) for rows in pair)
    assert steps_of_generation(*pair, np.zeros(len(p), int)).divergence == pytest.approx(
        entropy(p, q, axis=1), rel=1e-6, abs=1e-9
    )


def test_blocks_of_rows_are_the_whole():
    rng = np.random.default_rng(0)
    first, second, spoken = rng.normal(size=(700, 9)), rng.normal(size=(700, 9)), rng.integers(0, 9, 700)
    steps = steps_of_generation(first, second, spoken)
    row = steps_of_generation(first[699:], second[699:], spoken[699:])
    assert steps.divergence[699] == row.divergence[0]
    assert list(steps.position[[0, 699]]) == [0, 699]


def test_logits_that_are_no_numbers_are_refused():
    rows = np.zeros((2, 4))
    rows[1, 2] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        steps_of_generation(np.zeros((2, 4)), rows, [0, 1])
    with pytest.raises(ValueError, match="do not fit"):
        steps_of_generation(np.zeros((2, 4)), np.zeros((2, 5)), [0, 1])


def test_perplexity_of_a_model_that_knows_nothing_is_its_vocabulary():
    spoken = np.arange(60) % 8
    figures = summarise_divergence(steps_of_generation(np.zeros((60, 9)), np.zeros((60, 9)), spoken), SLOTS, 1, seed=1)
    assert figures.speech.perplexity == pytest.approx(9.0)
    assert figures.speech.perplexity_ratio.value == 1.0


# ------------------------------------------------------------------------------------------- figures
def wrong_in(slot: Slot, chunks=6, steps=40):
    """Both models agree but for the tokens of one slot, where the variant is wrong."""
    rng, parts = np.random.default_rng(2), []
    for group in range(chunks):
        spoken = np.append(np.arange(steps) % 8, 8)
        first = rng.normal(size=(steps + 1, 9))
        first[np.arange(steps + 1), spoken] += 8.0
        second = first.copy()
        hit = (spoken >= slot.first) & (spoken < slot.first + slot.count)
        second[hit] = np.roll(second[hit], 1, axis=1)
        parts.append(steps_of_generation(first, second, spoken, group))
    return summarise_divergence(join_steps(parts), SLOTS, chunks, seed=1)


def test_a_harm_to_one_codebook_is_seen_in_its_slot_alone():
    figures = wrong_in(SLOTS[1])
    assert figures.slots["a"].divergence.value == 0.0 and figures.slots["a"].agreement.value == 1.0
    assert figures.slots["b"].divergence.value > 1.0 and figures.slots["b"].expected == 0.0
    assert figures.speech.divergence.value == pytest.approx(figures.slots["b"].divergence.value / 2)
    assert figures.speech.divergence.low is not None and figures.speech.divergence.low > 0


def test_markers_and_the_end_are_no_speech():
    figures = wrong_in(SLOTS[2])
    assert figures.slots["end"].divergence.value > 1.0
    assert figures.speech.divergence.value == 0.0
    assert sum(part.steps for part in figures.positions.values()) == figures.speech.steps == 6 * 40


def test_positions_tell_where_it_parts():
    spoken = np.arange(200) % 8
    rows = np.zeros((200, 9))
    other = rows.copy()
    other[130:, 0] = 3.0
    figures = summarise_divergence(steps_of_generation(rows, other, spoken), SLOTS, 1, seed=1)
    means = {place: part.divergence.value for place, part in figures.positions.items()}
    assert list(means) == ["0-31", "32-63", "64-127", "128-255"]
    assert means["64-127"] == 0.0 < means["128-255"]
    assert figures.speech.divergence.high is None  # one chunk has no interval


def test_ids_that_are_no_speech_are_said():
    with pytest.raises(ValueError, match="speech token"):
        summarise_divergence(steps_of_generation(np.zeros((2, 9)), np.zeros((2, 9)), [8, 8]), SLOTS, 1, seed=1)


# ------------------------------------------------------------------------------------------- what it says
def fed_with(value):
    """A divergence of this mean, in nats, with an interval of half to twice of it."""
    part = DivergenceEstimate(value, value / 2, value * 2)
    share = DivergenceEstimate(0.9, 0.8, 1.0)
    speech = Figures(100, 5, part, value, value, value, value, share, 3.2, 3.1, part, 0.9)
    return Divergence(speech, {}, {"0-31": speech}, chunks=5, generations=5)


def test_a_claim_holds_only_with_its_whole_interval():
    assert divergence_claim("q", fed_with(0.01), 0.05).passed is True
    assert divergence_claim("q", fed_with(0.2), 0.05).passed is False
    between = divergence_claim("q", fed_with(0.04), 0.05)
    assert between.passed is None and "too small to say" in between.statement
    missing = not_measured("q", "llama-cpp-python is not installed", 0.05)
    assert missing.passed is None and "not judged: llama-cpp-python" in missing.statement


def test_a_rank_correlation_counts_its_variants():
    correlation = rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], seed=1)
    assert correlation is not None and correlation.rho == pytest.approx(1.0)
    assert correlation.p_value == pytest.approx(2 / 120)  # exact: every pairing is tried
    few = rank_correlation([1, 2, 3, 4], [2, 4, 6, 8], seed=1)
    assert few is not None and few.p_value > 0.05  # four variants can never show it
    assert rank_correlation([1, 2, 3], [5, 5, 5], seed=1) is None
    assert rank_correlation([1, 2], [1, 2], seed=1) is None


@settings(STEADY, max_examples=10)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=5), st.integers(1, 4))
def test_a_rank_correlation_does_not_know_the_order_of_variants_or_the_scale(pairs, turn):
    moved = [(x**3, 2 * y + 1) for x, y in pairs[turn:] + pairs[:turn]]
    first, second = (rank_correlation(*zip(*rows, strict=True), seed=1) for rows in (pairs, moved))
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.rho == pytest.approx(second.rho) and first.p_value == pytest.approx(second.p_value)


def heard(kl, wer, faulty):
    nothing = quantization_metrics([], [], seed=1)
    words, share = nothing.wer.model_copy(update={"rate": wer}), replace(nothing.faulty, value=faulty)
    return replace(nothing, divergence=fed_with(kl), wer=words, faulty=share)


def test_whether_it_foretells_what_is_heard_is_said_with_the_number_of_variants():
    series = {f"q{i}": heard(0.01 * 4**i, 0.1 + 0.02 * i, 0.0) for i in range(5)}
    wer, faulty = foretelling("f16", series, seed=1)
    assert "n = 5" in wer.statement and "it foretells WER" in wer.statement
    assert wer.value == pytest.approx(1.0) and wer.passed is None
    assert "cannot tell" in faulty.statement and "the same for all 5" in faulty.statement
    few, _ = foretelling("f16", dict(list(series.items())[:2]), seed=1)
    assert "only 2 have both" in few.statement
    shuffled = {f"q{i}": heard(kl, wer, 0.0) for i, (kl, wer) in enumerate([(1, 3), (2, 1), (3, 2), (4, 5), (5, 4)])}
    assert "too little to say" in foretelling("f16", shuffled, seed=1)[0].statement


# ------------------------------------------------------------------------------------------- the process
def one(prompt=(1, 2), generated=(300, 400)):
    return [Generation("c", prompt, generated)]


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pip install llama-cpp-python"):
        measure_divergence(VOICE / "f16.gguf", VOICE / "q8_0.gguf", one(), SLOTS)


def test_nothing_to_feed_is_said():
    with pytest.raises(NotMeasured, match="no generation"):
        measure_divergence(VOICE / "f16.gguf", VOICE / "q8_0.gguf", one(generated=()), SLOTS)


@pytest.fixture
def child_that(tmp_path, monkeypatch):
    """Puts a library in llama_cpp's place that does this when it is imported in the child."""

    def arrange(code):
        (tmp_path / "llama_cpp.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())

    return arrange


def test_a_native_crash_ends_the_evaluation_and_nothing_else(child_that):
    child_that("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(NotMeasured, match=r"q8_0\.gguf: the evaluation was ended by SIGSEGV"):
        measure_divergence(VOICE / "f16.gguf", VOICE / "q8_0.gguf", one(), SLOTS)


def test_a_hang_is_ended(child_that):
    child_that("import time; time.sleep(600)")
    with pytest.raises(NotMeasured, match="took longer than 5 s"):
        measure_divergence(VOICE / "f16.gguf", VOICE / "q8_0.gguf", one(), SLOTS, timeout=5.0)


def test_ends_are_named():
    assert _ended(-signal.SIGABRT) == "was ended by SIGABRT"
    assert _ended(2) == "failed"
    assert _ended(7) == "ended with exit code 7"


@needs_llama
def test_what_cannot_be_used_is_one_line(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(NotMeasured) as error:
        measure_divergence(VOICE / "f16.gguf", broken, one(), SLOTS)
    assert "broken.gguf" in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(NotMeasured, match="token 9999 is beyond the vocabulary of 4096"):
        measure_divergence(VOICE / "f16.gguf", VOICE / "q8_0.gguf", one(generated=(9999,)), SLOTS)


# ------------------------------------------------------------------------------------------- the embedded family
@pytest.fixture(scope="module")
def family():
    """Two sentences that f16 spoke greedily, as ids, and what the ids mean."""
    from harness.backends.llama_codec import LlamaCodec

    backend = LlamaCodec()
    settings = {"model": str(VOICE / "f16.gguf"), "voice_dir": str(VOICE), "temperature": 0.0, "segment_phones": 60}
    details = backend.load(Variant("f16", "llama_codec", settings)).details
    generations = []
    try:
        for chunk in load_corpus("sentences").chunks[:3]:
            asked = Request(chunk.id, chunk.text, 7, overrides={"note_ids": True})
            for spoken in backend.synthesize(asked, lambda: None).notes["generations"]:
                generations.append(Generation(chunk.id, tuple(spoken["prompt"]), tuple(spoken["tokens"])))
    finally:
        backend.close()
    named = details["token_slots"]
    slots = [Slot(name, *where) for name, where in named["speech"].items()]
    slots += [Slot(name, *where, speech=False) for name, where in named["control"].items()]
    return generations, slots


def fed(family, name):
    generations, slots = family
    return measure_divergence(VOICE / "f16.gguf", VOICE / f"{name}.gguf", generations, slots, seed=1)


@needs_llama
def test_f16_against_itself_diverges_by_exactly_nothing(family):
    figures = fed(family, "f16")
    assert figures.speech.divergence.value == figures.speech.divergence_max == 0.0
    assert figures.speech.agreement.value == 1.0
    assert figures.speech.perplexity == figures.speech.perplexity_reference
    assert set(figures.slots) == {"stage1", "stage2", "prosody", "marker", "phone", "end"}


@needs_llama
def test_what_f16_spoke_greedily_is_what_it_expects_when_fed(family):
    """Another build of llama.cpp, whole prompts at once: all but ties must be the token that was generated."""
    figures = fed(family, "f16")
    assert figures.speech.expected > 0.99
    assert figures.speech.steps > 300


@needs_llama
def test_coarser_quantizations_diverge_more(family):
    rows = [fed(family, name).speech for name in ("q8_0", "q4_k_s", "q2_k")]
    means = [row.divergence.value for row in rows]
    assert 0 < means[0] < means[1] / 5 < means[2] / 25
    assert rows[0].agreement.value > rows[1].agreement.value > rows[2].agreement.value
    assert rows[2].perplexity_ratio.value > 1.02


@needs_llama
def test_the_child_says_nothing_on_stdout_and_leaves_no_process(family, tmp_path):
    generations, _ = family
    sizes = [[0, len(generations[0].prompt), len(generations[0].generated)]]
    ids = np.array([*generations[0].prompt, *generations[0].generated])
    np.savez(tmp_path / "ids.npz", ids=ids, sizes=np.array(sizes))
    files = [VOICE / "f16.gguf", VOICE / "q8_0.gguf", tmp_path / "ids.npz", tmp_path / "steps.npz"]
    root = str(VOICE.parents[1])
    done = subprocess.run(
        [sys.executable, "-m", "harness.experiments.divergence.child", *map(str, files)],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert done.returncode == 0 and done.stdout == b""
    with np.load(files[3]) as stored:
        assert len(stored["divergence"]) == sizes[0][2]
