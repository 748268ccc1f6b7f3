"""SNAC frames of published speech language models: geometry from a file, tokens to codebooks, codebooks to sound.

SNAC (Siuzdak 2024) has codebooks at different rates; models such as Orpheus and Maya1 lay the codes of one period flat
into slots, in the order of a tree. ``voice.json`` says which level a slot belongs to; the token of code c in slot s is
``first`` + s x ``codebook_size`` + c.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from harness.backends.voice.geometry import Codebook, read_description
from harness.core.errors import ConfigError, MissingExtra, nearest
from harness.core.records import Samples, Tokens

KIND = "snac"
NOISE_SEED = 0  # the decoder adds noise of its own; the same for the same codes


@dataclass(frozen=True, slots=True)
class SnacGeometry:
    """What a published model's tokens mean. ``prompt`` holds token ids, and texts that are still to be tokenized."""

    name: str
    sample_rate: int
    context: int
    prompt: tuple[int | str, ...]
    start: int | None  # stands before the speech, if the model itself generates it
    stop: int
    first: int  # token id of code 0 in slot 0
    codebook_size: int
    slots: tuple[int, ...]  # level of each slot of a frame
    frame_samples: int
    speakers: tuple[str, ...]  # empty: any text, such as a description
    default_speaker: str
    max_tokens: int
    codec: Path  # folder with config.json and pytorch_model.bin

    @property
    def codebooks(self) -> tuple[Codebook, ...]:
        """Return one a slot."""
        return tuple(
            Codebook(f"slot {i}", self.first + i * self.codebook_size, self.codebook_size)
            for i in range(len(self.slots))
        )

    @property
    def frame_seconds(self) -> float:
        return self.frame_samples / self.sample_rate

    @property
    def eos(self) -> int:
        """Return the stop token."""
        return self.stop

    @property
    def marker_offset(self) -> int:
        return 0

    @property
    def markers(self) -> int:
        """Return 0: published models have no alignment markers."""
        return 0

    @property
    def said_phones(self) -> range:
        """Return an empty range: published models say no phones."""
        return range(0)

    def speaker(self, name: str | None) -> str:
        """Return the name or description to put into the prompt. Raises ConfigError with the nearest name."""
        chosen = name or self.default_speaker
        if self.speakers and chosen not in self.speakers:
            raise ConfigError(f"voice {self.name}: unknown speaker {chosen!r}{nearest(chosen, self.speakers)}")
        return chosen

    def levels(self, codes: NDArray[np.integer]) -> list[NDArray[np.int64]]:
        """Turn codes (frames, slots) into one flat array a level, coarse to fine: (frames x slots of that level,)."""
        return [
            np.asarray(codes, np.int64)[:, [i for i, at in enumerate(self.slots) if at == level]].reshape(-1)
            for level in range(max(self.slots) + 1)
        ]


def kind_of(path: Path) -> str:
    """Return ``kind`` of a voice description: "snac", else "phones"; unreadable files are left to their own reader."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "phones"
    return str(stored.get("kind", "phones")) if isinstance(stored, Mapping) else "phones"


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True)


class _SnacTokens(_Described):
    start: int | None = None
    stop: int
    first: int
    codebook_size: int
    slots: tuple[int, ...]


class _SnacVoice(_Described):
    """``voice.json`` of a published model as it is written."""

    name: str
    sample_rate: int
    context: int
    prompt: tuple[int | str, ...]
    tokens: _SnacTokens
    frame_samples: int
    speakers: tuple[str, ...] = ()
    default_speaker: str
    max_tokens: int
    codec: str


def load_snac_geometry(path: Path) -> SnacGeometry:
    """Read the description of a published model. Raises ConfigError, one line with the file and the key."""
    voice = read_description(path, _SnacVoice)
    geometry = SnacGeometry(
        name=voice.name,
        sample_rate=voice.sample_rate,
        context=voice.context,
        prompt=voice.prompt,
        start=voice.tokens.start,
        stop=voice.tokens.stop,
        first=voice.tokens.first,
        codebook_size=voice.tokens.codebook_size,
        slots=voice.tokens.slots,
        frame_samples=voice.frame_samples,
        speakers=voice.speakers,
        default_speaker=voice.default_speaker,
        max_tokens=voice.max_tokens,
        codec=path.parent / voice.codec,
    )
    _check(geometry, path)
    return geometry


def _check(made: SnacGeometry, path: Path) -> None:
    if not any(isinstance(part, str) and "{text}" in part for part in made.prompt):
        raise ConfigError(f"{path}: prompt: the text never reaches the model: one part must hold {{text}}")
    if sorted(set(made.slots)) != list(range(max(made.slots, default=-1) + 1)) or not made.slots:
        raise ConfigError(f"{path}: tokens.slots: must name every level from 0 on, is {list(made.slots)}")
    if made.first <= made.stop < made.first + len(made.slots) * made.codebook_size:
        raise ConfigError(f"{path}: tokens.stop: {made.stop} lies among the speech tokens")
    made.speaker(None)


class SnacDecoder:
    """The codec's decoder from a local folder; nothing is downloaded.

    Raises MissingExtra without the package ``snac``, ConfigError when the files cannot be used or do not fit.
    """

    def __init__(self, geometry: SnacGeometry) -> None:
        try:
            import snac
            import torch
        except ImportError as error:
            raise MissingExtra(f"the codec needs the extra 'snac': pip install 'tts-soak[snac]' ({error})") from None
        self._geometry = geometry
        folder = geometry.codec
        try:
            self._model = snac.SNAC.from_config(str(folder / "config.json"))
            weights = torch.load(folder / "pytorch_model.bin", map_location="cpu", weights_only=True)
            self._model.load_state_dict(weights)
        except (OSError, ValueError, TypeError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise ConfigError(f"{folder}: not the files of a SNAC codec: {reason}") from None
        self._model.eval()
        self._fits()

    def _fits(self) -> None:
        model, geometry = self._model, self._geometry
        widest = max(model.vq_strides)
        wanted = {level: widest // stride for level, stride in enumerate(model.vq_strides)}
        given = {level: geometry.slots.count(level) for level in set(geometry.slots)}
        differing = {
            "slots of the levels": (given, wanted),
            "codebook_size": (geometry.codebook_size, model.codebook_size),
            "sample_rate": (geometry.sample_rate, model.sampling_rate),
            "frame_samples": (geometry.frame_samples, int(model.hop_length) * widest),
        }
        for key, (ours, theirs) in differing.items():
            if ours != theirs:
                raise ConfigError(f"{geometry.codec}: {key} is {theirs}, the voice description says {ours}")

    def decode(self, codes: Tokens) -> Samples:
        """Turn codes (frames, slots), all within their codebooks, into float32 samples.

        There are frames x frame_samples of them.
        """
        import torch

        if not len(codes):
            return np.zeros(0, np.float32)
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(NOISE_SEED)
            levels = [torch.from_numpy(level)[None] for level in self._geometry.levels(codes)]
            samples: Samples = self._model.decode(levels)[0, 0].numpy().astype(np.float32)
        return samples
