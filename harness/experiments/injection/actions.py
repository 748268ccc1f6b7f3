"""What a backend can do wrong on demand: before it speaks (with the request) and after (with its answer)."""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from harness.audio import wav_bytes
from harness.backends.null_faults import KINDS, Failure
from harness.core.records import Request, Samples, Synthesis
from harness.detectors.base import InjectionAction

WORDS_KEPT = 6  # of the text before, spoken again by a backend that keeps its state


@dataclass
class InjectionState:
    """What the wrapped backend remembers from request to request."""

    texts: list[str] = field(default_factory=list)
    spoken: set[str] = field(default_factory=set)  # words of all earlier texts of the process, case folded
    samples: Samples | None = None  # of the last answer, as it was before anything was spoiled
    rate: int | None = None
    count: int = 0  # requests so far, this one included
    began: float = 0.0  # monotonic, of this request


Before: TypeAlias = Callable[[Request, InjectionAction, InjectionState], Request]
After: TypeAlias = Callable[[Synthesis, InjectionAction, InjectionState], Synthesis]


def _ignore_seed(request: Request, action: InjectionAction, memory: InjectionState) -> Request:
    return replace(request, seed=secrets.randbelow(2**31))


def _keep_state(request: Request, action: InjectionAction, memory: InjectionState) -> Request:
    """Speak the last words of the text before once more, as a context does that was not cleared."""
    if not memory.texts:
        return request
    kept = memory.texts[-1].split()[-int(action.get("words", WORDS_KEPT)) :]
    return replace(request, text=" ".join([*kept, request.text]))


def _misread(request: Request, action: InjectionAction, memory: InjectionState) -> Request:
    """Speak other numbers than the text has: each digit moved on by three."""
    return replace(request, text=re.sub(r"\d", lambda m: str((int(m.group()) + 3) % 10), request.text))


def _other_seed_at_first(request: Request, action: InjectionAction, memory: InjectionState) -> Request:
    """Answer the first requests of the process as if they had another seed."""
    if memory.count > int(action["requests"]) or request.seed is None:
        return request
    return replace(request, seed=(request.seed + 1) % 2**31)


def _hold_back(made: Synthesis, action: InjectionAction, memory: InjectionState) -> Synthesis:
    """Tell of the first sample only when that share of the time is over."""
    made.ttfa = max(made.ttfa or 0.0, float(action["share"]) * (time.monotonic() - memory.began))
    return made


def _bloat(made: Synthesis, action: InjectionAction, memory: InjectionState) -> Synthesis:
    """Take memory that grows with the square of the text, and give it back."""
    size = int(float(action["megabytes"]) * 1e6 * (len(memory.texts[-1].split()) / 100) ** 2)
    block = bytearray(size)
    block[::4096] = b"x" * len(range(0, size, 4096))  # touched, so that it is resident
    return made


def _swap(made: Synthesis, action: InjectionAction, memory: InjectionState) -> Synthesis:
    """Answer with the speech of the request before."""
    if memory.samples is not None:
        made.samples, made.sample_rate, made.audio_path = memory.samples, memory.rate, None
    return made


def _truncated_file(made: Synthesis, action: InjectionAction, memory: InjectionState) -> Synthesis:
    """Write a WAV whose header promises the whole, and of which the last ``share`` was never written."""
    if made.samples is None or not made.sample_rate:
        return made
    data = wav_bytes(made.samples, made.sample_rate, "PCM_16")
    kept = 44 + int((len(data) - 44) * (1 - float(action.get("share", 0.5))))
    with tempfile.NamedTemporaryFile(suffix=".wav", delete=False) as file:
        file.write(data[:kept])
    made.samples, made.audio_path = None, Path(file.name)
    return made


def _kind(name: str) -> After:
    def act(made: Synthesis, action: InjectionAction, memory: InjectionState) -> Synthesis:
        details = {key: value for key, value in action.items() if key in ("seconds", "megabytes")}
        return KINDS[name](made, Failure.model_validate({"kind": name, **details}))

    return act


BEFORE: Mapping[str, Before] = {
    "ignore-seed": _ignore_seed,
    "keep-state": _keep_state,
    "misread": _misread,
    "other-seed-at-first": _other_seed_at_first,
}
AFTER: Mapping[str, After] = {
    **{name: _kind(name) for name in ("crash", "kill", "abort", "exit", "hang", "sleep", "leak", "error")},
    **{name: _kind(name) for name in ("no-audio", "no-frames", "text-file")},
    "swap": _swap,
    "truncated-file": _truncated_file,
    "hold-back": _hold_back,
    "bloat": _bloat,
}
