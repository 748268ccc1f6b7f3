"""Unintelligible: it sounds like speech, and holds none of the words."""

from dataclasses import replace

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import quoted
from harness.detectors._figures import speech_seconds
from harness.detectors._heard import TranscriptPair, compare_transcript, reference_understood
from harness.detectors._inject import audio, crossfade, give, speech, token_injector, tokens_of
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    CannotJudge,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
)

SLOWEST = 5.0  # letters a second of speech: whoever speaks for longer and is not heard has said something else

TOO_SHORT = 3  # letters; healthy voices' "A.", "Oh." and "Why?" are heard as "okay", "bye" or nothing


def turn_round(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Reverse the speech in windows of ``dose`` seconds: it keeps its level, spectrum and pace."""
    x, rate = speech(material)
    width = max(int(dose * rate), 2)
    return give(
        material, crossfade([x[i : i + width][::-1] for i in range(0, len(x), width)], rate), 0.0, len(x) / rate
    )


def keep_the_envelope(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Replace speech by white noise under its own envelope, for ``dose`` of the clip, in the middle."""
    x, rate = speech(material)
    first, after = _middle(len(x), dose)
    width = int(0.02 * rate)
    envelope = np.convolve(np.abs(x), np.ones(width) / width, "same")[first:after]
    noise = envelope * rng.standard_normal(after - first)
    power = float((x[first:after] ** 2).mean()) / max(float((noise**2).mean()), 1e-20)
    x[first:after] = noise * np.sqrt(power)
    return give(material, x, first / rate, after / rate)


def scramble_phases(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Keep the spectrum of every ``dose`` s and give it random phases: what is within a window is smeared over it."""
    x, rate = speech(material)
    width = max(int(dose * rate), 16)
    for first in range(0, len(x), width):
        bins = np.fft.rfft(x[first : first + width])
        turned = np.abs(bins) * np.exp(2j * np.pi * rng.random(len(bins)))
        x[first : first + width] = np.fft.irfft(turned, len(x[first : first + width]))
    return give(material, x, 0.0, len(x) / rate)


def shuffle(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Put pieces of ``dose`` s in random order."""
    x, rate = speech(material)
    width = max(int(dose * rate), 16)
    pieces = [x[first : first + width] for first in range(0, len(x) - width + 1, width)]
    order = rng.permutation(len(pieces))
    return give(material, crossfade([pieces[i] for i in order], rate), 0.0, len(x) / rate)


def flip(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Replace a share of the tokens by others of their codebook."""
    codes = tokens_of(material)
    if material.layout is None:
        raise CannotInject("the sizes of the codebooks are unknown")
    chosen = rng.random(codes.shape) < dose
    other = rng.integers(0, np.array(material.layout.codebook_sizes)[: codes.shape[1]], codes.shape)
    return replace(material, tokens=np.where(chosen, other, codes).astype(np.int32))


def shift_tokens(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Move every token on by ``dose`` within its codebook."""
    codes = tokens_of(material)
    if material.layout is None:
        raise CannotInject("the sizes of the codebooks are unknown")
    sizes = np.array(material.layout.codebook_sizes)[: codes.shape[1]]
    return replace(material, tokens=((codes + round(dose)) % sizes).astype(np.int32))


def _middle(count: int, share: float) -> tuple[int, int]:
    width = int(share * count)
    return (count - width) // 2, (count - width) // 2 + width


class Unintelligible(BaseFault):
    name = "unintelligible"
    title = "sounds like speech, and holds none of the words"
    family = Family.TRANSCRIPT
    causes = ("coarse quantization", "a codebook order mixed up", "the wrong language", "lost text")
    observes = ("intelligibility", "signal")
    unit = "share of letters that match in neither direction"
    relation = Relation.EXCESS
    default_margin = 0.4
    default_limit = 0.75
    default_long_limit = (8, 0.62)  # by chance more letters agree in a short text; healthy long ones stay below 0.3
    maximum = 1.0
    essential = True
    explains = ("truncation", "skipped-words", "inserted-words", "gibberish-tail", "loop")
    sources = (
        Citation(
            "envelope, zero crossings and centroid caught at most 5% of speech-like non-speech",
            "https://github.com/Lourdle/cosyvoice.cpp/issues/4",
        ),
    )
    injectors = (
        *audio("s, window", (0.03, 0.06, 0.12, 0.25, 10.0), 0.25, turn_round),
        *audio("share of the clip", (0.25, 0.5, 1.0), 1.0, keep_the_envelope, "envelope-noise"),
        *audio("s, window", (0.03, 0.1, 0.3), 0.3, scramble_phases, "phase-scramble"),
        *audio("s, piece", (0.05, 0.1, 0.2), 0.2, shuffle, "shuffle"),
        *token_injector("share of tokens", (0.01, 0.1, 0.3, 1.0), 1.0, flip, "token-flip"),
        *token_injector("places", (1.0, 7.0, 31.0), 1.0, shift_tokens, "token-offset"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        reference_understood(view)
        heard = compare_transcript(view)
        value = 1.0 - max(_precision(heard, speech_seconds(view)), heard.recall)
        if value > 0.5 and len(heard.text) == 1 and len(heard.text[0]) <= TOO_SHORT:
            raise CannotJudge(f"{quoted(heard.text)} by itself is too short to be told from other sounds")
        return DetectorValue(value, None, f"heard {quoted(heard.words)}" if heard.words else "no word was heard")


def _precision(heard: TranscriptPair, seconds: float) -> float:
    """Return the share of what was said that is in the text: by the letters heard, or that the time must have held.

    A recognizer that makes out one common word in ten seconds of babble has heard nothing that is not in the text.
    """
    letters = sum(map(len, heard.words))
    said = min(SLOWEST * seconds, sum(map(len, heard.text)))
    return heard.precision * letters / max(letters, said, 1.0)
