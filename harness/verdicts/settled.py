"""A session that is over: every chunk judged anew, held against what the run's other chunks are like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from harness.core.records import Detection, DetectorInput, Measurement, Status
from harness.detectors import catalogue
from harness.detectors._heard import MISSED_IN_RUN, is_heard
from harness.detectors.base import CannotJudge, Family, NotApplicable, Unknown
from harness.detectors.wrong_speaker import IN_ITS_RUN
from harness.verdicts.expected import expected_figures
from harness.verdicts.priors import Priors
from harness.verdicts.speakers import RunVoices, run_voices
from harness.verdicts.this_run import LEAST_CHUNKS, OwnBound, RunChunk, ThisRun, fit_run
from harness.verdicts.unspoken import nothing_to_speak

SPEAKER: Final = "speaker"
WRONG_SPEAKER: Final = "wrong-speaker"
UNINTELLIGIBLE: Final = "unintelligible"
AGAINST_RUN = "this run"  # value of ``against`` in a speaker's payload whose similarity is to the run's own voice
LEAST_SPEECH = 1.6  # s; chunks of one run sound so much alike that one window of the encoder tells their voice


@dataclass(frozen=True)
class Settled:
    """What is known of a run's chunks once all of them are there; the sequences are in the order of the run."""

    views: Sequence[DetectorInput]
    evidence: Sequence[Sequence[Detection]]
    own: ThisRun
    voices: RunVoices | None
    missed: float | None = (
        None  # share of the letters that the recognizer misses in the median chunk, without reference
    )

    @property
    def can_tell(self) -> bool:
        """Return whether the run can tell what is healthy: so many chunks agree, and all of them have one voice."""
        return self.own.can_tell and (self.voices is None or self.voices.voices == 1)

    def voice_embeddings(self, attempt: int | None, encoder: str) -> Mapping[str, Sequence[float]]:
        """Return encoder name -> what the voice of this attempt is compared with, empty where nothing is known."""
        if self.voices is None or attempt is None or attempt not in self.voices.centroids:
            return {}
        return {encoder: self.voices.centroids[attempt]}


def settle_run(views: Sequence[DetectorInput], evidence: Sequence[Sequence[Detection]], priors: Priors) -> Settled:
    """Fit the run on itself: its voices, what its texts lead to expect, and each detector's healthy distribution.

    ``evidence`` is what the detectors gave while the run went on; those that have more to say now are asked again.
    Texts that hold nothing to speak say nothing of how the others should sound. Deterministic, and the same whether
    the run was interrupted or not.
    """
    voices = _voices(views)
    heard = [_with_similarity(view, voices) for view in views]
    speaking = [_speaks(view, voices) for view in views]
    figures = expected_figures(heard, speaking)
    if voices is not None:
        figures = [{**row, IN_ITS_RUN: LEAST_SPEECH} for row in figures]
    missed = _missed(views, evidence)
    if missed is not None:
        figures = [{**row, MISSED_IN_RUN: missed} for row in figures]
    settled = [replace(view, voice={**view.voice, **row}) for view, row in zip(heard, figures, strict=True)]
    again = [asked_again(view, given) for view, given in zip(settled, evidence, strict=True)]
    chunks = [
        RunChunk(view.attempt.id, view.chunk, fitted_values(view, given), voice)
        for view, given, voice in zip(settled, again, speaking, strict=True)
        if view.attempt.id is not None and not nothing_to_speak(view.chunk)
    ]
    own = fit_run(chunks, priors)
    if voices is None or voices.voices == 1:
        return Settled(settled, again, own, voices, missed)
    doubts = [voices.doubt(voice) if voice else "" for voice in speaking]
    return Settled(settled, *_doubted_voices(settled, again, own, doubts), voices, missed)


def _missed(views: Sequence[DetectorInput], evidence: Sequence[Sequence[Detection]]) -> float | None:
    """Return the share of the letters that the recognizer misses in the median chunk; None for fewer than 40 chunks."""
    missed = [
        one.value
        for view, given in zip(views, evidence, strict=True)
        for one in given
        if one.fault == UNINTELLIGIBLE and one.value is not None and view.reference is None
    ]
    return median(missed) if len(missed) >= LEAST_CHUNKS else None


def _doubted_voices(
    views: Sequence[DetectorInput], evidence: Sequence[Sequence[Detection]], own: ThisRun, doubts: Sequence[str]
) -> tuple[list[list[Detection]], ThisRun]:
    """Leave open whether a chunk of a lesser voice has the right speaker; what is unlike its own voice is named still.

    ``doubts``: why, a view; empty for the main voice. A chunk with too little speech to be compared has a doubt too.
    """
    bounds = dict(own.bounds)
    patched = []
    for view, given, doubt in zip(views, evidence, doubts, strict=True):
        patched.append([_doubted(one, view, doubt, bounds) if doubt else one for one in given])
    return patched, replace(own, bounds=bounds)


def _doubted(given: Detection, view: DetectorInput, doubt: str, bounds: dict[int, Mapping[str, OwnBound]]) -> Detection:
    """Return the detection, its bound in doubt; without a bound there is nothing to hold its value against."""
    if given.fault != WRONG_SPEAKER:
        return given
    number = view.attempt.id
    bound = bounds.get(number, {}).get(WRONG_SPEAKER) if number is not None else None
    if number is None or bound is None or given.value is None:
        return Detection(given.fault, None, given.unit, reason=doubt)
    bounds[number] = {**bounds[number], WRONG_SPEAKER: replace(bound, doubt=doubt)}
    return given


def fitted_values(view: DetectorInput, given: Sequence[Detection]) -> dict[str, float]:
    """Return detector -> the value that a run's own distribution is fitted on, of those that could look."""
    classes = catalogue()
    values = {}
    for detection in given:
        if detection.value is not None:
            continuous = classes[detection.fault].continuous(view)
            values[detection.fault] = detection.value if continuous is None else continuous
    return values


def asked_again(view: DetectorInput, given: Sequence[Detection]) -> list[Detection]:
    """Return the evidence, of detectors that compare with the run's other chunks as they see it now.

    A value whose measurement is gone is no evidence any more: it is not judged.
    """
    return [_asked_again(view, detection) for detection in given]


def _asked_again(view: DetectorInput, detection: Detection) -> Detection:
    fault = catalogue()[detection.fault]
    if fault.expects or (fault.family is Family.TRANSCRIPT and detection.applies and not is_heard(view)):
        return fault.evidence(view)
    if detection.value is None:
        return detection
    try:
        fault.continuous(view)
    except (CannotJudge, NotApplicable, Unknown) as why:
        return Detection(detection.fault, None, detection.unit, reason=str(why))
    return detection


def embedding_of(view: DetectorInput) -> Sequence[float] | None:
    """Return the speaker embedding of a chunk with enough speech in it, or None."""
    speaker = view.payload(SPEAKER) or {}
    enough = float(speaker.get("speech_seconds") or 0.0) >= LEAST_SPEECH
    return speaker["embedding"] if speaker.get("embedding") and enough else None


def _voices(views: Sequence[DetectorInput]) -> RunVoices | None:
    """Return the run's own voices, unless its chunks were compared with a recording of the voice already."""
    embeddings = {}
    for view in views:
        speaker = view.payload(SPEAKER) or {}
        if speaker.get("similarity") is not None and speaker.get("against") != AGAINST_RUN:
            return None
        vector = embedding_of(view)
        if vector is not None and view.attempt.id is not None:
            embeddings[view.attempt.id] = vector
    return run_voices(embeddings, LEAST_CHUNKS)


def _speaks(view: DetectorInput, voices: RunVoices | None) -> int | None:
    """Return which of several voices a chunk has, None where the run has one or there is nothing to tell it by."""
    embedding = (view.payload(SPEAKER) or {}).get("embedding")
    if voices is None or voices.voices == 1 or not embedding:
        return None
    voice = voices.of.get(view.attempt.id) if view.attempt.id is not None else None
    return voices.nearest(embedding) if voice is None else voice


def _with_similarity(view: DetectorInput, voices: RunVoices | None) -> DetectorInput:
    number = view.attempt.id
    if voices is None or number is None or number not in voices.similarity:
        return view
    measurement = view.observations[SPEAKER]
    payload = {**measurement.payload, "similarity": round(voices.similarity[number], 6), "against": AGAINST_RUN}
    patched = Measurement(measurement.scorer, measurement.version, Status.OK, payload, measurement.reason)
    return replace(view, observations={**view.observations, SPEAKER: patched})
