"""Plain figures that several classes rest on: seconds of speech, syllables of the text, the reference's figures."""

import statistics
from functools import lru_cache

from harness.core.records import DetectorInput
from harness.detectors.base import NotApplicable, known, required_payload
from harness.text import asked_pauses, spoken_syllables


def speech_seconds(view: DetectorInput) -> float:
    """Return seconds of active sound: from the first to the last, without pauses. 0 where nothing is active."""
    signal = required_payload(view, "signal")
    duration = known(signal.get("duration"), "duration")
    start, end = signal.get("speech_start"), signal.get("speech_end")
    if start is None or end is None:
        return 0.0 if signal.get("active_fraction") in (0, 0.0) else duration
    pauses = sum(float(b) - float(a) for a, b in signal.get("pauses") or [])
    return max(float(end) - float(start) - pauses, 0.0)


def expected_syllables(view: DetectorInput) -> float:
    """Return syllables of what should be heard, at least 1.

    Raises NotApplicable where the text holds nothing to speak.
    """
    count = _syllables(view.chunk.expected_text, view.chunk.language)
    if count <= 0:
        raise NotApplicable("the text holds nothing to speak")
    return max(count, 1.0)


@lru_cache(maxsize=1 << 16)
def _syllables(text: str, language: str) -> float:
    """Every class that rests on pace asks for the same text, and so does the end of the session."""
    return spoken_syllables(text, language)


def wanted_pauses(view: DetectorInput) -> list[float]:
    """Return seconds of each pause that the text asks for (a break tag, a pause mark, an ellipsis), longest first."""
    return sorted(asked_pauses(view.chunk.text), reverse=True)


def inner_pauses(view: DetectorInput) -> list[tuple[float, float]]:
    """Start and end of each silent gap inside the speech, longest first."""
    gaps = [(float(a), float(b)) for a, b in required_payload(view, "signal").get("pauses") or []]
    return sorted(gaps, key=lambda gap: gap[0] - gap[1])


def reference_figure(view: DetectorInput, key: str) -> float | None:
    """Return the median of the reference's figure on this text, else what the run's other chunks lead to expect, or
    None.
    """
    values = list(view.reference.figures.get(key, ())) if view.reference is not None else []
    return statistics.median(values) if values else view.voice.get(key)
