"""The verdict on a text that holds nothing to speak (``?!``, ``* * *``, an emoji): every good answer to it is no fault.

A short silence, no audio and a polite refusal are good answers. A crash, a hang and broken samples are faults as ever;
words are inserted words; other sound is not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.core.records import Chunk, DetectorInput, Finding, Outcome, Verdict, VerdictWord
from harness.core.records.payloads import SignalPayload
from harness.text import count_words, has_emoji, spoken_syllables

GOOD_ANSWERS = (Outcome.NO_AUDIO, Outcome.ERROR)
QUIET_DBFS = -40.0  # peak; a noise floor or a breath lies below
SHORTEST_SOUND = 0.4  # s from the first to the last sound; a click or a breath is shorter
# What is wrong with the process or the samples, whatever the text is.
_WHATEVER_THE_TEXT = frozenset(
    {"crash", "hang", "bad-wav", "wav-header", "nan-inf", "clipping", "double-scaling", "memory-leak", "token-range"}
)


def nothing_to_speak(chunk: Chunk) -> bool:
    """Return whether nothing of a text is spoken: no letter, digit or sign that has a name."""
    text = chunk.expected_text
    return count_words(text) == 0 and spoken_syllables(text, chunk.language) == 0


def verdict_without_words(view: DetectorInput, findings: Sequence[Finding]) -> Verdict:
    """Return the verdict on an answer to a text that holds nothing to speak; ``findings`` are those beyond a limit."""
    kept = tuple(finding for finding in findings if finding.fault in _WHATEVER_THE_TEXT)
    if kept:
        return Verdict(VerdictWord.FAULTY, kept)
    if view.attempt.outcome in GOOD_ANSWERS:
        return _fine(f"answered by {view.attempt.outcome.value}")
    if view.attempt.outcome is not Outcome.OK:
        return Verdict(VerdictWord.FAULTY, tuple(findings)) if findings else _unclear(view.attempt.outcome.value)
    signal = view.payload("signal")
    if signal is None:
        return _unclear("the signal was not measured")
    seconds = _sound_seconds(signal)
    if seconds <= SHORTEST_SOUND:
        return _fine("answered by silence")
    return _heard(view, seconds)


def _sound_seconds(signal: SignalPayload) -> float:
    """Return the seconds from the first sound to the last, 0 where all of it is quiet."""
    peak, start, end = signal.get("peak_dbfs"), signal.get("speech_start"), signal.get("speech_end")
    if signal.get("constant") or peak is None or float(peak) < QUIET_DBFS:
        return 0.0
    return float(signal.get("duration") or 0.0) if start is None or end is None else float(end) - float(start)


def _heard(view: DetectorInput, seconds: float) -> Verdict:
    payload = view.payload("intelligibility")
    if payload is None:
        return _unclear(f"{seconds:.1f} s of sound were given, and no recognizer listened")
    words, extra = str(payload.get("hypothesis") or "").split(), int((payload.get("wer") or {}).get("insertions") or 0)
    if not words:
        return _unclear(f"{seconds:.1f} s of sound were given, in which no word was heard")
    if not extra:
        return _fine(f"read aloud by its name: {' '.join(words)!r}")
    said = f"heard {' '.join(words[:8])!r}"
    if has_emoji(view.chunk.expected_text):
        return _unclear(f"an emoji may be read aloud; {said}")
    finding = Finding("inserted-words", float(extra), 0.0, "the text holds nothing to speak", "words", None, said)
    return Verdict(VerdictWord.FAULTY, (finding,))


def _fine(how: str) -> Verdict:
    return Verdict(VerdictWord.NOTHING_TO_SPEAK, reason=f"the text holds nothing to speak: {how}")


def _unclear(why: str) -> Verdict:
    return Verdict(VerdictWord.NOT_JUDGED, reason=f"the text holds nothing to speak: {why}")
