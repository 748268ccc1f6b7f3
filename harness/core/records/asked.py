"""What is asked for: texts, variants, requests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from typing_extensions import TypedDict  # pydantic takes typing's own only from Python 3.12 on

from harness.core.records.plain import Tokens


@dataclass(frozen=True, slots=True)
class Chunk:
    """One piece of text handed to the backend in one call."""

    id: str
    text: str
    language: str = "en"  # BCP-47
    tags: tuple[str, ...] = ()
    position: int = 0  # 0-based, in its corpus
    expected: str = ""  # what should be heard where that is not the text itself (SSML, phonemes, a house style)

    @property
    def expected_text(self) -> str:
        """Return what should be heard: ``expected`` where the corpus gives it, else the text."""
        return self.expected or self.text


@dataclass(frozen=True, slots=True)
class Corpus:
    """An ordered, checksummed list of chunks."""

    name: str
    chunks: tuple[Chunk, ...]
    sha256: str
    source: str = ""


class SeedPolicy(StrEnum):
    FIXED = "fixed"  # the same seed for every chunk
    PER_CHUNK = "per-chunk"  # derived from the variant's seed and the chunk id
    NONE = "none"  # the backend takes no seed


@dataclass(frozen=True, slots=True)
class Variant:
    """One configuration under test; its name is what ``-k`` selects."""

    name: str
    adapter: str
    settings: Mapping[str, object] = field(default_factory=dict)  # adapter's own keys, paths already absolute
    voice: str | None = None
    voice_prompt: Path | None = None  # a recording of the voice, for speaker similarity
    seed: int = 0
    seed_policy: SeedPolicy = SeedPolicy.PER_CHUNK
    reference: bool = False  # others are judged against this one
    against: str | None = None  # name of the variant that this one is judged against
    family: bool = False  # named as such for this variant alone: the two are meant to be one voice
    language: str = "en"
    request_timeout: float = 300.0  # s, whole request
    progress_timeout: float = 60.0  # s without any sign of life
    retries: int = 0
    reload_every: int = 0  # 0: never
    profile: Path | None = None  # committed profile of the reference
    calibration: Path | None = None  # limits of this voice
    suites: tuple[str, ...] = ()  # empty: all suites; else only these take it
    asr: str | None = None  # recognizer that knows this voice, for runs that name none
    resources: Mapping[str, float] = field(default_factory=dict)  # CPU, GPU or a cluster's own, that its session takes
    source: str = ""  # file that declared it

    @property
    def model(self) -> Path | None:
        """Return the model file or folder that it names, None for an adapter that has none."""
        named = self.settings.get("model")
        return Path(str(named)) if named else None


class ScorerOptions(TypedDict, total=False):
    """What a scorer is built with, as a manifest holds it: recognizers, their device, normaliser, speaker encoder."""

    asr: str
    first: str  # the recognizer that a second opinion must not be
    device: str
    normalise: str
    encoder: str


@dataclass(frozen=True, slots=True)
class Request:
    """What the worker is asked to speak."""

    chunk_id: str
    text: str
    seed: int | None
    voice: str | None = None
    language: str = "en"
    overrides: Mapping[str, object] = field(default_factory=dict)  # settings for this request only (sweep, arms)
    tokens: Tokens | None = field(default=None, compare=False)  # for the vocoder alone, in place of the text
    expected: str = ""  # what should be heard where that is not the text; no backend is told


def seed_for(variant: Variant, chunk_id: str, take: int = 0) -> int | None:
    """Return the seed of a request by the variant's policy, in [0, 2**31); None when the backend takes no seed."""
    if variant.seed_policy is SeedPolicy.NONE:
        return None
    if variant.seed_policy is SeedPolicy.FIXED:
        return (variant.seed + take) % 2**31
    digest = hashlib.sha256(f"{variant.seed}\0{chunk_id}\0{take}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") % 2**31


def corpus_checksum(chunks: Iterable[Chunk]) -> str:
    """Return the SHA-256 (hex) of ids, texts, languages and what is expected, in order; tags do not count."""
    rows = [[chunk.id, chunk.text, chunk.language, *filter(None, [chunk.expected])] for chunk in chunks]
    canonical = json.dumps(rows, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
