"""Whose voice it sounds like: the cosine between embeddings of one speaker encoder (``speaker_encoders``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from harness.audio import AudioError, read_audio, resample
from harness.core.records import Samples
from harness.core.records.payloads import SpeakerPayload
from harness.scorers.asr import speech_16k
from harness.scorers.base import Clip, Unavailable
from harness.scorers.clip import SPEECH_RATE
from harness.scorers.speaker_encoders import DEFAULT_ENCODER, Embedding, ResemblyzerEncoder, speaker_encoder

ENCODER = ResemblyzerEncoder.name
SHORTEST_SPEECH = 1.6  # s; one window of Resemblyzer, below it the embedding is mostly zero padding
ACTIVE_RANGE_DB = 35.0  # frames within this of the loud ones count as speech
_LEVEL_DBFS = -30.0  # active level that Resemblyzer was trained at
_LONGEST_GAP = 0.2  # s of pause kept as it is between two active frames


class SpeakerScorer:
    """Speaker embedding of a clip and its cosine similarity to the voice's reference embedding."""

    name = "speaker"
    room = "recognizer"
    needs = frozenset({"audio"})

    def __init__(self, encoder: str = DEFAULT_ENCODER) -> None:
        self._encoder = speaker_encoder(encoder)
        self.version = f"1 {self._encoder.name}"  # what is compared with is said in the payload
        self._prompts: dict[Path, Embedding] = {}

    def setup(self) -> None:
        """Load the encoder."""
        self._encoder.setup()

    def observe(self, clip: Clip) -> SpeakerPayload:
        """Return the payload ``speaker`` of ARCHITECTURE.md. Raises Unavailable with too little speech."""
        embedding, seconds = self.embed(speech_16k(clip))
        reference, against = self._reference(clip)
        return {
            "encoder": self._encoder.name,
            "embedding": [round(float(x), 6) for x in embedding],
            "similarity": None if reference is None else cosine(embedding, reference),
            "against": against,
            "speech_seconds": round(seconds, 3),
        }

    def _reference(self, clip: Clip) -> tuple[Embedding | Sequence[float] | None, str]:
        """Return what the clip is compared with: the prompt of this very text, else the reference's voice, else the
        variant's.

        Raises Unavailable, with the reason, for a prompt that cannot be used.
        """
        prompt = clip.attempt.noted.get("prompt_audio")
        if prompt is not None:
            return self._prompt(Path(str(prompt))), "the prompt of the text"
        if self._encoder.name in clip.voice_embeddings:
            return clip.voice_embeddings[self._encoder.name], "the reference"
        if clip.variant.voice_prompt is not None:
            return self._prompt(clip.variant.voice_prompt), "the variant's voice_prompt"
        return None, ""

    def _prompt(self, path: Path) -> Embedding:
        if path not in self._prompts:
            try:
                read = read_audio(path)
                whole = np.where(np.isfinite(read.samples), read.samples, 0).astype(np.float32)
                self._prompts[path] = self.embed(resample(whole, read.sample_rate, SPEECH_RATE))[0]
            except (AudioError, Unavailable) as error:
                raise Unavailable(f"the prompt cannot be compared with: {error}") from None
        return self._prompts[path]

    def embed(self, samples: Samples) -> tuple[Embedding, float]:
        """Return the L2-normed embedding, shape (dimensions,), of 16 kHz audio and its seconds of speech.

        Long pauses are cut by level, not by WebRTC's detector, which drops much of synthetic speech.
        """
        speech, seconds = active_speech(samples)
        if seconds < SHORTEST_SPEECH:
            raise Unavailable(f"{seconds:.1f} s of speech; {self._encoder.name} needs {SHORTEST_SPEECH} s")
        vector = self._encoder.embed(speech).astype(np.float64)
        norm = float(np.linalg.norm(vector))
        if not np.isfinite(norm) or norm == 0.0:
            raise Unavailable(f"{self._encoder.name} gave no direction")
        return (vector / norm).astype(np.float32), seconds


def cosine(one: ArrayLike, other: ArrayLike) -> float | None:
    """Return the cosine of two vectors in [-1, 1]; None where one of them is zero or not finite."""
    a, b = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    value = float(a @ b) / norm if norm > 0 else float("nan")
    return value if np.isfinite(value) else None


def active_speech(samples: Samples) -> tuple[Samples, float]:
    """Return 16 kHz audio with long pauses cut, at one level, and the seconds of active 10 ms frames."""
    frame = SPEECH_RATE // 100
    whole = np.asarray(samples[: len(samples) // frame * frame], dtype=np.float64).reshape(-1, frame)
    power = np.mean(whole**2, axis=1)
    if power.size == 0 or power.max() < 1e-10:
        return np.zeros(0, dtype=np.float32), 0.0
    loud = float(np.percentile(power[power >= power.max() * 1e-6], 95))
    active = power > loud * 10 ** (-ACTIVE_RANGE_DB / 10)
    reach = int(_LONGEST_GAP * 100 / 2)
    kept = np.convolve(active, np.ones(2 * reach + 1), mode="same") > 0.5 if power.size > 2 * reach else active
    gain = 10 ** (_LEVEL_DBFS / 20) / np.sqrt(power[active].mean())
    return (whole[kept].reshape(-1) * gain).astype(np.float32), float(active.sum()) / 100
