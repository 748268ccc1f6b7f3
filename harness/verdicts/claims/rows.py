"""The plain rows that claims are computed from, and the margins that they are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.core.errors import ConfigError, nearest
from harness.core.records import Chunk, ReferenceRecord, Verdict, VerdictWord
from harness.verdicts.profile.stored import ProfileTotals


@dataclass(frozen=True)
class ChunkResult:
    """What became of one chunk. ``values`` holds only what is known, e.g. loudness_lufs, rtfx, rss_bytes."""

    position: int  # order of speaking within the run, from 0
    chunk: Chunk
    verdict: Verdict | None = None  # None: never spoken, or never judged
    epoch: int | None = None
    errors: int | None = None  # of words, by the recognizer
    words: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def judged(self) -> bool:
        """Return whether the verdict is clean or faulty."""
        return self.verdict is not None and self.verdict.word.judged

    @property
    def unspoken(self) -> bool:
        """Return whether the text held nothing to speak and was answered as it should be."""
        return self.verdict is not None and self.verdict.word is VerdictWord.NOTHING_TO_SPEAK

    @property
    def faulty(self) -> bool:
        """Return whether a fault was found."""
        return self.verdict is not None and self.verdict.word is VerdictWord.FAULTY


class Reference(Protocol):
    """The part of a profile that claims need."""

    @property
    def totals(self) -> ProfileTotals: ...

    def record(self, chunk: Chunk) -> ReferenceRecord | None: ...


@dataclass(frozen=True)
class Margins:
    """Margins of the claims, read from the suite's ``limits.toml``."""

    level: float = 0.95
    excess_max: float = 0.02
    absolute_max: float = 0.05
    share_min: float = 0.95
    alpha: float = 0.01
    drift_chunks_min: int = 60
    informs: tuple[str, ...] = ("rtfx",)
    change_max: Mapping[str, float] = field(default_factory=dict)
    jump_max: Mapping[str, float] = field(default_factory=dict)  # measures not named are never failed for a jump
    warm_up: int = 20
    memory_chunks_min: int = 40
    slope_max_bytes: float = 100_000.0
    stop_good: float = 0.004
    stop_excess: float = 0.05
    stop_alpha: float = 0.05
    stop_beta: float = 0.05

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Margins:
        """Read the tables of a limits file; what is not there keeps its default. Raises ConfigError for a wrong key."""
        taken: dict[str, Any] = {}
        for table, content in given.items():
            if table not in _KEYS:
                raise ConfigError(f"limits: unknown table [{table}]{nearest(table, _KEYS)}")
            if not isinstance(content, Mapping):
                raise ConfigError(f"limits: {table} must be a table")
            for key, value in content.items():
                if key not in _KEYS[table]:
                    raise ConfigError(f"limits: {table}: unknown key {key!r}{nearest(key, _KEYS[table])}")
                taken[_KEYS[table][key]] = _checked(value, f"limits: {table}.{key}", _KEYS[table][key])
        return cls(**taken)


_KEYS: Mapping[str, Mapping[str, str]] = {
    "fault-rate": {"level": "level", "excess_max": "excess_max", "absolute_max": "absolute_max"},
    "judged-share": {"share_min": "share_min"},
    "drift": {
        "alpha": "alpha",
        "chunks_min": "drift_chunks_min",
        "informs": "informs",
        "change_max": "change_max",
        "jump_max": "jump_max",
    },
    "stop-early": {"good": "stop_good", "excess": "stop_excess", "alpha": "stop_alpha", "beta": "stop_beta"},
    "memory": {"warm_up": "warm_up", "chunks_min": "memory_chunks_min", "slope_max_bytes": "slope_max_bytes"},
}


_STOP = ("stop_good", "stop_excess", "stop_alpha", "stop_beta")


def _checked(value: Any, where: str, name: str) -> Any:
    if name == "informs":
        if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(v, str) for v in value):
            raise ConfigError(f"{where}: must be a list of names of measures")
        return tuple(value)
    if name in ("change_max", "jump_max"):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: must be a table of numbers")
        return {key: float(_checked(v, f"{where}.{key}", "")) for key, v in value.items()}
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigError(f"{where}: must be a number, is {value!r}")
    if name in ("level", "share_min", "alpha", *_STOP) and not 0 < value <= 1:
        raise ConfigError(f"{where}: must lie between 0 and 1, is {value}")
    return value
