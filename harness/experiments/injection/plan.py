"""Which fault strikes which requests, as settings that travel to the worker like any others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import ConfigDict, Field

from harness.backends.settings import Settings, read_settings, wrong
from harness.core.errors import nearest
from harness.core.records import Variant

ADAPTER = "faulty"
KEY = "faulty"  # the one setting that is not the inner adapter's


class InjectionRule(Settings):
    """One entry of the plan: a class of the catalogue with a dose; it strikes where every condition given holds."""

    fault: str
    injector: str | None = None  # where a class has several; else the first that has what it needs
    dose: float | None = None  # None: the preset
    ramp: int | None = Field(default=None, ge=1)  # requests of the process over which the dose rises from 0
    chunks: list[str] | None = None  # ids
    every: int | None = Field(default=None, ge=1)  # each n-th request of the process
    first: int | None = Field(default=None, ge=1)  # from the n-th request of the process on
    fraction: float | None = Field(default=None, ge=0, le=1)  # of all (text, seed) pairs, drawn with the plan's seed
    words: list[str] | None = Field(default=None, min_length=1)  # texts with one of these words: bound to the text
    seed_fraction: float | None = Field(default=None, ge=0, le=1)  # of all seeds, whatever the text: bound to the seed
    # once the process has spoken each of these words, in earlier requests: bound to the history
    after: list[str] | None = Field(default=None, min_length=1)


class Faulty(Settings):
    """The table ``settings.faulty`` of a variant whose adapter is ``faulty``."""

    adapter: str  # the one inside
    plan: list[InjectionRule] = Field(min_length=1)
    seed: int = Field(default=0, ge=0)


class Outer(Settings):
    """Only for reading: the inner adapter checks its own keys."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)
    faulty: Faulty


def faulty(
    variant: Variant, plan: Sequence[InjectionRule | Mapping[str, object]], *, name: str | None = None, seed: int = 0
) -> Variant:
    """Return ``variant`` with the faults of ``plan`` in its living session; named ``NAME+faulty`` unless ``name`` is
    given.

    Everything else stays: model, voice, seeds, profile and calibration. Raises ConfigError for a wrong plan.
    """
    entries = [
        entry.model_dump(exclude_none=True) if isinstance(entry, InjectionRule) else dict(entry) for entry in plan
    ]
    table = {"adapter": variant.adapter, "plan": entries, "seed": seed}
    variant_with_faults = replace(
        variant,
        name=name or f"{variant.name}+faulty",
        adapter=ADAPTER,
        settings={**variant.settings, KEY: table},
        reference=False,
    )
    read_plan(variant_with_faults)
    return variant_with_faults


def read_plan(variant: Variant) -> Faulty:
    """Return the plan of a variant. Raises ConfigError naming the key, for unknown classes and injectors too."""
    from harness.detectors import catalogue

    table = read_settings(Outer, variant).faulty
    if table.adapter == ADAPTER:
        raise wrong(variant, f"{KEY}.adapter", "cannot be 'faulty' itself")
    for strike in table.plan:
        if strike.fault not in catalogue():
            raise wrong(variant, f"{KEY}.plan", f"unknown fault {strike.fault!r}{nearest(strike.fault, catalogue())}")
        names = [injector.name or strike.fault for injector in catalogue()[strike.fault].injectors]
        if not names:
            raise wrong(variant, f"{KEY}.plan", f"{strike.fault!r} has no injector")
        if strike.injector is not None and strike.injector not in names:
            problem = f"{strike.fault!r} has no injector {strike.injector!r}{nearest(strike.injector, names)}"
            raise wrong(variant, f"{KEY}.plan", problem)
    return table


def inner(variant: Variant, table: Faulty) -> Variant:
    """Return the variant that is wrapped, as its own adapter reads it."""
    settings = {key: value for key, value in variant.settings.items() if key != KEY}
    return replace(variant, adapter=table.adapter, settings=settings)
