"""Parts that injectors share: pieces of audio, places in it, cuts at word boundaries. No input is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from harness.detectors.base import CannotInject, InjectionAction, InjectionMaterial, InjectionPoint, Injector

if TYPE_CHECKING:
    from harness.core.records import Samples, Tokens

Wave = NDArray[np.float64]

JOIN = 0.005  # s of crossfade where pieces are joined, so that a cut is no click
MARGIN = 0.1  # s at both ends that stay untouched
SILENT_DB = 40.0  # under the speech; what is fainter at either end belongs to it no more


def speech(material: InjectionMaterial) -> tuple[Wave, int]:
    """Return samples as float64 and their rate. Raises CannotInject without audio."""
    if material.samples is None or not material.sample_rate or len(material.samples) < 0.2 * material.sample_rate:
        raise CannotInject("no audio, or less than 0.2 s of it")
    return material.samples.astype(np.float64), material.sample_rate


def tokens_of(material: InjectionMaterial) -> Tokens:
    """Return the speech tokens. Raises CannotInject without any."""
    if material.tokens is None or material.tokens.size == 0:
        raise CannotInject("no tokens")
    return material.tokens.copy()


def give(
    material: InjectionMaterial, samples: Wave, start: float | None = None, end: float | None = None
) -> InjectionMaterial:
    """Return the material with other samples; ``start`` and ``end`` (s) say where the damage is."""
    span = (start, end) if start is not None and end is not None else None
    out: Samples = samples.astype(np.float32)
    return replace(material, samples=out, span=span)


def quieter(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Lower the level by ``dose`` dB."""
    x, rate = speech(material)
    return give(material, x * 10 ** (-dose / 20), 0.0, len(x) / rate)


def loudness(x: Wave, rate: int) -> float:
    """Return RMS of the louder frames: the level of the speech, not of its pauses."""
    frames = x[: len(x) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)
    power = np.sort((frames**2).mean(axis=1))[::-1]
    return float(np.sqrt(power[: max(1, len(power) // 2)].mean()))


def sounding(x: Wave, rate: int, under: float) -> NDArray[np.bool_]:
    """Say which 20 ms frames are no fainter than ``under`` dB under the speech, shape (frames,)."""
    width = rate // 50
    frames = x[: len(x) // width * width].reshape(-1, width)
    return np.asarray(np.sqrt((frames**2).mean(axis=1)) > loudness(x, rate) * 10 ** (-under / 20))


def sounding_part(x: Wave, rate: int) -> tuple[int, int]:
    """Return the samples [i, j) from the first to the last 20 ms that are no fainter than 40 dB under the speech."""
    loud = np.flatnonzero(sounding(x, rate, SILENT_DB))
    if not len(loud):
        raise CannotInject("no speech in it")
    return int(loud[0]) * (rate // 50), (int(loud[-1]) + 1) * (rate // 50)


def place(x: Wave, rate: int, seconds: float, rng: np.random.Generator) -> int:
    """Return a random first sample with room for ``seconds`` inside. Raises CannotInject when there is none."""
    room = len(x) / rate - seconds - 2 * MARGIN
    if room < 0:
        raise CannotInject(f"no room for {seconds:.2f} s")
    return int((MARGIN + rng.random() * room) * rate)


def loudest(x: Wave, rate: int, seconds: float) -> int:
    """Return the first sample of the loudest stretch of that length. Raises CannotInject when the audio is shorter."""
    width = max(int(seconds * rate), 1)
    if width >= len(x):
        raise CannotInject(f"no room for {seconds:.2f} s")
    sums = np.concatenate([[0.0], np.cumsum(x**2)])
    return int(np.argmax(sums[width:] - sums[:-width]))


def crossfade(pieces: list[Wave], rate: int) -> Wave:
    """Return pieces one after another with short crossfades."""
    out = pieces[0]
    for piece in pieces[1:]:
        n = min(int(JOIN * rate), len(out), len(piece))
        ramp = np.linspace(0, 1, n) if n else np.empty(0)
        mixed = out[len(out) - n :] * (1 - ramp) + piece[:n] * ramp
        out = np.concatenate([out[: len(out) - n], mixed, piece[n:]])
    return out


def words_at(material: InjectionMaterial, count: int, rng: np.random.Generator) -> tuple[int, int]:
    """Return indices [i, j) of ``count`` words in the middle, neither first nor last.

    Raises CannotInject with too few.
    """
    room = len(material.words) - count - 2
    if room < 0:
        raise CannotInject(f"{len(material.words)} words with times, {count + 2} are needed")
    first = 1 + int(rng.integers(0, room + 1))
    return first, first + count


def word_start(material: InjectionMaterial, rate: int, word: int) -> int:
    """Return the sample where word ``word`` begins; the end of the last word for one past it."""
    words = material.words
    return int((words[word][1] if word < len(words) else words[-1][2]) * rate)


def coloured(n: int, slope: float, rng: np.random.Generator) -> Wave:
    """Return noise of RMS 1 whose spectrum falls by ``slope`` powers of the frequency (0 white, 2 brown)."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    bins = np.arange(len(spectrum))
    spectrum[1:] /= bins[1:] ** (slope / 2)
    spectrum[bins < 0.003 * len(bins)] = 0  # what no loudspeaker plays would take all of a steep slope's power
    noise = np.fft.irfft(spectrum, n)
    return np.asarray(noise / np.sqrt((noise**2).mean()))


def backend(
    do: str,
    key: str = "",
    unit: str = "share of requests",
    doses: tuple[float, ...] = (0.01, 0.1, 1.0),
    preset: float = 1.0,
    name: str = "",
) -> Injector:
    """Return an injector that tells a wrapped worker what to do (harness/experiments/injection/actions.py).

    The dose is how often (share of requests); with ``key`` it is handed on under that name, at every request.
    """

    def apply(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
        if key:
            return replace(material, action=cast(InjectionAction, {"do": do, key: dose})) if dose else material
        return replace(material, action={"do": do}) if rng.random() < dose else material

    return Injector(InjectionPoint.BACKEND, unit, doses, preset, apply, name)


def audio(
    unit: str,
    doses: tuple[float, ...],
    preset: float,
    apply: Callable[[InjectionMaterial, float, np.random.Generator], InjectionMaterial],
    name: str = "",
) -> tuple[Injector, ...]:
    """Return one injector of the audio stage, as a class lists it."""
    return (Injector(InjectionPoint.AUDIO, unit, doses, preset, apply, name),)


def words(
    doses: tuple[float, ...],
    preset: float,
    apply: Callable[[InjectionMaterial, float, np.random.Generator], InjectionMaterial],
    unit: str = "words",
    name: str = "",
) -> tuple[Injector, ...]:
    """Return one injector that cuts at the borders of words, as a class lists it."""
    return (Injector(InjectionPoint.WORDS, unit, doses, preset, apply, name),)


def token_injector(
    unit: str,
    doses: tuple[float, ...],
    preset: float,
    apply: Callable[[InjectionMaterial, float, np.random.Generator], InjectionMaterial],
    name: str = "",
) -> tuple[Injector, ...]:
    """Return one injector of the token stage, as a class lists it."""
    return (Injector(InjectionPoint.TOKENS, unit, doses, preset, apply, name),)
