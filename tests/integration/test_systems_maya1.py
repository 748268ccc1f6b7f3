"""Maya1 through MayaBook: both functions driven unchanged, and each judging item of the report about them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.backends.worker import Worker
from harness.core.records import Chunk, Outcome, Request, SeedPolicy, Variant
from harness.engine.session import PlannedRequest, Session
from harness.experiments.sweep.run import SweepSettings, at_setting, combinations
from harness.store import Run
from tests._systems import LONG, STANDINS, TEXT, judged, names, needs_flite, reference_of, seen, speak, variant

FRAME = 2048


def _variant(tmp_path: Path, preset: str) -> Variant:
    core = tmp_path / "core"
    core.mkdir(exist_ok=True)
    for name in ("tts_maya1_local", "tts_maya1_hf"):
        (core / f"{name}.py").write_text(f"import sys\nsys.path.insert(0, {str(STANDINS)!r})\nfrom maya1 import *\n")
    return variant(tmp_path, preset, folder=str(tmp_path), model="model.gguf", python=sys.executable)


@pytest.fixture
def local(tmp_path: Path) -> Variant:
    return _variant(tmp_path, "maya1-gguf")


@pytest.fixture
def hf(tmp_path: Path) -> Variant:
    return _variant(tmp_path, "maya1-hf")


def test_both_functions_are_driven_unchanged_and_their_log_counts_tokens(
    local: Variant, hf: Variant, tmp_path: Path
) -> None:
    for driven in (local, hf):
        (reply,) = speak(driven, tmp_path, [TEXT])
        assert reply.outcome is Outcome.OK and reply.samples is not None and reply.token_count
        assert len(reply.samples) == (reply.token_count // 7 - 1) * FRAME
        assert reply.notes["attempts"] == 1


def test_the_cap_of_2500_tokens_is_a_runaway(local: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2,500 tokens are 30.29 s by the arithmetic of frames; the count alone says what happened."""
    monkeypatch.setenv("STANDIN_FAIL", "runaway")
    (reply,) = speak(local, tmp_path, [TEXT])
    assert reply.token_count == 2500 and reply.samples is not None
    assert len(reply.samples) / 24000 == pytest.approx((2500 // 7 - 1) * FRAME / 24000)
    view = seen(local, reply, TEXT)
    assert (view.payload("tokens") or {})["cap_hit"] is True
    assert "runaway" in names(judged(view))


def test_1996_tokens_below_the_cap_are_no_runaway(local: Variant, tmp_path: Path) -> None:
    (reply,) = speak(local, tmp_path, [LONG])
    assert reply.token_count is not None and reply.token_count < 2500
    assert "runaway" not in names(judged(seen(local, reply, LONG)))


def test_chunk_1_repeats_itself_under_the_local_functions_own_seed(local: Variant, tmp_path: Path) -> None:
    first, _, again = speak(local, tmp_path, [TEXT, LONG, TEXT], seed=None)
    assert first.samples is not None and again.samples is not None
    np.testing.assert_array_equal(first.samples, again.samples)


def test_unseeded_sampling_differs_without_any_contamination_and_seeding_it_makes_a_control(
    hf: Variant, tmp_path: Path
) -> None:
    """The trap of the report: "different" proves nothing until the generators are seeded."""
    unseeded = replace(hf, settings={**hf.settings, "seed_generators": False})
    free = speak(unseeded, tmp_path, [TEXT, TEXT])
    spoken = speak(hf, tmp_path, [TEXT, TEXT])
    fresh = speak(hf, tmp_path, [TEXT])
    assert free[0].samples is not None and free[1].samples is not None and spoken[0].samples is not None
    assert not np.array_equal(free[0].samples, free[1].samples)
    np.testing.assert_array_equal(spoken[0].samples, spoken[1].samples)
    np.testing.assert_array_equal(spoken[0].samples, fresh[0].samples)


def test_contamination_shows_against_the_fresh_process_control(
    hf: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "bleed")
    _, after = speak(hf, tmp_path, [LONG, TEXT])
    (fresh,) = speak(hf, tmp_path, [TEXT])
    assert after.samples is not None and fresh.samples is not None
    assert len(after.samples) > len(fresh.samples) * 1.5


def test_the_functions_own_retries_are_on_record(hf: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "quiet-first")
    (reply,) = speak(hf, tmp_path, [TEXT])
    assert reply.outcome is Outcome.OK and reply.notes["attempts"] == 2


def test_silence_after_three_tries_is_found(hf: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_FAIL", "silent")
    (reply,) = speak(hf, tmp_path, [TEXT])
    assert reply.notes["attempts"] == 3
    assert "silence" in names(judged(seen(hf, reply, TEXT)))


def test_a_hundred_consecutive_chunks_by_one_living_interpreter(hf: Variant, tmp_path: Path) -> None:
    replies = speak(hf, tmp_path, [f"{TEXT} {number}" for number in range(100)])
    assert [reply.outcome for reply in replies] == [Outcome.OK] * 100


WORDS = "The kettle is on and the door is open. Come in and sit by the fire until the rain is over."
HEARD = ("signal", "pitch", "intelligibility", "edit_likelihood")


@needs_flite
@pytest.mark.parametrize(
    ("damage", "fault"),
    [("cut-short", "truncation"), ("babble-tail", "gibberish-tail"), ("say-again", "loop")],
)
def test_missing_ending_gibberish_tail_and_loop_are_told_apart(
    hf: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, fault: str
) -> None:
    """The faults of chunks 1, 100 and 486, by their names, against the same text spoken well."""
    monkeypatch.setenv("STANDIN_VOICE", "flite")
    (good,) = speak(hf, tmp_path, [WORDS])
    reference = reference_of(seen(hf, good, WORDS, HEARD))
    monkeypatch.setenv("STANDIN_FAIL", damage)
    (bad,) = speak(hf, tmp_path, [WORDS])
    assert fault in names(judged(seen(hf, bad, WORDS, HEARD, reference=reference)))
    assert fault not in names(judged(seen(hf, good, WORDS, HEARD, reference=reference)))


def test_reload_every_n_clears_what_bleeds_from_chunk_to_chunk(
    hf: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report's experiment: every 10 of 100; here 4 of 8. The first chunk of an epoch is as in a fresh process."""
    monkeypatch.setenv("STANDIN_FAIL", "bleed")
    reloading = replace(hf, reload_every=4, seed_policy=SeedPolicy.FIXED)
    chunks = [Chunk(f"c{i}", TEXT, position=i) for i in range(8)]
    with Run.create(tmp_path / "runs", {"suite": "stress", "variants": []}) as run:
        row = run.begin_session(reloading.name, "soak", [chunk.id for chunk in chunks])
        session = Session(run, reloading, Worker(reloading, tmp_path / "work"), row)
        session.open()
        try:
            spoken = list(session.speak(PlannedRequest(chunk) for chunk in chunks))
        finally:
            session.close()
        assert [epoch.reason for epoch in run.epochs(row)] == ["start", "reload"]
    lengths = [attempt.duration or 0.0 for attempt in spoken]
    assert lengths[0] == lengths[4]
    assert min(lengths[1:4] + lengths[5:]) > 1.3 * lengths[0]


def test_the_sweep_of_15_temperatures_finds_where_it_runs_away(
    hf: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.30 to 1.00 in steps of 0.05, as suites/sweep derives them; the stand-in runs to its cap above 0.8."""
    monkeypatch.setenv("STANDIN_FAIL", "hot")
    grid = {"arguments.temperature": [round(0.30 + 0.05 * i, 2) for i in range(15)]}
    derived = [at_setting(hf, setting) for setting in combinations(SweepSettings(grid=grid))]
    assert len({altered.name for altered in derived}) == 15
    worker = Worker(hf, tmp_path / "work")
    worker.start()
    try:
        hot = []
        for altered in derived:
            arguments = altered.settings["arguments"]
            assert arguments["top_p"] == 0.92  # the rest of the table stays
            reply = worker.request(Request("c", TEXT, 5, altered.voice, overrides={"arguments": arguments}))
            if "runaway" in names(judged(seen(altered, reply, TEXT, ("tokens",)))):
                hot.append(arguments["temperature"])
    finally:
        worker.stop()
    assert hot == [0.85, 0.9, 0.95, 1.0]
