"""Reference profiles and calibration: built from recorded takes, stored small, honest about broken material."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.core.errors import ConfigError
from harness.core.records import (
    Attempt,
    Chunk,
    DetectorInput,
    Json,
    Measurement,
    Outcome,
    Status,
    Variant,
    Verdict,
    VerdictWord,
)
from harness.stats import tail_limit
from harness.text import TEXT_VERSION
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.calibration import calibrate, calibrate_takes
from harness.verdicts.profile import Profile, Take, build_profile, from_takes, text_key

ONSETS, VOWELS = ("b", "dr", "f", "gl", "k", "m", "st", "v"), ("a", "e", "ai", "o", "ou", "i")
WORDS = [a + v + b + w for a in ONSETS for v in VOWELS for b in ("n", "rt", "l") for w in ("", "er", "y")]


def chunk(number: int) -> Chunk:
    rng = np.random.default_rng(number)
    words = [str(w) for w in rng.choice(WORDS, 10 + number % 20, replace=False)]
    return Chunk(f"c{number}", " ".join(words), position=number)


def _edit(kind: str, first: int, after: int, gain: float) -> dict[str, Any]:
    return {"kind": kind, "ref": [first, after], "said": [], "gain": gain, "second": None, "span": [0.0, 0.0]}


def take(of: Chunk, seed: int, **changes: Mapping[str, Any]) -> Take:
    """One healthy take: a fifth of the words misheard, timing as speakers vary it."""
    rng = np.random.default_rng([seed, of.position])
    words, clock = [], 0.1
    for word in of.text.split():
        length = 0.3 * float(np.exp(rng.normal(0, 0.15)))
        heard = "zzyqx" if rng.random() < 0.2 else word
        words.append({"word": heard, "start": clock, "end": clock + length, "probability": 0.5})
        clock += length
    hypothesis = " ".join(str(w["word"]) for w in words)
    wrong = sum(w["word"] == "zzyqx" for w in words)
    level = float(rng.normal(-20, 0.4))
    signal = {
        "duration": clock + 0.1, "speech_start": 0.1, "speech_end": clock, "pauses": [], "peak_dbfs": -3.0,
        "active_rms_dbfs": level, "loudness_lufs": level + 1, "active_fraction": 0.9, "nonfinite_fraction": 0.0,
        "clipped_fraction": 0.0, "clipped_longest_run": 0, "over_one_fraction": 0.0, "rail_jumps": 0,
        "constant": False, "noise_floor_dbfs": float(rng.normal(-75, 1.5)),
        "dc_ratio": abs(float(rng.normal(0, 0.002))), "envelope_cv": float(rng.normal(1.2, 0.08)),
        "rolloff99_hz": float(rng.normal(5000, 150)), "longest_pause": {}, "spans": {},
        "periodic": {"ratio": float(rng.uniform(0.01, 0.05)), "period": 5},
    }  # fmt: skip
    pitch = {
        "f0_median_hz": float(rng.normal(175, 4)), "voiced_fraction": float(rng.normal(0.8, 0.02)),
        "voiced_seconds": clock * 0.6,
        "periodicity_db_halves": [float(rng.normal(12, 0.7)), float(rng.normal(12, 0.7))],
    }  # fmt: skip
    embedding = rng.normal(0, 0.05, 8) + np.arange(8)
    payloads: dict[str, Any] = {
        "signal": signal,
        "pitch": pitch,
        "tokens": {"count": int(75 * clock), "frames": int(25 * clock), "cap": 4000, "cap_hit": False, "codebooks": []},
        "speaker": {
            "encoder": "test", "embedding": embedding.tolist(), "similarity": None, "speech_seconds": clock
        },
        "intelligibility": {
            "reference": of.text, "hypothesis": hypothesis, "words": words,
            "wer": {"errors": wrong, "words": len(words)}, "cer": {"errors": 5 * wrong, "characters": len(of.text)},
        },
    }  # fmt: skip
    payloads["edit_likelihood"] = {
        "words": [{**word, "word": written} for word, written in zip(words, of.text.split(), strict=True)],
        "edits": [_edit("omit", 3, 4, float(rng.normal(-5, 1.5))), _edit("repeat", 6, 7, float(rng.normal(-9.5, 0.8)))],
        "unexplained": [],
    }
    for scorer, change in changes.items():
        payloads[scorer] = {**payloads[scorer], **change}
    observations = {name: Measurement(name, "1", Status.OK, payload) for name, payload in payloads.items()}
    attempt = Attempt(
        0, 0, of.position, of.id, "f16", take=seed, seed=seed, duration=clock + 0.1, token_count=int(75 * clock)
    )
    return Take(of, attempt, observations)


def healthy(texts: int = 90, seeds: int = 3) -> list[Take]:
    return [take(chunk(n), seed) for n in range(texts) for seed in range(seeds)]


@dataclass
class FakeRun:
    """A run as a profile sees it."""

    gathered: list[Take]
    manifest: Json = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = {t.chunk.id: {"id": t.chunk.id, "text": t.chunk.text, "language": "en"} for t in self.gathered}
        self.manifest = {
            "corpus": {"sha256": "c0ffee", "texts": list(rows.values())},
            "fingerprint": {"models": {"f16": {"model": "abc"}}},
            **self.manifest,
        }

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        return tuple({t.chunk.id: t.chunk for t in self.gathered}.values())

    def attempts(self, *, variant: str | None = None) -> list[Attempt]:
        return [replace(t.attempt, id=n) for n, t in enumerate(self.gathered)]

    def all_observations(
        self, scorer: str | None = None, variant: str | None = None
    ) -> Iterator[tuple[int, Measurement]]:
        for n, t in enumerate(self.gathered):
            for measurement in t.observations.values():
                yield n, measurement

    def verdicts(self, variant: str | None = None) -> dict[int, Verdict]:
        return {n: Verdict(VerdictWord.CLEAN) for n in range(len(self.gathered))}


F16 = Variant("f16", "llama_codec", reference=True)


def test_a_profile_is_the_same_after_disk_and_small(tmp_path: Path) -> None:
    profile = build_profile(FakeRun(healthy(20)), F16)
    for name in ("profile.json", "profile.json.gz"):
        profile.save(tmp_path / name)
        once = (tmp_path / name).read_bytes()
        again = Profile.load(tmp_path / name)
        again.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == once
    assert len(once) / 20 < 1.5e6 / 340, "340 texts must stay below 1.5 MB"
    record = again.record(chunk(3))
    assert record is not None and len(record.durations) == len(record.transcripts) == 3
    assert len(record.evidence["truncation"]) == len(record.figures["f0_median_hz"]) == 3
    assert again.totals["attempts"] == 60 and again.totals["judged"] == 60
    assert again.totals["wer"]["words"] == sum(len(chunk(n).text.split()) for n in range(20)) * 3


def test_a_record_is_found_by_text_whatever_its_id() -> None:
    profile = from_takes(healthy(3), {})
    assert profile.record(replace(chunk(1), id="other", position=99)) is not None
    assert profile.record(Chunk("c1", "a text it never spoke")) is None
    assert text_key(Chunk("x", "a\udc80")) != text_key(Chunk("x", "a", "de"))


def test_the_voice_is_compared_with_its_own_mean() -> None:
    profile = from_takes(healthy(10), {})
    record = profile.record(chunk(2))
    assert record is not None and all(0 <= value < 0.1 for value in record.evidence["wrong-speaker"])
    assert np.linalg.norm(profile.voice_embeddings["test"]) == pytest.approx(1.0, abs=1e-3)


def test_a_key_that_differs_is_named() -> None:
    profile = build_profile(FakeRun(healthy(2)), F16)
    assert profile.keys["scorer.signal"] == "1" and profile.keys["model.model"] == "abc"
    assert profile.mismatch({"scorer.signal": "1", "new": "x"}) == ""
    assert "scorer.signal was 1, is 2" in profile.mismatch({"scorer.signal": "2"})


def test_runs_of_different_models_make_no_profile() -> None:
    other = FakeRun(healthy(2), {"fingerprint": {"models": {"f16": {"model": "xyz"}}}})
    with pytest.raises(ConfigError, match=r"differ in model\.model: abc and xyz"):
        build_profile([FakeRun(healthy(2)), other], F16)
    with pytest.raises(ConfigError, match="no attempt"):
        build_profile(FakeRun([]), F16)


@pytest.mark.parametrize("content", [b"", b"{", b'{"schema": 9}', b"\x1f\x8bnonsense"])
def test_a_file_that_is_no_profile_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    for name in ("p.json", "p.json.gz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ConfigError, match=name):
            Profile.load(tmp_path / name)


# ------------------------------------------------------------------------------------------- calibration
def test_a_tail_limit_is_exceeded_as_often_as_was_asked_for() -> None:
    rng = np.random.default_rng(0)
    draws = {"normal": rng.standard_normal, "exponential": rng.standard_exponential}
    for name, draw in draws.items():
        rates = [(draw(200_000) > tail_limit(draw(1000), 1e-3)).mean() for _ in range(20)]
        assert np.mean(rates) < 1.5e-3, name
        assert np.mean(rates) > 1e-5, f"{name}: a limit so wide that nothing is ever found"


def test_a_tail_limit_is_never_below_what_was_seen() -> None:
    assert tail_limit([0.0] * 300 + [4.0], 1e-4) >= 4.0
    assert tail_limit([2.0] * 50, 1e-4) == 2.0
    for bad in ([], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="finite"):
            tail_limit(bad, 1e-3)
    with pytest.raises(ValueError, match="probability"):
        tail_limit([1.0], 0.0)


@pytest.fixture(scope="module")
def fitted() -> tuple[Limits, Json, frozenset[int]]:
    return calibrate_takes(healthy(), {"scorer.signal": "1"})


def test_limits_say_what_they_were_fitted_on_and_hold_on_other_texts(
    fitted: tuple[Limits, Json, frozenset[int]],
) -> None:
    limits, counted, _ = fitted
    assert limits.fitted["takes"] == 270 and limits.fitted["texts"] == 90
    assert limits.keys == {"scorer.signal": "1"}
    assert "fitted on 270 healthy takes" in limits.faults["truncation"].reference[0].source
    assert limits.fitted["held_out"]["judged"] == 270 and limits.fitted["held_out"]["faulty"] <= 6
    assert counted["judged"] == 270 and counted["faulty"] <= 2


def test_fitted_limits_pass_other_healthy_takes_and_find_faults(fitted: tuple[Limits, Json, frozenset[int]]) -> None:
    judge, profile = VerdictPolicy(fitted[0]), from_takes(healthy(), {})

    def words(of: Take) -> set[str]:
        speaker = of.observations["speaker"]
        similar = replace(speaker, payload={**speaker.payload, "similarity": 0.999})
        attempt_view = DetectorInput(
            of.chunk, of.attempt, {**of.observations, "speaker": similar}, profile.record(of.chunk)
        )
        verdict = judge.verdict(attempt_view, judge.evidence(attempt_view))
        assert verdict.word is not VerdictWord.NOT_JUDGED, verdict.reason
        return {finding.fault for finding in verdict.findings}

    alarms = [n for n in range(70) if words(take(chunk(n), 77))]
    assert len(alarms) <= 2
    spoken = [take(chunk(n), 78) for n in range(70)]
    assert sum(words(_without_end(t, 5)) == {"truncation"} for t in spoken) >= 60
    muffled = [words(take(chunk(n), 79, signal={"rolloff99_hz": 2500.0})) for n in range(20)]
    assert all("bandwidth" in faults for faults in muffled)


def numbered(takes: list[Take]) -> list[Take]:
    """As a run has them: every attempt with its id."""
    return [replace(one, attempt=replace(one.attempt, id=number)) for number, one in enumerate(takes)]


def _without_end(of: Take, count: int) -> Take:
    heard, signal = of.observations["intelligibility"], of.observations["signal"]
    words = heard.payload["words"][:-count]
    end = words[-1]["end"]
    shorter = {**heard.payload, "words": words, "hypothesis": " ".join(w["word"] for w in words)}
    cut = {**signal.payload, "duration": end + 0.1, "speech_end": end}
    edits = of.observations["edit_likelihood"]
    total = len(of.chunk.text.split())
    gone = {**edits.payload, "edits": [*edits.payload["edits"], _edit("end", total - count, total, 12.0)]}
    observations = {
        **of.observations,
        "edit_likelihood": replace(edits, payload=gone),
        "intelligibility": replace(heard, payload=shorter),
        "signal": replace(signal, payload=cut),
    }
    return replace(of, attempt=replace(of.attempt, duration=end + 0.1), observations=observations)


def test_healthy_material_may_hold_real_faults() -> None:
    """Broken takes are left out by name, and do not widen the limits until nothing is found."""
    clean = calibrate_takes(healthy(), {})[0]
    spoilt = numbered(healthy())
    for index in (10, 60, 110):
        spoilt[index] = _without_end(spoilt[index], 9)
    limits, counted, broken = calibrate_takes(spoilt, {})
    assert any("truncation" in line or "near-empty" in line for line in limits.fitted["left_out"])
    assert limits.faults["truncation"].reference[-1].limit < 1.6 * clean.faults["truncation"].reference[-1].limit
    assert counted["faulty"] >= 3, "and they count as faults of the reference"
    assert {spoilt[index].attempt.id for index in (10, 60, 110)} <= broken
    record = from_takes(spoilt, {}, broken).record(spoilt[10].chunk)
    assert record is not None and len(record.durations) == 2, "a broken take is no reference for its text"


def test_a_text_of_which_every_take_is_broken_keeps_its_takes() -> None:
    takes = numbered(healthy(2))
    everything = range(len(takes))
    record = from_takes(takes, {}, everything).record(takes[0].chunk)
    assert record is not None and len(record.durations) == 3


def test_too_little_to_fit_on_is_said() -> None:
    with pytest.raises(ConfigError, match="12 takes are too few"):
        calibrate_takes(healthy(4), {})


def test_a_few_takes_make_a_profile_with_default_limits_that_say_so() -> None:
    limits, profile = calibrate(FakeRun(healthy(4)), F16)
    assert "12 takes are too few" in limits.fitted["reason"]
    assert limits.faults == Limits.default().faults
    assert profile.totals["attempts"] == 12 and profile.totals["judged"] > 0
    with pytest.raises(ConfigError, match="no attempt"):
        calibrate(FakeRun([]), F16)


def test_calibration_of_runs_gives_a_profile_that_was_judged_by_the_new_limits() -> None:
    gathered = healthy(45)
    gathered[7] = replace(gathered[7], attempt=replace(gathered[7].attempt, outcome=Outcome.CRASH), observations={})
    limits, profile = calibrate(FakeRun(gathered), F16)
    assert profile.totals["faults"]["crash"] == 1 and profile.totals["attempts"] == 135
    assert limits.keys["model.model"] == "abc"
    record = profile.record(gathered[7].chunk)
    assert record is not None and len(record.evidence["truncation"]) == 2


def test_a_profile_of_another_version_of_the_normalisers_is_refused_in_one_line() -> None:
    now = {"scorer.intelligibility": "1 asr", "text normaliser": TEXT_VERSION}
    assert from_takes(healthy(3), now).mismatch(now) == ""
    refused = from_takes(healthy(3), {"scorer.intelligibility": "1 asr"}).mismatch(now)
    assert f"text normaliser was 1, is {TEXT_VERSION}" in refused and "\n" not in refused
    old = Limits({}, {"scorer.intelligibility": "1 asr"})
    assert f"text normaliser: fitted under 1, now {TEXT_VERSION}" in old.mismatch(now)
