"""eSpeak NG through its library, for voices other than Flite's, with the times of words from its events."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import itertools
import re

import numpy as np

RATE, PITCH = 1, 3  # espeak_PARAMETER
SYNCHRONOUS, CHARS_UTF8 = 2, 1
WORD_EVENT, END_EVENT, LIST_END = 1, 5, 0


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The library keeps global state: take the one of ``espeak()``."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        self._library = ctypes.CDLL(name)
        self.rate = self._library.espeak_Initialize(SYNCHRONOUS, 500, None, 0)
        if self.rate <= 0:
            raise RuntimeError("eSpeak NG did not start; install libespeak-ng1 and espeak-ng-data")
        self._pieces: list[np.ndarray] = []
        self._starts: list[tuple[int, int]] = []
        self._callback = _CALLBACK(self._collect)
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, wave: object, count: int, events: object) -> int:
        if count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())  # type: ignore[call-overload]
        i = 0
        while events[i].type != LIST_END:  # type: ignore[index]
            if events[i].type == WORD_EVENT:  # type: ignore[index]
                self._starts.append((events[i].text_position - 1, events[i].audio_position))  # type: ignore[index]
            i += 1
        return 0

    def say(
        self, text: str, voice: str, rate: int = 160, pitch: int = 50
    ) -> tuple[np.ndarray, list[str], list[tuple[float, float]]] | None:
        """Samples at 16 kHz, words and their times; None for a text with more than letters and plain punctuation.

        eSpeak NG speaks pairs such as "of the" as one; their time is shared by their letters.
        """
        import librosa

        words = list(re.finditer(r"[a-z']*[a-z][a-z']*", text.lower()))
        if re.search(r"[^A-Za-z ,.;:?!']", text) or not words:
            return None
        self._pieces, self._starts = [], []
        self._library.espeak_SetVoiceByName(voice.encode())
        self._library.espeak_SetParameter(RATE, rate, 0)
        self._library.espeak_SetParameter(PITCH, pitch, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, 1, 0, CHARS_UTF8, None, None)
        if not self._starts or not self._pieces:
            return None
        samples = np.concatenate(self._pieces).astype(np.float32) / 32768
        samples = librosa.resample(samples, orig_sr=self.rate, target_sr=16_000, res_type="soxr_hq")
        times = shared_times([m.start() for m in words], self._starts, len(text), len(samples) / 16_000)
        return samples, [m.group() for m in words], times


@functools.cache
def espeak() -> Espeak:
    """The process's eSpeak NG: a second start of the library waits for the first for ever."""
    return Espeak()


def shared_times(
    words: list[int], starts: list[tuple[int, int]], length: int, seconds: float
) -> list[tuple[float, float]]:
    """Times of words from events of (place in the text, ms): linear in the text between one event and the next.

    ``words`` are the places of the words; ``length`` and ``seconds`` are the whole text's.
    """
    places = [float(p) for p, _ in starts] + [float(length)]
    at = [ms / 1000 for _, ms in starts] + [seconds]
    edges = np.interp([*words, length], places, at)
    return [(float(a), max(float(b), float(a) + 0.02)) for a, b in itertools.pairwise(edges)]
