"""False alarms on voices that the priors were not fitted on: an engine judged by priors of all the others.

Voices are split: limits and rules are decided on some, and how often healthy chunks raise an alarm is reported on
others, which take part in no prior and no decision.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from harness import stats
from harness.core.records import Attempt, DetectorInput, Json
from harness.verdicts import Limits, Priors, VerdictPolicy, fit_run
from tools.sensitivity.measured import MeasuredVoice, voices_in
from tools.sensitivity.priors import fit

LEVEL = 0.95


def run(deciding: Path, reporting: Path | None) -> Json:
    """Judge every voice as a first run of its own, by priors of the deciding voices of other engines."""
    fitted_on = voices_in(deciding)
    result: Json = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "deciding": _alarms(fitted_on, fitted_on)}
    if reporting is not None:
        result["reporting"] = _alarms(voices_in(reporting), fitted_on)
    return result


def _alarms(voices: Sequence[MeasuredVoice], fitted_on: Sequence[MeasuredVoice]) -> Json:
    by_voice: Json = {}
    listed: list[Json] = []
    for engine in sorted({voice.engine for voice in voices}):
        priors = fit([voice for voice in fitted_on if voice.engine != engine])
        judge = VerdictPolicy(Limits.default(priors))
        for voice in voices:
            if voice.engine == engine:
                alarmed = _of_voice(voice, judge, priors)
                by_voice[voice.name] = {"chunks": len(voice.chunks), "alarmed": len(alarmed)}
                listed += [{"voice": voice.name, **alarm} for alarm in alarmed]
    chunks = sum(row["chunks"] for row in by_voice.values())
    low, high = stats.clopper_pearson(len(listed), chunks, LEVEL)
    counts = {"chunks": chunks, "alarmed": len(listed), "low": low, "high": high}
    return {"voices": by_voice, "listed": listed, **counts}


def _of_voice(voice: MeasuredVoice, judge: VerdictPolicy, priors: Priors) -> list[Json]:
    own = fit_run(voice.chunks, priors)
    alarmed = []
    for one, evidence in zip(voice.chunks, voice.evidence, strict=True):
        view = DetectorInput(one.chunk, Attempt(0, 0, one.attempt, one.chunk.id, "v", id=one.attempt), {})
        findings, _ = judge.findings(view, evidence, own.of(one.attempt))
        if findings:
            why = [f"{f.fault}: {f.value:.3g} against {f.limit:.3g} ({f.limit_source}; {f.detail})" for f in findings]
            alarmed.append({"chunk": one.chunk.id, "why": why})
    return alarmed
