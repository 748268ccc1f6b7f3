"""``voice.json``: the geometry of one voice, so that a retrained voice needs no code change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from harness.core.documents import parse_model, read_json
from harness.core.errors import ConfigError, nearest

SCHEMA = 1
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Codebook:
    """One codebook: token id = offset + index."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class CapRule:
    """Tokens (markers included) at which a generation is cut off: base + per_phone x phones."""

    base: int
    per_phone: float

    def tokens(self, phones: int) -> int:
        return round(self.base + self.per_phone * phones)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Everything the token layout and the decoder need to know of a voice."""

    name: str
    folder: Path
    sample_rate: int
    frame_seconds: float
    context: int
    bos: int
    eos: int
    end: int  # closes the phones
    speakers: Mapping[str, int]  # name -> token id
    default_speaker: str
    marker_offset: int
    markers: int
    phone_offset: int
    phones: tuple[str, ...]
    says_phones: bool  # after each generated marker comes the phone that it stands before
    codebooks: tuple[Codebook, ...]
    cap: CapRule
    segment_phones: int  # longest input of one generation, 0: no limit
    codec: Path
    files: Mapping[str, Mapping[str, str | int]] = field(default_factory=dict)  # name -> {"sha256", "bytes"}
    licence: str = ""

    @property
    def codebook_sizes(self) -> tuple[int, ...]:
        return tuple(c.size for c in self.codebooks)

    @property
    def said_phones(self) -> range:
        """Return token ids that may follow a generated marker; empty in a voice that does not say its phones."""
        return range(self.phone_offset, self.phone_offset + len(self.phones) if self.says_phones else self.phone_offset)

    def speaker_token(self, speaker: str | None) -> int:
        """Return token id of a speaker (None: the default). Raises ConfigError with the nearest name."""
        name = speaker or self.default_speaker
        if name not in self.speakers:
            raise ConfigError(f"voice {self.name}: unknown speaker {name!r}{nearest(name, self.speakers)}")
        return self.speakers[name]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Markers(_Described):
    offset: int
    count: int


class _Phones(_Described):
    offset: int
    names: tuple[str, ...]
    said: bool = False


class _Tokens(_Described):
    bos: int
    eos: int
    end: int
    markers: _Markers
    phones: _Phones
    codebooks: tuple[Codebook, ...]


class _Codec(_Described):
    file: str


class _Voice(_Described):
    """``voice.json`` as it is written."""

    name: str
    sample_rate: int
    frame_seconds: float
    context: int
    tokens: _Tokens
    speakers: dict[str, int]
    default_speaker: str
    cap: CapRule
    segment_phones: int
    codec: _Codec
    files: dict[str, dict[str, str | int]]
    licence: str = ""


def read_description(path: Path, model: type[M]) -> M:
    """Read a description of a voice. Raises ConfigError, one line with the file and the key."""
    stored = read_json(path, "voice description")
    if not isinstance(stored, dict) or stored.get("schema_version") != SCHEMA:
        raise ConfigError(f"{path}: schema_version must be {SCHEMA}")
    return parse_model(model, stored, str(path))


def load_geometry(path: Path) -> Geometry:
    """Read ``voice.json``. Raises ConfigError, one line with the file and the key, when it cannot be used."""
    voice = read_description(path, _Voice)
    tokens = voice.tokens
    return Geometry(
        name=voice.name,
        folder=path.parent,
        sample_rate=voice.sample_rate,
        frame_seconds=voice.frame_seconds,
        context=voice.context,
        bos=tokens.bos,
        eos=tokens.eos,
        end=tokens.end,
        speakers=voice.speakers,
        default_speaker=voice.default_speaker,
        marker_offset=tokens.markers.offset,
        markers=tokens.markers.count,
        phone_offset=tokens.phones.offset,
        phones=tokens.phones.names,
        says_phones=tokens.phones.said,
        codebooks=tokens.codebooks,
        cap=voice.cap,
        segment_phones=voice.segment_phones,
        codec=path.parent / voice.codec.file,
        files=voice.files,
        licence=voice.licence,
    )
