"""Figures of the fault classes as a person reads them: kHz, dB, cosine, shares.

Limits are kept on scales where larger is worse and where differences mean the same everywhere, often logarithms. This
module turns a value of such a scale back into the figure that it stands for, and two of them into a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.core.records import Finding

AGAINST_REFERENCE = "reference"  # how the source of such a limit begins
_ABSOLUTE = ("physics", "default", "prior")  # what is held against these is the value itself
_SOURCES = {  # how the source of a limit begins -> what that means to somebody who listens
    "physics": "no speech can be like this, whatever the voice",
    AGAINST_REFERENCE: "the reference spoke the same text",
    "voice": "what the reference's own healthy speech stays within",
    "this run": "what this run's other chunks stay within",
    "prior": "what the healthy voices of many engines stay within",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """What a class's scale stands for. ``back`` turns a value into ``what``, in ``unit``.

    ``ratio``: a difference on the scale is a factor of the figure. ``falls``: the figure gets smaller as it gets worse.
    """

    what: str
    unit: str
    back: Callable[[float], float]
    ratio: bool
    falls: bool
    form: str = ".2g"

    def shown(self, value: float) -> str:
        """Return the figure with its unit."""
        number = format(self.back(value), self.form)
        return f"{number}{'' if self.unit in ('', '%') else ' '}{self.unit}"


def _falling(value: float) -> float:
    return math.exp(-value)


def _percent(value: float) -> float:
    return 100 * math.exp(-value)


def _tenth_db(value: float) -> float:
    return -10 * value


SCALES: dict[str, Scale] = {
    "bandwidth": Scale("99% of the energy lies below", "kHz", _falling, ratio=True, falls=True, form=".1f"),
    "hum": Scale("spectral flatness", "dB", _tenth_db, ratio=False, falls=True, form=".0f"),
    "near-empty": Scale("speed", "syllables a second", math.exp, ratio=True, falls=False, form=".1f"),
    "noise": Scale("variation of the loudness", "", _falling, ratio=True, falls=True),
    "overlong": Scale("time", "s a syllable", math.exp, ratio=True, falls=False),
    "robotic": Scale("periodicity", "dB", lambda value: -value, ratio=False, falls=True, form=".1f"),
    "rumble": Scale("voiced share of the speech", "%", _percent, ratio=True, falls=True, form=".0f"),
    "sample-rate": Scale("speed and pitch off by a factor of", "", math.exp, ratio=True, falls=False, form=".2f"),
    "short-repeat": Scale("what differs from one period to the next", "dB", _tenth_db, False, True, ".0f"),
    "silence": Scale("peak", "dBFS", lambda value: -value, ratio=False, falls=True, form=".0f"),
    "wrong-speaker": Scale("cosine similarity to the voice", "", lambda value: 1 - value, False, True),
}


# Classes whose compared value is a distance, either way: what, and in which unit.
DISTANCES = {"level-offset": ("active level", "dB")}


def _whose(finding: Finding) -> str:
    if finding.limit_source.startswith(AGAINST_REFERENCE):
        return "the reference's"
    return "what healthy voices have" if finding.limit_source.startswith("prior") else "what is usual"


def readable_value(fault: str, value: float, unit: str = "") -> str:
    """Return a value of a class's own scale as the figure it stands for; with its ``unit`` where the scale is plain."""
    scale = SCALES.get(fault)
    return scale.shown(value) if scale is not None else f"{value:.3g} {unit}".strip()


def source_in_words(source: str) -> str:
    """Return what the source of a limit means, in one line; empty for a source of an older version."""
    return next((said for start, said in _SOURCES.items() if source.startswith(start)), "")


def finding_phrase(finding: Finding) -> str:
    """Return what was found and what is allowed, in one phrase."""
    if finding.fault in DISTANCES:
        what, unit = DISTANCES[finding.fault]
        away = f"{what} {finding.value:.3g} {unit} from {_whose(finding)}"
        return f"{away}, at most {finding.limit:.3g} {unit} is right"
    scale = SCALES.get(finding.fault)
    if scale is None:
        return f"{finding.value:.3g} {finding.unit}".strip() + f" against a limit of {finding.limit:.3g}"
    bound = "at least" if scale.falls else "at most"
    if finding.limit_source.startswith(_ABSOLUTE):
        return f"{scale.what} {scale.shown(finding.value)}, {bound} {scale.shown(finding.limit)} is right"
    whose = _whose(finding)
    if scale.ratio:
        sign = -1 if scale.falls else 1
        here, allowed = math.exp(sign * finding.value), math.exp(sign * finding.limit)
        return f"{scale.what} {here:.2f} times {whose}, {bound} {allowed:.2f} times is right"
    worse, size = ("below", scale.back(0) - scale.back(finding.value)) if scale.falls else ("above", finding.value)
    allowed = scale.back(0) - scale.back(finding.limit) if scale.falls else finding.limit
    unit = f" {scale.unit}" if scale.unit else ""
    return f"{scale.what} {size:.2g}{unit} {worse} {whose}, {allowed:.2g}{unit} is right"
