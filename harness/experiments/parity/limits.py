"""The table ``[parity]`` of a limits file: pairs to compare, and when a stage leaves its tolerance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from harness.core.errors import ConfigError, refuse_unknown
from harness.experiments.limits import table_as

Unit = Literal["dB", "nats of magnitude", "nats of power"]
UNITS: Mapping[str, float] = {"dB": 1.0, "nats of magnitude": 8.685889638, "nats of power": 4.342944819}
"""dB in one of each: 20 / ln 10 and 10 / ln 10."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """When a stage has left its tolerance. ``None``: that figure is shown and decides nothing."""

    cosine_min: float | None = 0.9999
    rms_ratio_max: float | None = 0.01  # either way from 1
    difference_max: float | None = None  # largest absolute difference, in the stage's own unit
    agreement_min: float = 1.0  # of integers: share of equal ones
    modulo: float | None = None  # the values are a phase that wraps at this: 1 for turns, 6.2832 for radians
    unit: Unit | None = None  # of a spectrogram's values, so that its level can be told in dB
    crop: bool = False  # compare the common part where one side is padded to its bucket


@dataclass(frozen=True, slots=True)
class SoundTolerance:
    """End to end."""

    log_mel_cosine_min: float = 0.99
    log_mel_correlation_min: float = 0.98  # the same with the mean taken out, which most of a cosine is made of
    level_db_max: float = 0.5
    rms_ratio_max: float = 0.02
    duration_ratio_max: float = 0.01
    agreement_min: float = 1.0  # of tokens, where both sides have them


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides to compare: what to load (a dump, a folder, a callable), at which lengths, by which tolerances."""

    name: str
    reference: str
    candidate: str
    buckets: tuple[int | None, ...] = (None,)
    own: Mapping[str, Any] = field(default_factory=dict)  # keys of the table [parity] that are others for this pair

    def rows(self) -> list[str]:
        """Return the name of each row: the pair's, with its bucket."""
        return [row_name(self.name, bucket) for bucket in self.buckets]


def row_name(pair: str, bucket: int | None) -> str:
    """Return what a row is called in claims and test ids."""
    return pair if bucket is None else f"{pair}-{bucket}"


@dataclass(frozen=True, kw_only=True)
class ParityStages:
    """What the stages are called and how they are called, from the plain keys of the table."""

    waveform: str = "waveform"  # the stage that is the sound
    tokens: str | None = None  # the stage that holds tokens
    sample_rate: int = 24000  # Hz, of the waveform
    repeats: int = 3  # calls of a callable after the first, for its warm time
    speaker_max: float = 0.03  # loss of similarity against the encoder's own floor and the reference's own ceiling


@dataclass(frozen=True, kw_only=True)
class ParityLimits(ParityStages):
    """Everything that the table says. Folders and files are relative to ``folder``."""

    folder: Path
    pairs: Mapping[str, Pair] = field(default_factory=dict)
    stage: Tolerance = Tolerance()  # where a stage has no table of its own
    stages: Mapping[str, Tolerance] = field(default_factory=dict)
    sound: SoundTolerance = SoundTolerance()
    table: Mapping[str, Any] = field(default_factory=dict)  # as read

    def tolerance(self, stage: str) -> Tolerance:
        """Return the tolerance of a stage by its name."""
        return self.stages.get(stage, self.stage)

    def of(self, pair: Pair) -> ParityLimits:
        """Return the limits with what the pair has of its own. Raises ConfigError."""
        return ParityLimits.read({**self.table, **pair.own}, self.folder) if pair.own else self

    @classmethod
    def read(cls, table: Mapping[str, Any], folder: Path) -> ParityLimits:
        """Read the table. Raises ConfigError, one line naming the key, for whatever is wrong."""
        refuse_unknown("limits: parity", table, {each.name for each in fields(cls)} - {"folder", "table"})
        plain = {each.name: table[each.name] for each in fields(ParityStages) if each.name in table}
        base = _table(table, "stage")
        limits = cls(
            **asdict(table_as(ParityStages, plain, "limits: parity", strict=True)),
            folder=folder,
            table={key: value for key, value in table.items() if key != "pairs"},
            pairs={name: _pair(name, given) for name, given in _tables(table, "pairs").items()},
            stage=table_as(Tolerance, base, "limits: parity.stage", strict=True),
            stages={
                name: table_as(Tolerance, {**base, **given}, f"limits: parity.stages.{name}", strict=True)
                for name, given in _tables(table, "stages").items()
            },
            sound=table_as(SoundTolerance, _table(table, "sound"), "limits: parity.sound", strict=True),
        )
        for pair in limits.pairs.values():
            limits.of(pair)
        return limits


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"limits: parity.{key} must be a table")
    return value


def _tables(table: Mapping[str, Any], key: str) -> Mapping[str, Mapping[str, Any]]:
    value = _table(table, key)
    if not all(isinstance(each, Mapping) for each in value.values()):
        raise ConfigError(f"limits: parity.{key} must hold tables, [parity.{key}.NAME]")
    return value


def _pair(name: str, given: Mapping[str, Any]) -> Pair:
    own = ("stage", "stages", "sound", "waveform", "tokens", "sample_rate", "repeats")
    refuse_unknown(f"limits: parity.pairs.{name}", given, ("reference", "candidate", "buckets", *own))
    for key in ("reference", "candidate"):
        if not isinstance(given.get(key), str):
            raise ConfigError(f"limits: parity.pairs.{name}.{key}: a dump, a folder or module:callable is needed")
    buckets = given.get("buckets", [])
    if not isinstance(buckets, list) or not all(type(bucket) is int for bucket in buckets):
        raise ConfigError(f"limits: parity.pairs.{name}.buckets must be a list of whole numbers, is {buckets!r}")
    more = {key: given[key] for key in own if key in given}
    return Pair(name, given["reference"], given["candidate"], tuple(buckets) or (None,), more)


def row_names(table: Mapping[str, Any]) -> list[str]:
    """Return the name of every row (a pair, at one bucket) that the table names. Raises ConfigError."""
    return [row for pair in ParityLimits.read(table, Path()).pairs.values() for row in pair.rows()]
