"""Claims about a whole run: what passes, what fails, and what the run is too small to say."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from harness import stats
from harness.core.errors import ConfigError
from harness.core.records import Chunk, Claim, Json, ReferenceRecord, Verdict, VerdictWord
from harness.verdicts.claims import ChunkResult, stress_claims
from tests._places import ROOT

MARGINS = tomllib.loads((ROOT / "suites/stress/limits.toml").read_text())
CLEAN, FAULTY = Verdict(VerdictWord.CLEAN), Verdict(VerdictWord.FAULTY)
UNJUDGED = Verdict(VerdictWord.NOT_JUDGED, reason="the recognizer failed")


@dataclass
class Known:
    """A reference that spoke every text."""

    totals: Json = field(default_factory=dict)
    figures: Callable[[Chunk], dict[str, list[float]]] | None = None

    def record(self, chunk: Chunk) -> ReferenceRecord | None:
        return ReferenceRecord(chunk.id, figures=self.figures(chunk)) if self.figures is not None else None


def rows(
    n: int, verdict: Callable[[int], Verdict | None] = lambda i: CLEAN, **values: Callable[[int], float]
) -> list[ChunkResult]:
    return [
        ChunkResult(
            i, Chunk(f"c{i}", "word " * (8 + 7 * i % 30)), verdict(i), 0, 2, 20, {k: f(i) for k, f in values.items()}
        )
        for i in range(n)
    ]


def claim(name: str, given: list[ChunkResult], reference: Known | None = None, **margins: Any) -> Claim:
    own_margins = {
        **MARGINS,
        **{table.replace("_", "-"): {**MARGINS[table.replace("_", "-")], **v} for table, v in margins.items()},
    }
    return {c.name: c for c in stress_claims("q4_k_s", given, reference, own_margins)}[name]


def noise(seed: int, scale: float = 1.0) -> Callable[[int], float]:
    return lambda i: scale * float(np.random.default_rng([seed, i]).standard_normal())


# ------------------------------------------------------------------------------------------- fault rate
def test_a_fault_rate_like_the_references_passes() -> None:
    rate = claim("fault-rate", rows(300, lambda i: FAULTY if i == 9 else CLEAN), Known({"faulty": 9, "judged": 900}))
    assert rate.passed is True and rate.count == 300 and rate.value == pytest.approx(1 / 300)
    assert rate.interval == stats.clopper_pearson(1, 300)
    assert "1 of 300" in rate.statement and "9 of 900" in rate.statement


def test_a_fault_rate_above_the_references_fails() -> None:
    rate = claim(
        "fault-rate", rows(300, lambda i: FAULTY if i % 12 == 0 else CLEAN), Known({"faulty": 9, "judged": 900})
    )
    assert rate.passed is False and "25 of 300" in rate.statement


def test_a_bad_reference_excuses_the_same_rate() -> None:
    given = rows(300, lambda i: FAULTY if i % 12 == 0 else CLEAN)
    assert claim("fault-rate", given, Known({"faulty": 110, "judged": 900})).passed is True
    assert claim("fault-rate", given).passed is False, "and without a reference the absolute margin holds"


def test_thirteen_chunks_are_too_few_to_say() -> None:
    rate = claim("fault-rate", rows(13))
    assert rate.passed is None
    assert "0 of 13 is compatible with a fault rate up to 25%" in rate.statement


def test_faults_that_come_together_are_said_to_make_the_interval_too_narrow() -> None:
    together = claim("fault-rate", rows(300, lambda i: FAULTY if 100 <= i < 112 else CLEAN))
    scattered = claim("fault-rate", rows(300, lambda i: FAULTY if i % 25 == 0 else CLEAN))
    assert "faults lie next to each other" in together.statement
    assert "next to each other" not in scattered.statement


def test_nothing_judged_is_never_a_pass() -> None:
    for given in (rows(50, lambda i: UNJUDGED), rows(50, lambda i: None), []):
        assert claim("fault-rate", given).passed is False
        assert claim("judged-share", given).passed is False


# ------------------------------------------------------------------------------------------- judged share
def test_the_judged_share_names_the_reason() -> None:
    share = claim("judged-share", rows(100, lambda i: UNJUDGED if i < 8 else CLEAN))
    assert share.passed is False and share.value == pytest.approx(0.92)
    assert "8 were not because: the recognizer failed" in share.statement
    assert claim("judged-share", rows(100, lambda i: UNJUDGED if i < 5 else CLEAN)).passed is True


# ------------------------------------------------------------------------------------------- drift
def test_a_steady_session_does_not_drift() -> None:
    steady = rows(200, loudness_lufs=noise(1), speaker_similarity=noise(2, 0.02), rtfx=lambda i: 10 + noise(3)(i))
    drift = claim("drift", steady)
    assert drift.passed is True and drift.count == 200
    assert set(drift.details["measures"]) == {"loudness_lufs", "speaker_similarity", "rtfx", "wer"}


def test_a_fade_is_drift_with_its_size() -> None:
    drift = claim("drift", rows(200, loudness_lufs=lambda i: noise(1)(i) - 3.0 * i / 200))
    assert drift.passed is False and "loudness" in drift.statement
    low, high = drift.interval or (0.0, 0.0)
    assert low < -3.0 < high < -1.0 and drift.value == pytest.approx(-3.0, abs=0.8)


def test_a_step_is_drift_too() -> None:
    drift = claim("drift", rows(200, speaker_similarity=lambda i: 0.9 + noise(1, 0.02)(i) - (0.1 if i >= 150 else 0)))
    measured = drift.details["measures"]["speaker_similarity"]
    assert drift.passed is False
    assert abs(measured["step_at"] - 150) <= 5 and measured["step"] == pytest.approx(-0.1, abs=0.02)


def test_a_jump_between_neighbours_is_named_with_its_place() -> None:
    drift = claim("drift", rows(200, loudness_lufs=lambda i: noise(1)(i) + (40 if i == 120 else 0)))
    assert drift.passed is False and "largest jump +" in drift.statement
    measured = drift.details["measures"]["loudness_lufs"]
    assert measured["jumped"] is True and measured["significant"] is False
    assert measured["jump_at"] in (120, 121)
    small = claim("drift", rows(200, loudness_lufs=lambda i: 0.01 * noise(1)(i) + (0.4 if i == 120 else 0)))
    assert small.passed is True, "a jump of 0.4 LU is significant there, and harmless"


def test_a_significant_change_within_its_margin_is_told_and_passes() -> None:
    drift = claim("drift", rows(400, loudness_lufs=lambda i: noise(1, 0.1)(i) + 0.5 * i / 400))
    assert drift.passed is True and "significant but small" in drift.statement


def test_speed_informs_and_does_not_fail() -> None:
    slower = rows(200, rtfx=lambda i: 10 * 0.99**i)
    drift = claim("drift", slower)
    assert drift.passed is True and "RTFx" in drift.statement
    assert claim("drift", slower, drift={"informs": []}).passed is False


def test_the_order_of_the_texts_is_no_drift() -> None:
    """Texts get longer over the session, and long texts are louder: the reference knows, so nothing drifts."""

    def by_text(i: int) -> float:
        return i / 50

    given = rows(200, loudness_lufs=lambda i: by_text(i) + noise(1, 0.3)(i))
    assert claim("drift", given).passed is False, "without a reference the text cannot be told from the time"
    reference = Known(figures=lambda chunk: {"loudness_lufs": [by_text(int(chunk.id[1:]))]})
    assert claim("drift", given, reference).passed is True


def test_few_chunks_say_nothing_of_drift() -> None:
    drift = claim("drift", rows(30, loudness_lufs=noise(1)))
    assert drift.passed is None and "too small to say" in drift.statement


# ------------------------------------------------------------------------------------------- memory
# MB of the embedded voice's worker over 100 chunks in which nothing leaks: the allocator gives back late and in blocks
LATE = """
    148 127 136 115 128 149 116 163 169 130 130 118 176 154 149 117 161 167 117 117 155 122 122 179 152
    121 149 149 131 121 122 154 122 122 122 163 121 122 152 152 153 155 156 121 122 134 181 183 133 134
    133 134 150 156 164 144 134 175 176 182 182 157 133 134 179 143 175 184 161 181 181 183 183 184 133
    184 186 133 173 173 164 158 152 162 133 159 133 145 181 166 181 181 181 181 183 159 159 158 133 180
"""


def test_memory_that_is_given_back_late_is_no_leak() -> None:
    healthy = [float(mb) * 1e6 for mb in LATE.split()]
    memory = claim("memory", rows(100, rss_bytes=lambda i: healthy[i]))
    assert memory.interval is not None and memory.interval[0] > 1e5  # by its slope alone it would be one
    assert memory.passed is None
    assert "low-water mark comes down again" in memory.statement
    leak = claim("memory", rows(100, rss_bytes=lambda i: healthy[i] + 1e6 * i))
    assert leak.passed is False


def test_a_leak_fails_and_steady_memory_passes() -> None:
    steady = claim("memory", rows(200, rss_bytes=lambda i: 4e8 + noise(1, 2e5)(i)))
    assert steady.passed is True
    leak = claim("memory", rows(200, rss_bytes=lambda i: 4e8 + 1e6 * i + noise(1, 2e5)(i)))
    assert leak.passed is False and leak.value == pytest.approx(1e6, rel=0.05)


def test_warm_up_is_no_leak() -> None:
    assert claim("memory", rows(200, rss_bytes=lambda i: 4e8 * min(1.0, 0.5 + i / 30))).passed is True


def test_a_restart_starts_a_new_stretch() -> None:
    given = rows(100, rss_bytes=lambda i: 4e8 + 1e6 * (i % 30))
    cut = [ChunkResult(r.position, r.chunk, r.verdict, r.position // 30, values=r.values) for r in given]
    memory = claim("memory", cut)
    assert memory.passed is None and "without a restart" in memory.statement
    assert claim("memory", rows(100)).statement == "the backend's memory could not be read"


# ------------------------------------------------------------------------------------------- margins
@pytest.mark.parametrize(
    ("margins", "message"),
    [
        ({"fault-rat": {}}, r"unknown table \[fault-rat\] \(did you mean 'fault-rate'"),
        ({"drift": {"alfa": 0.1}}, "unknown key 'alfa'.*did you mean 'alpha'"),
        ({"drift": {"alpha": "much"}}, r"limits: drift\.alpha: must be a number"),
        ({"judged-share": {"share_min": 95}}, "between 0 and 1"),
        ({"drift": {"change_max": 3}}, "must be a table"),
        ({"memory": 3}, "memory must be a table"),
    ],
)
def test_margins_that_cannot_be_used_are_one_clear_line(margins: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        stress_claims("v", rows(3), None, margins)


def test_claims_of_the_same_rows_are_the_same() -> None:
    given = rows(120, loudness_lufs=noise(1), rss_bytes=lambda i: 4e8)
    assert stress_claims("v", given, None, MARGINS) == stress_claims("v", list(reversed(given)), None, MARGINS)
