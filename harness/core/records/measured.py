"""What scorers measure in an attempt, and the typed reading of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias, cast, overload

from harness.core.records.payloads import (
    EditsPayload,
    OpinionPayload,
    PitchPayload,
    SignalPayload,
    SpeakerPayload,
    TokensPayload,
    TranscriptPayload,
)
from harness.core.records.plain import Json

TranscriptScorer: TypeAlias = Literal["intelligibility", "second_opinion"]
OpinionScorer: TypeAlias = Literal["dnsmos", "distillmos"]

# Reasons of a measurement that others look for.
LEFT_OUT = "left out on purpose (--scorers)"  # such a scorer's classes are not asked, and their silence is no verdict
LOOPED = "recognizer looped"  # counted in a run's footer


class Status(StrEnum):
    OK = "ok"
    NOT_AVAILABLE = "n/a"  # a need is not met: no tokens, no text, encoder not installed
    ERROR = "error"  # the scorer failed


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one scorer saw in one attempt. Never a judgement."""

    scorer: str
    version: str
    status: Status
    payload: Json = field(default_factory=dict)
    reason: str = ""  # why not available or failed

    @property
    def transcript(self) -> TranscriptPayload:
        """Return the payload of a recognizer; empty for one that heard nothing."""
        return cast(TranscriptPayload, self.payload)

    @property
    def tokens(self) -> TokensPayload:
        """Return the payload of the scorer ``tokens``; empty for any other."""
        return cast(TokensPayload, self.payload if self.scorer == "tokens" else {})


class Payloads:
    """Reads the payloads of one attempt with their types: ``payloads("signal")`` is a SignalPayload or None.

    The name of an installed package's scorer gives plain JSON.
    """

    __slots__ = ("_measurements",)

    def __init__(self, measurements: Mapping[str, Measurement]) -> None:
        self._measurements = measurements

    @overload
    def __call__(self, scorer: Literal["signal"]) -> SignalPayload | None: ...
    @overload
    def __call__(self, scorer: Literal["pitch"]) -> PitchPayload | None: ...
    @overload
    def __call__(self, scorer: Literal["tokens"]) -> TokensPayload | None: ...
    @overload
    def __call__(self, scorer: TranscriptScorer) -> TranscriptPayload | None: ...
    @overload
    def __call__(self, scorer: Literal["edit_likelihood"]) -> EditsPayload | None: ...
    @overload
    def __call__(self, scorer: Literal["speaker"]) -> SpeakerPayload | None: ...
    @overload
    def __call__(self, scorer: OpinionScorer) -> OpinionPayload | None: ...
    @overload
    def __call__(self, scorer: str) -> Mapping[str, object] | None: ...
    def __call__(self, scorer: str) -> object:
        """Return what the scorer measured, or None where it could not or was not asked."""
        measurement = self._measurements.get(scorer)
        return measurement.payload if measurement is not None and measurement.status is Status.OK else None

    @overload
    def or_empty(self, scorer: Literal["signal"]) -> SignalPayload: ...
    @overload
    def or_empty(self, scorer: Literal["pitch"]) -> PitchPayload: ...
    @overload
    def or_empty(self, scorer: Literal["tokens"]) -> TokensPayload: ...
    @overload
    def or_empty(self, scorer: TranscriptScorer) -> TranscriptPayload: ...
    @overload
    def or_empty(self, scorer: Literal["edit_likelihood"]) -> EditsPayload: ...
    @overload
    def or_empty(self, scorer: Literal["speaker"]) -> SpeakerPayload: ...
    @overload
    def or_empty(self, scorer: OpinionScorer) -> OpinionPayload: ...
    @overload
    def or_empty(self, scorer: str) -> Mapping[str, object]: ...
    def or_empty(self, scorer: str) -> object:
        """Return what the scorer measured, empty where it could not or was not asked."""
        return self(scorer) or {}
