"""How a detector reads what scorers measured, and how it says that there is nothing to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, overload

from harness.core.records import DetectorInput, Span
from harness.core.records.payloads import (
    EditsPayload,
    PitchPayload,
    SignalPayload,
    SpeakerPayload,
    TokensPayload,
    TranscriptPayload,
)


class CannotJudge(Exception):
    """The class could not look at this attempt; the message says why. Not the same as clean."""


class Unknown(CannotJudge):
    """A scorer looked and has no such figure for this clip (no pause, nothing voiced): see ``BaseFault.evidence``."""


class NotApplicable(Exception):
    """The class has nothing to look at by nature; the message says why."""


@overload
def required_payload(view: DetectorInput, scorer: Literal["signal"]) -> SignalPayload: ...
@overload
def required_payload(view: DetectorInput, scorer: Literal["pitch"]) -> PitchPayload: ...
@overload
def required_payload(view: DetectorInput, scorer: Literal["tokens"]) -> TokensPayload: ...
@overload
def required_payload(view: DetectorInput, scorer: Literal["intelligibility"]) -> TranscriptPayload: ...
@overload
def required_payload(view: DetectorInput, scorer: Literal["edit_likelihood"]) -> EditsPayload: ...
@overload
def required_payload(view: DetectorInput, scorer: Literal["speaker"]) -> SpeakerPayload: ...
@overload
def required_payload(view: DetectorInput, scorer: str) -> Mapping[str, object]: ...
def required_payload(view: DetectorInput, scorer: str) -> object:
    """Return the payload of ``scorer``. Raises CannotJudge when there is none."""
    payload = view.payload(scorer)
    if payload is None:
        raise CannotJudge(f"{scorer} gave nothing")
    return payload


def number(source: Mapping[str, object], key: str, what: str = "") -> float:
    """Return ``source[key]`` as a finite float. Raises Unknown when there is none."""
    value = source.get(key)
    return known(value if isinstance(value, int | float) else None, what or key)


def known(value: float | None, what: str) -> float:
    """Return ``value`` as a finite float. Raises Unknown, naming ``what`` it is, for None, NaN and infinity."""
    if value is None or not math.isfinite(value):
        raise Unknown(f"{what} is unknown")
    return float(value)


def as_span(value: object) -> Span | None:
    """Return a JSON pair as a span in seconds, or None."""
    if isinstance(value, (list, tuple)) and len(value) == 2 and value[0] is not None and value[1] is not None:
        return float(value[0]), float(value[1])
    return None
