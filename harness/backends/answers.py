"""What a worker may say on the harness's pipe, and what an adapter may claim: one shape, checked on both sides.

The worker's side (:func:`usable`) turns whatever an adapter gave into values that fit and notes what did not. The
harness's side (:func:`read_answer`) trusts nothing: a frame that does not fit the shape is a broken pipe, which ends
the worker and becomes an outcome. Seconds, bytes, Hz.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.audio import RATES
from harness.backends.protocol import Message, ProtocolError, plain_json
from harness.core.documents import DEPTH_LIMIT, deeper_than
from harness.core.errors import first_problem
from harness.core.records import Computes, Json, Outcome, Synthesis, Tokens

COUNT_LIMIT = 2**53  # tokens, bytes: beyond it a float is no longer exact
SECONDS_LIMIT = 1e9
TEXT_LIMIT = 4096  # characters of one line
NOTES_LIMIT = 8 << 20  # bytes of notes as JSON

Seconds = Annotated[float, Field(ge=0, le=SECONDS_LIMIT, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=COUNT_LIMIT)]
Rate = Annotated[int, Field(ge=RATES[0], le=RATES[1])]
Line = Annotated[str, Field(max_length=TEXT_LIMIT)]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Hello(_Answer):
    """The worker lives."""

    kind: Literal["hello"]
    pid: Annotated[int, Field(ge=1, le=2**31)]


class LoadFailed(_Answer):
    """The adapter could not be loaded."""

    kind: Literal["load-failed"]
    detail: Line


class LayoutSaid(_Answer):
    """Geometry of speech tokens."""

    codebook_sizes: Annotated[list[Annotated[int, Field(ge=1, le=2**31)]], Field(min_length=1, max_length=1024)]
    frame_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
    cap: Annotated[int, Field(ge=1, le=COUNT_LIMIT)] | None = None
    silent: list[Annotated[int, Field(ge=-(2**31), lt=2**31)]] = Field(default_factory=list)


class CapabilitiesSaid(_Answer):
    """What a loaded adapter says of itself."""

    sample_rate: Rate | None = None
    layout: LayoutSaid | None = None
    seeded: bool = True
    resets: bool = False
    stages: list[Line] = Field(default_factory=list)
    details: dict[str, object] = Field(default_factory=dict)
    computes: Computes = Field(default=Computes.HERE, strict=False)


class LoadedAnswer(_Answer):
    """The adapter is ready."""

    kind: Literal["loaded"]
    capabilities: CapabilitiesSaid


class ResetDone(_Answer):
    """The adapter has cleared its state; ``detail`` says why not."""

    kind: Literal["reset"]
    detail: Line


class ReplySaid(_Answer):
    """How a request ended."""

    kind: Literal["reply"]
    outcome: Outcome = Field(strict=False)
    detail: Line = ""
    sample_rate: Rate | None = None
    token_count: Count | None = None
    finish_reason: Line | None = None
    ttfa: Seconds | None = None
    stage_seconds: dict[str, Seconds] = Field(default_factory=dict)
    notes: dict[str, object] = Field(default_factory=dict)
    cpu_seconds: Seconds | None = None


A = TypeVar("A", Hello, LoadFailed, LoadedAnswer, ResetDone, ReplySaid)


def read_answer(kind: type[A], message: Message) -> A:
    """Return a frame's header as ``kind``. Raises ProtocolError, one line, for one that does not fit."""
    if deeper_than(message.header, DEPTH_LIMIT):
        raise ProtocolError(f"a {message.kind!r} nested more than {DEPTH_LIMIT} deep")
    try:
        answer = kind.model_validate(message.header)
    except ValidationError as error:
        raise ProtocolError(f"a {message.kind!r} that cannot be used: {first_problem(error)}"[:300]) from None
    if isinstance(answer, ReplySaid):
        _check_arrays(answer, message)
    return answer


def _check_arrays(answer: ReplySaid, message: Message) -> None:
    samples, tokens = message.samples, message.tokens
    if samples is not None and (samples.ndim != 1 or not np.issubdtype(samples.dtype, np.floating)):
        raise ProtocolError(f"samples of shape {samples.shape} and type {samples.dtype}")
    if tokens is not None and (tokens.ndim != 2 or not np.issubdtype(tokens.dtype, np.integer)):
        raise ProtocolError(f"tokens of shape {tokens.shape} and type {tokens.dtype}")
    if answer.outcome is Outcome.OK and (samples is None or not len(samples) or answer.sample_rate is None):
        raise ProtocolError("a reply that is ok and holds no audio with a rate")


# --------------------------------------------------------------------------------- the worker's own side
def usable(made: Synthesis) -> tuple[Json, Tokens | None]:
    """Return what an adapter gave beside its audio as header and tokens that fit; ``notes.unusable`` names the rest."""
    wrong: dict[str, str] = {}
    notes = _notes(made.notes, wrong)
    header = {
        "sample_rate": _whole(made.sample_rate, "sample_rate", *RATES, wrong),
        "token_count": _whole(made.token_count, "token_count", 0, COUNT_LIMIT, wrong),
        "finish_reason": None if made.finish_reason is None else str(plain_json(made.finish_reason))[:TEXT_LIMIT],
        "ttfa": _seconds(made.ttfa, "ttfa", wrong),
        "stage_seconds": _stages(made.stage_seconds, wrong),
    }
    tokens = _tokens(made.tokens, wrong)
    return {**header, "notes": {**notes, "unusable": wrong} if wrong else notes}, tokens


def usable_rate(rate: object) -> int | None:
    """Return a sample rate (Hz) that audio can have here, None for anything else."""
    return _whole(rate, "", *RATES, {})


def _whole(value: object, name: str, least: int, most: int, wrong: dict[str, str]) -> int | None:
    if value is None:
        return None
    try:
        number = int(value)  # type: ignore[call-overload]
        if not isinstance(value, bool | str | bytes) and number == value and least <= number <= most:
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    wrong[name] = _shown(value)
    return None


def _seconds(value: object, name: str, wrong: dict[str, str]) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]
        if not isinstance(value, bool | str | bytes) and math.isfinite(number) and 0 <= number <= SECONDS_LIMIT:
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    wrong[name] = _shown(value)
    return None


def _stages(value: object, wrong: dict[str, str]) -> dict[str, float]:
    if not isinstance(value, Mapping):
        if value is not None:
            wrong["stage_seconds"] = _shown(value)
        return {}
    timed = {str(key): _seconds(item, f"stage_seconds.{key}", wrong) for key, item in value.items()}
    return {key: item for key, item in timed.items() if item is not None}


def _notes(value: object, wrong: dict[str, str]) -> Json:
    if not isinstance(value, Mapping):
        if value is not None:
            wrong["notes"] = _shown(value)
        return {}
    try:
        notes: Json = plain_json(value)
        if deeper_than(notes, DEPTH_LIMIT // 2):
            raise ValueError("nested too deep")
        if len(json.dumps(notes)) > NOTES_LIMIT:
            raise ValueError(f"more than {NOTES_LIMIT} bytes")
    except Exception as error:  # objects of somebody else: whatever their methods raise
        wrong["notes"] = f"{type(error).__name__}: {error}"[:300]
        return {}
    return notes


def _tokens(value: object, wrong: dict[str, str]) -> Tokens | None:
    if value is None:
        return None
    try:
        array = np.asarray(value)
        narrow = array.astype(np.int32)
        if array.ndim == 2 and (array.size == 0 or np.array_equal(narrow, array)):
            return narrow
        wrong["tokens"] = f"shape {array.shape} of {array.dtype}, not int32 of (frames, codebooks)"
    except (TypeError, ValueError, OverflowError) as error:
        wrong["tokens"] = str(error)[:300]
    return None


def _shown(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    try:
        return f"{type(value).__name__} {value!r}"[:200]
    except Exception:  # an object whose repr raises
        return type(value).__name__
