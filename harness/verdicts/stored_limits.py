"""The shape of a calibration on disk, checked where it is read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

from harness.core.errors import ConfigError, first_problem, nearest, refuse_unknown
from harness.core.records import Relation

SCHEMA = 1
_OPEN = ConfigDict(strict=True, extra="allow")  # what another version wrote stays: it is part of the key


@with_config(_OPEN)
class HeldOutAlarms(TypedDict, total=False):
    """Alarms on texts that the fit had not seen; ``reason``: why there were too few of them."""

    judged: int
    faulty: int
    faults: dict[str, int]
    broken: int
    reason: str


@with_config(_OPEN)
class LimitsFit(TypedDict, total=False):
    """What limits were fitted on and to which false-alarm budget; ``reason``: why nothing was fitted."""

    budget: float
    takes: int
    texts: int
    left_out: list[str]
    held_out: HeldOutAlarms
    reason: str


class StoredBound(BaseModel):
    """One limit, as ``harness.verdicts.limits.Bound``."""

    model_config = ConfigDict(frozen=True)
    limit: FiniteFloat
    source: str
    center: FiniteFloat = 0.0
    slope: FiniteFloat = 0.0
    max_words: Annotated[int, Field(ge=1, strict=True)] | None = None


class StoredFaultLimits(BaseModel):
    """The limits of one class; an earlier version wrote no ``prior``."""

    model_config = ConfigDict(frozen=True)
    relation: Relation
    against: str
    reference: list[StoredBound]
    voice: list[StoredBound]
    prior: list[StoredBound] | None = None
    physics: FiniteFloat | None
    maximum: FiniteFloat | None


class StoredLimits(BaseModel):
    """A whole calibration."""

    model_config = ConfigDict(frozen=True)
    keys: dict[str, str] = Field(default_factory=dict)
    fitted: LimitsFit = Field(default_factory=lambda: LimitsFit())
    faults: dict[str, StoredFaultLimits]


def read_stored_limits(data: object, where: str, classes: Collection[str]) -> StoredLimits:
    """Return a calibration as it was written, of fault ``classes`` alone.

    Raises ConfigError, one line naming the key, for one that cannot be used.
    """
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(data, dict) or schema != SCHEMA:
        raise ConfigError(f"{where}: schema is {schema!r}, this version reads {SCHEMA}")
    refuse_unknown(where, data, ("schema", *StoredLimits.model_fields))
    faults = data.get("faults")
    for name in faults if isinstance(faults, dict) else ():
        if name not in classes:
            raise ConfigError(f"{where}: faults.{name}: unknown fault{nearest(name, classes)}")
    try:
        stored = StoredLimits.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_problem(error)}") from None
    if not stored.faults:  # defaults in the name of a calibration would judge without a word
        raise ConfigError(f"{where}: faults: is empty, so it limits nothing")
    return stored
