"""The end of a session: final verdicts in the journal beside the provisional ones, the same after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.audio import write_wav
from harness.core.records import Arm, Attempt, Chunk, Corpus, Measurement, Status, Variant, VerdictWord
from harness.engine.assessor import PendingVerdict
from harness.engine.engine import Engine
from harness.engine.final import finalise
from harness.engine.plan import Plan
from harness.report.headline import headline
from harness.report.summarise import share
from harness.report.summary import (
    CharacterErrors,
    ClaimFigures,
    CorpusFigures,
    RunSummary,
    SpeakerSimilarity,
    SpeedFigures,
    TokenFigures,
    VariantSummary,
    WordErrors,
)
from harness.store import Run
from harness.verdicts import Limits, Priors, VerdictPolicy

MUFFLED = 17  # position of the chunk that is three times narrower than the others


def observed(position: int) -> dict[str, Measurement]:
    rng = np.random.default_rng(position)
    edge = float(rng.normal(9000, 90))
    payload = {
        "duration": float(rng.normal(3.0, 0.1)),
        "rolloff99_hz": edge / 3 if position == MUFFLED else edge,
        "active_rms_dbfs": float(rng.normal(-22, 0.4)),
        "active_fraction": 0.9,
        "peak_dbfs": -3.0,
        "sample_rate": 24000,
    }
    vector = rng.normal(0, 0.01, 256) + np.eye(256)[0]
    speaker = {"encoder": "e", "embedding": vector.tolist(), "similarity": None, "speech_seconds": 3.0}
    return {
        "signal": Measurement("signal", "2", Status.OK, payload),
        "speaker": Measurement("speaker", "1", Status.OK, speaker),
    }


def cases(run: Run, session: int, count: int) -> list[PendingVerdict]:
    """Chunks as the soak leaves them: spoken, scored, judged provisionally, all of it journalled."""
    variant, judge = Variant("v", "null"), VerdictPolicy(Limits.default(Priors()))
    cases = []
    for position in range(count):
        chunk = Chunk(f"c{position}", "one two three four five six seven eight nine ten", position=position)
        attempt = run.record_attempt(Attempt(session, 0, position, chunk.id, "v", duration=3.0), None)
        case = PendingVerdict(attempt, chunk, variant, judge, None, None, observations=observed(position))
        assert attempt.id is not None
        run.record_observations(attempt.id, list(case.observations.values()))
        case.evidence = judge.evidence(case.view())
        case.verdict = judge.verdict(case.view(), case.evidence)
        run.record_evidence(attempt.id, case.evidence)
        run.record_verdict(attempt.id, case.verdict, judge.limits.key)
        cases.append(case)
    return cases


def again(run: Run, before: list[PendingVerdict]) -> list[PendingVerdict]:
    """The same cases as a resumed run reads them from the journal."""
    return [
        PendingVerdict(
            case.attempt,
            case.chunk,
            case.variant,
            case.judge,
            None,
            None,
            observations=run.observations(case.attempt.id or 0),
            evidence=list(run.evidence(case.attempt.id or 0).values()),
            verdict=run.verdict(case.attempt.id or 0),
        )
        for case in before
    ]


@pytest.fixture
def run(tmp_path: Path):
    run = Run.create(tmp_path, {"corpus": {"texts": []}})
    session = run.begin_session("v", "soak", [])
    run.begin_epoch(session, "start", {})
    yield run
    run.close()


def test_what_stands_apart_is_named_in_the_end_and_the_journal_keeps_both_verdicts(run):
    spoken = cases(run, 1, 45)
    live = run.verdict(spoken[MUFFLED].attempt.id)
    assert not live.final and "bandwidth" not in {f.fault for f in live.findings}
    ended = finalise(run, spoken, Priors())
    final = run.verdict(spoken[MUFFLED].attempt.id)
    assert final.final and "bandwidth" in {f.fault for f in final.findings}
    assert {used.detector for used in final.limits if used.source.startswith("this run")} >= {"bandwidth", "overlong"}
    assert [case.attempt.id for case in ended.cases] == [case.attempt.id for case in spoken]
    rows = run._journal.query(
        "SELECT final FROM verdicts WHERE attempt_id = ? ORDER BY id", (spoken[MUFFLED].attempt.id,)
    )
    assert [row[0] for row in rows] == [0, 1]


def test_an_interrupted_run_ends_with_the_same_verdicts(run):
    spoken = cases(run, 1, 45)
    finalise(run, spoken, Priors())
    first = [run.verdict(case.attempt.id) for case in spoken]
    finalise(run, again(run, spoken), Priors())
    second = [run.verdict(case.attempt.id) for case in spoken]
    assert second == first
    assert [verdict.limits for verdict in second] == [verdict.limits for verdict in first]


def test_a_voice_without_a_prompt_is_compared_with_the_runs_own(run):
    spoken = cases(run, 1, 45)
    finalise(run, spoken, Priors())
    heard = run.observations(spoken[0].attempt.id)["speaker"].payload
    assert heard["similarity"] > 0.5 and heard["against"] == "this run"


def test_few_chunks_get_final_verdicts_too(run):
    spoken = cases(run, 1, 5)
    finalise(run, spoken, Priors())
    assert all(run.verdict(case.attempt.id).final for case in spoken)


def test_what_is_found_in_a_recording_stays_suspected_and_says_why(tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    write_wav(clips / "a.wav", np.zeros(16000, np.float32), 16000, "FLOAT")
    (clips / "metadata.csv").write_text("a|good morning\n", encoding="utf-8")
    chunk = Chunk("a", "good morning")
    variant = Variant("r", "recorded", {"manifest": str(clips / "metadata.csv"), "audio_dir": str(clips)})
    corpus = Corpus("one", (chunk,), "0" * 64)
    plan = Plan("stress", corpus, (variant,), {"r": ("a",)}, tmp_path / "reports", {"signal": {}}, quiet_chunks=0)
    with Run.open(Engine(plan).run()) as run:
        (verdict,) = run.verdicts(arm=Arm.SOAK).values()
        assert verdict.word is VerdictWord.FAULTY
        assert verdict.findings[0].confirmed is None and verdict.findings[0].bound_to is None
        assert "a recording cannot be replayed" in verdict.findings[0].detail
        assert len(run.attempts()) == 1, "nothing was spoken again"


def test_the_first_line_of_the_report_says_what_all_chunks_share():
    claims = [
        ClaimFigures(name="fault-rate", passed=True, statement="0 of 9"),
        ClaimFigures(name="as-a-whole", passed=None, statement="every chunk is muffled above 3.4 kHz", urgent=True),
    ]
    row = VariantSummary(
        chunks=9, clean=9, faulty=0, not_judged=0, fault_rate=share(0, 9), faults={}, not_judged_because={},
        wer=WordErrors(), cer=CharacterErrors(), claims=claims, peak_memory_bytes=None,
        speaker_similarity=SpeakerSimilarity(encoder=None, mean=None, p5=None, chunks=0),
        rtfx=SpeedFigures(value=None), tokens=TokenFigures(mean=None, p5=None, p95=None, cap_hits=None, chunks=0),
    )  # fmt: skip
    corpus = CorpusFigures(name="book", sha256="00")
    summary = RunSummary(
        run_id="r", suite="stress", status="finished", provenance={"command": []}, corpus=corpus, variants={"v": row}
    )
    said = headline("v", row, summary)
    assert said.why.endswith("every chunk is muffled above 3.4 kHz") and said.word == "passes"
