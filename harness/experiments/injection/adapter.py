"""Adapter ``faulty``: any other adapter with faults put into its requests, tokens, answers and audio."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from harness.audio import read_audio
from harness.backends import ADAPTERS
from harness.backends.base import Backend, BackendRefused
from harness.core.records import Capabilities, Chunk, Request, Samples, Synthesis, Tokens, Variant
from harness.detectors import catalogue
from harness.detectors.base import CannotInject, InjectionAction, InjectionMaterial, InjectionPoint, Injector
from harness.experiments.injection.actions import AFTER, BEFORE, InjectionState
from harness.experiments.injection.plan import InjectionRule, inner, read_plan
from harness.experiments.injection.triggers import drawn_numbers, rule_strikes, spelled_words
from harness.experiments.injection.words import spoken_words


@dataclass(frozen=True, slots=True)
class _Hit:
    """One injection into one request."""

    strike: InjectionRule
    injectors: tuple[tuple[Injector, float], ...]  # with the dose of each, in the order they are tried
    rng: np.random.Generator


class FaultyBackend:
    """Speaks through the adapter inside, and spoils what the plan names.

    Stages in order: the request (ignored seed, state kept), the tokens (decoded again by the inner adapter, where it
    has ``decode(tokens) -> samples``), the audio, and last the answer (crash, hang, leak, ...). What was done is noted
    as ``injected`` [{``fault``, ``injector``, ``dose``, ``span``}]; what could not be done with its ``reason``.
    """

    def __init__(self) -> None:
        self._inner: Backend | None = None
        self._variant: Variant | None = None
        self._plan: tuple[InjectionRule, ...] = ()
        self._seed = 0
        self._capabilities = Capabilities()
        self._memory = InjectionState()

    @staticmethod
    def check(variant: Variant) -> None:
        """Raise ConfigError for a wrong plan, and for what the inner adapter does not take."""
        table = read_plan(variant)
        ADAPTERS.get(table.adapter, f"{variant.source or 'variant'}: variants.{variant.name}.settings.faulty").check(
            inner(variant, table)
        )

    @staticmethod
    def inputs(variant: Variant) -> list[Path]:
        """Return the files of the adapter inside."""
        table = read_plan(variant)
        declare = getattr(ADAPTERS.get(table.adapter), "inputs", None)
        return list(declare(inner(variant, table))) if declare is not None else []

    def load(self, variant: Variant) -> Capabilities:
        """Load the adapter inside."""
        table = read_plan(variant)
        self._variant, self._plan, self._seed = variant, tuple(table.plan), table.seed
        self._inner = ADAPTERS.get(table.adapter)()
        self._capabilities = self._inner.load(inner(variant, table))
        details = {**self._capabilities.details, "faulty": [s.model_dump(exclude_none=True) for s in self._plan]}
        return replace(self._capabilities, details=details)

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Speak, then let every entry of the plan strike whose conditions hold."""
        assert self._inner is not None
        self._memory.count += 1
        self._memory.began = time.monotonic()
        hits = [hit for index, strike in enumerate(self._plan) if (hit := self._hit(index, strike, request))]
        chunk = Chunk(request.chunk_id, request.text, request.language, expected=request.expected)
        notes: list[dict[str, object]] = []
        asked = request
        actions: list[tuple[_Hit, Injector, float, InjectionAction]] = []
        for hit in hits:
            injector, dose = hit.injectors[0]
            if injector.stage is InjectionPoint.BACKEND and (
                action := injector.apply(InjectionMaterial(chunk), dose, hit.rng).action
            ):
                actions.append((hit, injector, dose, action))
        for hit, injector, dose, action in actions:
            if action["do"] in BEFORE:
                asked = BEFORE[action["do"]](asked, action, self._memory)
                notes.append(_note(hit, injector, dose))
        synthesis = self._inner.synthesize(asked, progress)
        self._memory.texts = [*self._memory.texts[-1:], request.text]
        self._memory.spoken |= spelled_words(request.text)
        clean = synthesis.samples
        synthesis = self._spoil(synthesis, chunk, hits, notes)
        for hit, injector, dose, action in actions:
            if action["do"] in AFTER:
                notes.append(_note(hit, injector, dose))
                synthesis = AFTER[action["do"]](synthesis, action, self._memory)
        if clean is not None:
            self._memory.samples, self._memory.rate = clean, synthesis.sample_rate or self._capabilities.sample_rate
        if notes:
            synthesis.notes = {**synthesis.notes, "injected": notes}
        return synthesis

    def decode(self, tokens: Tokens) -> Samples:
        """Turn tokens into sound by the adapter inside. Raises BackendRefused where it cannot."""
        inside = getattr(self._inner, "decode", None)
        if inside is None:
            raise BackendRefused("the adapter inside has no decode(tokens): its vocoder cannot be asked alone")
        return cast("Samples", inside(tokens))

    def reset(self) -> None:
        """Have the inner adapter clear its state, and forget the count and what was spoken before."""
        assert self._inner is not None
        self._inner.reset()
        self._memory = InjectionState()

    def close(self) -> None:
        """Close the adapter inside."""
        if self._inner is not None:
            self._inner.close()

    def _spoil(self, synthesis: Synthesis, chunk: Chunk, hits: list[_Hit], notes: list[dict[str, object]]) -> Synthesis:
        """Tokens and audio, in the order of the plan; tokens are decoded again."""
        for hit in hits:
            if hit.injectors[0][0].stage is InjectionPoint.BACKEND:
                continue
            why = "nothing was tried"
            for injector, dose in ((i, d) for i, d in hit.injectors if i.stage is not InjectionPoint.BACKEND):
                try:
                    material = self._material(synthesis, chunk, injector)
                    spoiled = injector.apply(material, dose, hit.rng)
                except CannotInject as error:
                    why = str(error)
                    continue
                synthesis = (
                    self._decoded(synthesis, spoiled)
                    if injector.stage is InjectionPoint.TOKENS
                    else _heard(synthesis, spoiled)
                )
                notes.append({**_note(hit, injector, dose), "span": list(spoiled.span) if spoiled.span else None})
                break
            else:
                notes.append({"fault": hit.strike.fault, "reason": why})
        return synthesis

    def _material(self, synthesis: Synthesis, chunk: Chunk, injector: Injector) -> InjectionMaterial:
        if synthesis.samples is None and synthesis.audio_path is not None and synthesis.audio_path.is_file():
            read = read_audio(synthesis.audio_path)
            synthesis.samples, synthesis.sample_rate = read.samples, read.sample_rate
        rate = synthesis.sample_rate or self._capabilities.sample_rate
        layout, cap = self._capabilities.layout, synthesis.noted.get("cap")
        if layout is not None and layout.cap is None and isinstance(cap, int):
            layout = replace(layout, cap=cap)
        before = None
        if self._memory.samples is not None:
            text = self._memory.texts[-2] if len(self._memory.texts) > 1 else ""
            before = InjectionMaterial(Chunk("before", text), self._memory.samples, self._memory.rate)
        material = InjectionMaterial(chunk, synthesis.samples, rate, (), synthesis.tokens, layout, previous=before)
        if injector.needs_words:
            material = replace(material, words=spoken_words(synthesis, material))
        return material

    def _decoded(self, synthesis: Synthesis, spoiled: InjectionMaterial) -> Synthesis:
        assert spoiled.tokens is not None
        before = 0 if synthesis.tokens is None else synthesis.tokens.size
        if synthesis.token_count is not None:
            synthesis.token_count += spoiled.tokens.size - before
        synthesis.finish_reason = spoiled.action.get("finish_reason", synthesis.finish_reason)
        synthesis.tokens = spoiled.tokens
        decode = getattr(self._inner, "decode", None)
        if decode is not None:
            synthesis.samples = decode(spoiled.tokens)
        return synthesis

    def _hit(self, index: int, strike: InjectionRule, request: Request) -> _Hit | None:
        rng = drawn_numbers(self._seed, index, request.text, request.seed)
        by_seed = drawn_numbers(self._seed, index, request.seed)
        if not rule_strikes(strike, request, self._memory, rng, by_seed):
            return None
        given = catalogue()[strike.fault].injectors
        chosen = [i for i in given if strike.injector is None or (i.name or strike.fault) == strike.injector]
        risen = 1.0 if strike.ramp is None else min(1.0, self._memory.count / strike.ramp)
        doses = ((i, risen * (i.preset if strike.dose is None else strike.dose)) for i in chosen)
        return _Hit(strike, tuple(doses), rng)


def _heard(synthesis: Synthesis, spoiled: InjectionMaterial) -> Synthesis:
    synthesis.samples, synthesis.sample_rate = spoiled.samples, spoiled.sample_rate
    return synthesis


def _note(hit: _Hit, injector: Injector, dose: float) -> dict[str, object]:
    return {"fault": hit.strike.fault, "injector": injector.name or hit.strike.fault, "dose": dose}
