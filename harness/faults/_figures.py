"""Plain figures that several classes rest on: seconds of speech, syllables of the text, the reference's figures."""

import statistics

from harness.faults._words import syllables
from harness.faults.base import NotApplicable, number, payload
from harness.types import View


def speech_seconds(view: View) -> float:
    """Seconds of active sound: from the first to the last, without pauses. 0 where nothing is active."""
    signal = payload(view, "signal")
    duration = number(signal, "duration")
    start, end = signal.get("speech_start"), signal.get("speech_end")
    if start is None or end is None:
        return 0.0 if signal.get("active_fraction") in (0, 0.0) else duration
    pauses = sum(float(b) - float(a) for a, b in signal.get("pauses") or [])
    return max(float(end) - float(start) - pauses, 0.0)


def expected_syllables(view: View) -> float:
    """Syllables of the chunk's text, at least 1. Raises NotApplicable where the text holds nothing to speak."""
    count = sum(syllables(word, view.chunk.language) for word in view.chunk.text.split())
    if count <= 0:
        raise NotApplicable("the text holds nothing to speak")
    return max(count, 1.0)


def reference_figure(view: View, key: str) -> float | None:
    """The median of the reference's figure on this text, or None."""
    values = list(view.reference.figures.get(key, ())) if view.reference is not None else []
    return statistics.median(values) if values else None
