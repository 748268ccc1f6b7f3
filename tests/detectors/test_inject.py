"""The injectors: each makes its fault in speech-like sound or in tokens, and its own class sees it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from harness.core.records import Attempt, Chunk, DetectorInput, Samples, TokenLayout, Variant
from harness.detectors import catalogue
from harness.detectors.base import CannotInject, InjectionMaterial, InjectionPoint, Injector
from harness.scorers import SCORERS, observe
from harness.scorers.clip import SharedClip
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.profile.build import reference_of
from harness.verdicts.profile.takes import Take

RATE = 16000
LAYOUT = TokenLayout((1024, 256), 0.04, cap=900)
TEXT = "a man and a plan for the canal that ran on and on in the sun of an old day by the sea"
SCORED = ("signal", "pitch", "tokens")
CHUNK = Chunk("a", TEXT)


@cache
def scorers() -> list:  # type: ignore[type-arg]
    instances = [SCORERS.get(name)() for name in SCORED]
    for scorer in instances:
        scorer.setup()
    return instances


def talk(seed: int, pitch: float = 120.0) -> InjectionMaterial:
    """Vowels of a harmonic source in three formants, one a word, with fricatives, pauses and a gliding pitch."""
    rng = np.random.default_rng(seed)
    pieces: list[np.ndarray] = [np.zeros(int(0.15 * RATE))]
    words, clock, phase = [], 0.15, 0.0
    for number, word in enumerate(TEXT.split()):
        seconds = float(rng.uniform(0.2, 0.32))
        n = int(seconds * RATE)
        f0 = pitch * (1.1 - 0.2 * number / 20) * (1 + 0.05 * np.sin(np.linspace(0, 3, n)))
        angle = phase + 2 * np.pi * np.cumsum(f0) / RATE
        phase = float(angle[-1])
        formants = (rng.uniform(350, 750), rng.uniform(1100, 1900), rng.uniform(2300, 2900))
        vowel = np.zeros(n)
        for k in range(1, int(0.45 * RATE / pitch)):
            gain = sum(math.exp(-(((k * pitch - f) / 160) ** 2)) for f in formants) / k**0.3 + 0.01
            vowel += gain * np.cos(k * angle + 0.3 * k * k)
        hiss = rng.standard_normal(n) * np.exp(-np.linspace(0, 12, n)) * 0.4
        pieces.append((vowel * np.sin(np.linspace(0.05, np.pi - 0.05, n)) ** 0.5 + hiss) * 0.08)
        words.append((word, clock, clock + seconds))
        clock += seconds
        if number % 7 == 6:
            pieces.append(np.zeros(int(0.25 * RATE)))
            clock += 0.25
    samples = np.concatenate([*pieces, np.zeros(int(0.15 * RATE))]) + 1e-4 * rng.standard_normal(1)
    samples += 3e-5 * rng.standard_normal(len(samples))
    frames = round(len(samples) / RATE / 0.04)
    tokens = np.stack([rng.integers(0, 1024, frames), rng.integers(0, 200, frames)], axis=1).astype(np.int32)
    sound: Samples = samples.astype(np.float32)
    return InjectionMaterial(CHUNK, sound, RATE, words, tokens, LAYOUT)


def take(material: InjectionMaterial) -> Take:
    assert material.samples is not None
    count = None if material.tokens is None else int(material.tokens.size)
    attempt = Attempt(
        0,
        0,
        0,
        "a",
        "v",
        duration=len(material.samples) / RATE,
        sample_rate=RATE,
        tokens=material.tokens,
        token_count=count,
    )
    clip = SharedClip(CHUNK, attempt, material.samples, RATE, Variant("v", "null"), LAYOUT)
    return Take(CHUNK, attempt, {scorer.name: observe(scorer, clip) for scorer in scorers()})


@cache
def clean() -> InjectionMaterial:
    other, previous = talk(90, 190.0), talk(91)
    material = talk(1)
    return InjectionMaterial(
        CHUNK, material.samples, RATE, material.words, material.tokens, LAYOUT, previous=previous, other=other
    )


@cache
def reference():  # type: ignore[no-untyped-def]
    return reference_of([take(talk(seed)) for seed in (1, 2, 3)])


def found_in(material: InjectionMaterial) -> set[str]:
    scored = take(material)
    view = DetectorInput(CHUNK, scored.attempt, scored.observations, reference())
    judge = VerdictPolicy(Limits.default())
    visible = [f.evidence(view) for f in catalogue().values() if f.observes and set(f.observes) <= set(SCORED)]
    return {finding.fault for finding in judge.findings(view, visible)[0]}


def injectors(*stages: InjectionPoint) -> list[tuple[str, Injector]]:
    return [(name, i) for name, fault in catalogue().items() for i in fault.injectors if i.stage in stages]


SEEN_HERE = [
    (name, injector)
    for name, injector in injectors(InjectionPoint.AUDIO, InjectionPoint.TOKENS)
    if set(catalogue()[name].observes) <= set(SCORED) and not catalogue()[name].judged_by
]


def test_the_clean_twin_is_clean() -> None:
    assert found_in(clean()) == set()


@pytest.mark.parametrize(("name", "injector"), SEEN_HERE, ids=[name for name, _ in SEEN_HERE])
def test_the_preset_dose_is_found_under_its_own_name(name: str, injector: Injector) -> None:
    broken = injector.apply(clean(), injector.preset, np.random.default_rng(5))
    assert name in found_in(broken)


@pytest.mark.parametrize(
    ("name", "injector"),
    injectors(*InjectionPoint),
    ids=[f"{name}-{i.stage}" for name, i in injectors(*InjectionPoint)],
)
def test_injectors_are_pure_and_say_where_the_damage_is(name: str, injector: Injector) -> None:
    assert injector.preset in injector.doses and list(injector.doses) == sorted(injector.doses)
    material = clean()
    before = (material.samples.copy(), material.tokens.copy())  # type: ignore[union-attr]
    once = injector.apply(material, injector.preset, np.random.default_rng(3))
    again = injector.apply(material, injector.preset, np.random.default_rng(3))
    np.testing.assert_array_equal(material.samples, before[0])
    np.testing.assert_array_equal(material.tokens, before[1])
    np.testing.assert_array_equal(once.samples, again.samples)
    np.testing.assert_array_equal(once.tokens, again.tokens)
    if injector.stage in (InjectionPoint.AUDIO, InjectionPoint.WORDS):
        assert once.samples is not None and once.samples.dtype == np.float32 and once.span is not None
        assert 0 <= once.span[0] <= once.span[1]
    elif injector.stage is InjectionPoint.TOKENS:
        assert once.tokens is not None and not np.array_equal(once.tokens, before[1])
    else:
        assert once.action["do"]


@pytest.mark.parametrize(
    ("name", "injector"), injectors(*InjectionPoint), ids=[f"{n}-{i.stage}" for n, i in injectors(*InjectionPoint)]
)
def test_material_without_room_is_refused_or_taken(name: str, injector: Injector) -> None:
    empty = InjectionMaterial(CHUNK, np.zeros(100, np.float32), RATE)
    if injector.stage is InjectionPoint.BACKEND:
        assert injector.apply(empty, 0.0, np.random.default_rng(0)) is empty
        return
    with pytest.raises(CannotInject):
        injector.apply(empty, injector.preset, np.random.default_rng(0))


@pytest.mark.parametrize(("name", "shorter"), [("truncation", True), ("skipped-words", True), ("loop", False)])
def test_words_are_cut_at_their_borders(name: str, shorter: bool) -> None:
    material = clean()
    (injector,) = catalogue()[name].injectors
    broken = injector.apply(material, 5.0, np.random.default_rng(0))
    assert broken.samples is not None and material.samples is not None
    change = (len(material.samples) - len(broken.samples)) / RATE
    assert (change if shorter else -change) == pytest.approx(5 * 0.26, abs=0.6)


def test_dead_air_lies_inside_the_speech_however_long_the_silence_around_it() -> None:
    bare = talk(3)
    assert bare.samples is not None
    quiet = np.zeros(4 * RATE, np.float32)
    padded = replace(bare, samples=np.concatenate([quiet, bare.samples, quiet]))
    first, last = 4.0, 4.0 + len(bare.samples) / RATE
    (injector,) = catalogue()["internal-silence"].injectors
    for seed in range(20):
        span = injector.apply(padded, injector.preset, np.random.default_rng(seed)).span
        assert span is not None and first < span[0] < last


def spoken(samples: np.ndarray, other: InjectionMaterial | None = None) -> InjectionMaterial:
    return InjectionMaterial(CHUNK, samples.astype(np.float32), RATE, other=other)


def preset(name: str, injector: str = "") -> Injector:
    return next(one for one in catalogue()[name].injectors if one.name == injector)


def hum(seconds: float, f0: float = 200.0) -> np.ndarray:
    """A vowel: ten harmonics of ``f0``."""
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.1 * sum(np.cos(2 * np.pi * k * f0 * time + k * k) / k for k in range(1, 11))


def test_a_click_is_put_where_no_hiss_drowns_it() -> None:
    hiss = 0.1 * np.random.default_rng(0).standard_normal(round(1.0 * RATE))
    material = spoken(np.concatenate([hum(2.0), hiss, hum(2.0)]))
    for seed in range(30):
        at, _ = preset("click").apply(material, -6.0, np.random.default_rng(seed)).span
        assert not 1.98 < at < 3.02


def test_a_step_has_speech_on_either_side() -> None:
    material = spoken(np.concatenate([hum(4.0), np.zeros(4 * RATE), hum(4.0)]))
    for seed in range(20):
        at, _ = preset("level-step").apply(material, 20.0, np.random.default_rng(seed)).span
        assert at < 3.6 or at > 8.9
    with pytest.raises(CannotInject, match="speech"):
        preset("level-step").apply(
            spoken(np.concatenate([hum(1.9), np.zeros(4 * RATE), hum(0.2)])), 20.0, np.random.default_rng(0)
        )


def test_holes_that_lie_in_pauses_do_not_count() -> None:
    assert preset("dropouts").apply(spoken(hum(2.0)), 4.0, np.random.default_rng(0)).span
    with pytest.raises(CannotInject, match="holes"):
        preset("dropouts").apply(spoken(np.concatenate([hum(0.9), np.zeros(4 * RATE)])), 4.0, np.random.default_rng(0))


def test_another_voice_begins_with_its_speech_and_not_with_its_pause() -> None:
    other = spoken(np.concatenate([np.zeros(3 * RATE), hum(2.0, 130.0)]))
    broken = preset("wrong-speaker").apply(spoken(hum(2.0), other), 1.0, np.random.default_rng(0))
    assert broken.samples is not None and float(np.abs(broken.samples[: RATE // 4]).max()) > 0.05


def test_a_phase_that_float16_still_holds_is_no_fault() -> None:
    rough = preset("robotic")
    assert rough.apply(spoken(hum(3.0)), 0.0, np.random.default_rng(0)).span  # 3,770 rad
    with pytest.raises(CannotInject, match="rad"):
        rough.apply(spoken(hum(1.0)), 0.0, np.random.default_rng(0))
