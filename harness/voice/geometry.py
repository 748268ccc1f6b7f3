"""``voice.json``: the geometry of one voice, so that a retrained voice needs no code change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.documents import read_json
from harness.core.errors import ConfigError, nearest

SCHEMA = 1


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
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # name -> {"sha256", "bytes"}
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


def load_geometry(path: Path) -> Geometry:
    """Read ``voice.json``. Raises ConfigError, one line with the file and the key, when it cannot be used."""
    stored = read_json(path, "voice description")
    if not isinstance(stored, dict) or stored.get("schema_version") != SCHEMA:
        raise ConfigError(f"{path}: schema_version must be {SCHEMA}")
    try:
        return _geometry(stored, path.parent)
    except KeyError as error:
        raise ConfigError(f"{path}: key {error.args[0]!r} is missing") from error
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _geometry(stored: Mapping[str, Any], folder: Path) -> Geometry:
    tokens = stored["tokens"]
    return Geometry(
        name=str(stored["name"]),
        folder=folder,
        sample_rate=int(stored["sample_rate"]),
        frame_seconds=float(stored["frame_seconds"]),
        context=int(stored["context"]),
        bos=int(tokens["bos"]),
        eos=int(tokens["eos"]),
        end=int(tokens["end"]),
        speakers={str(k): int(v) for k, v in stored["speakers"].items()},
        default_speaker=str(stored["default_speaker"]),
        marker_offset=int(tokens["markers"]["offset"]),
        markers=int(tokens["markers"]["count"]),
        phone_offset=int(tokens["phones"]["offset"]),
        phones=tuple(tokens["phones"]["names"]),
        says_phones=bool(tokens["phones"].get("said", False)),
        codebooks=tuple(Codebook(str(c["name"]), int(c["offset"]), int(c["size"])) for c in tokens["codebooks"]),
        cap=CapRule(int(stored["cap"]["base"]), float(stored["cap"]["per_phone"])),
        segment_phones=int(stored["segment_phones"]),
        codec=folder / stored["codec"]["file"],
        files=stored["files"],
        licence=str(stored.get("licence", "")),
    )
