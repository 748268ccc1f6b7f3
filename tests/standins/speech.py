"""Speech for the stand-in programs, and their failures on request.

``STANDIN_VOICE``: ``speechlike`` (the default: quick, no words), ``embedded`` (the embedded voice through its own
adapter) or ``flite`` (real words). ``STANDIN_FAIL``: names of failures, separated by commas; ``STANDIN_TEXTS``: a file
with the texts they strike, one a line (without it: all).
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.append(str(HERE.parents[1]))

from harness.audio import read_audio, resample, write_wav  # noqa: E402
from harness.core.records import Request, Variant  # noqa: E402

VOICE = HERE.parents[1] / "voices" / "duo" / "q4_k_s.gguf"


def fails(kind: str, text: str) -> bool:
    """Whether the failure is asked for on this text."""
    if kind not in os.environ.get("STANDIN_FAIL", "").split(","):
        return False
    listed = os.environ.get("STANDIN_TEXTS")
    return listed is None or text.strip() in Path(listed).read_text(encoding="utf-8").splitlines()


def say(text: str, seed: int = 0, rate: int = 24000) -> np.ndarray:
    """Speech at ``rate``, float32, with the damage that was asked for."""
    audio = _VOICES[os.environ.get("STANDIN_VOICE", "speechlike")](text, seed, rate)
    for kind, damage in _DAMAGE.items():
        if fails(kind, text):
            audio = damage(audio, rate, np.random.default_rng(seed))
    return audio.astype(np.float32)


def save(path: str, samples: np.ndarray, rate: int, subtype: str = "PCM_16") -> None:
    """Write a WAV."""
    write_wav(Path(path), np.asarray(samples, np.float32), rate, subtype)


def _speechlike(text: str, seed: int, rate: int) -> np.ndarray:
    from harness.backends.null import NullSettings, null_audio

    audio = null_audio(
        NullSettings(mode="speechlike", seconds_per_word=0.35, sample_rate=rate), Request("x", text, seed)
    )
    assert audio.samples is not None
    return audio.samples


@functools.cache
def _embedded_backend() -> object:
    from harness.backends.llama_codec import LlamaCodec

    backend = LlamaCodec()
    backend.load(Variant("v", "llama_codec", {"model": str(VOICE)}))
    return backend


def _embedded(text: str, seed: int, rate: int) -> np.ndarray:
    spoken = _embedded_backend().synthesize(Request("x", text, seed), lambda: None)  # type: ignore[attr-defined]
    return resample(spoken.samples, spoken.sample_rate, rate)


def _flite(text: str, seed: int, rate: int) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wav"
        subprocess.run(["flite", "-voice", "slt", "-t", text + " ", "-o", str(path)], check=True)
        read = read_audio(path)
    return resample(read.samples, read.sample_rate, rate)


def _near_empty(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return x[len(x) // 3 :][: int(rng.uniform(0.2, 0.4) * rate)]


def _envelope_noise(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with the loudness contour and, frame by frame, the zero crossings of speech; no words."""
    size = rate // 50
    frames = x[: len(x) // size * size].reshape(-1, size)
    spectra = np.abs(np.fft.rfft(frames, axis=1))
    phases = np.exp(2j * np.pi * rng.random(spectra.shape))
    order = rng.permutation(len(frames))  # a sharp recognizer reads whispered words where their order is left
    noise = np.fft.irfft(spectra[order] * phases[order], size, axis=1)
    loud = np.sqrt((frames**2).mean(1, keepdims=True) / np.maximum((noise**2).mean(1, keepdims=True), 1e-12))
    return (noise * np.minimum(loud, 30)).reshape(-1)


def _loop4(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    half = len(x) // 2
    return np.concatenate([x[:half], np.tile(np.array([0.2, 0.1, -0.2, -0.1]), (len(x) - half) // 4)])


def _white_noise(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return 0.1 * rng.standard_normal(len(x))


def _silent(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.zeros(len(x))


def _periodic(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.resize(0.3 * np.sin(2 * np.pi * np.arange(12) / 12), len(x))


def _dark(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return x * 10 ** (-31.3 / 20)  # 3.6 nats of a magnitude are 31.3 dB


def _cut_short(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return x[: int(0.6 * len(x))]


def _babble_tail(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.concatenate([x, x[::-1][: int(2.5 * rate)]])


def _say_again(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The second half twice more, and then babble: what the report calls a loop with gibberish."""
    return _babble_tail(np.concatenate([x, x[len(x) // 2 :], x[len(x) // 2 :]]), rate, rng)


_VOICES = {"speechlike": _speechlike, "embedded": _embedded, "flite": _flite}
_DAMAGE = {
    "near-empty": _near_empty, "unintelligible": _envelope_noise, "loop4": _loop4, "noise": _white_noise,
    "silent": _silent, "periodic": _periodic, "dark": _dark, "cut-short": _cut_short, "babble-tail": _babble_tail,
    "say-again": _say_again,
}  # fmt: skip
