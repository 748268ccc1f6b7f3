"""The two kinds of voices that ``llama_codec`` speaks: phones, and the SNAC of published models."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.audio.codec import Codec, decode_codes, load_codec
from harness.backends.llama_engine import Generated
from harness.backends.llama_settings import LlamaSettings
from harness.backends.voice.frontend import Frontend, Segment
from harness.backends.voice.geometry import Codebook, Geometry, load_geometry
from harness.backends.voice.grammar import phone_grammar
from harness.backends.voice.layout import Reading, marker_errors, parse_generated, phone_ends, prompt, word_times
from harness.backends.voice.snac import KIND, SnacDecoder, SnacGeometry, kind_of, load_snac_geometry
from harness.core.errors import ConfigError
from harness.core.records import Samples, TokenLayout, Tokens


@dataclass(frozen=True, slots=True)
class Piece:
    """What one generation is asked for. ``cap`` counts generated tokens."""

    prompt: list[int]
    cap: int
    what: str  # in words, for the message that it is too long
    segment: Segment | None = None
    grammar: str | None = None  # what the generation must look like, in llama.cpp's GBNF; None: as the model will


@dataclass(slots=True)
class GeneratedSegment:
    """One piece as generated."""

    piece: Piece
    generated: Generated
    reading: Reading
    cap: int
    asked: list[int]  # the prompt as it was given, with what carry_context put before it


class CodecVoice(Protocol):
    """From text to prompts, and from generated tokens to codes and sound."""

    name: str
    default_speaker: str
    sample_rate: int
    layout: TokenLayout
    context: int
    stop: int
    vocoder: str

    def pieces(self, text: str, speaker: str | None, settings: LlamaSettings, tokenize: Tokenize) -> list[Piece]:
        """Return what has to be generated for a text; empty where it holds nothing that can be spoken."""
        ...

    def read(self, tokens: Sequence[int]) -> Reading:
        """Take generated ids apart."""
        ...

    def decode(self, codes: Tokens) -> Samples:
        """Turn codes (frames, codebooks) into sound; frames with a code outside of its codebook are left out."""
        ...

    def notes(self, spoken: Sequence[GeneratedSegment], invalid: int) -> dict[str, object]:
        """Return what is worth knowing beside the audio; ``invalid`` frames were left out of it."""
        ...

    def details(self) -> Mapping[str, object]:
        """Return what identifies the codec."""
        ...


Tokenize = Callable[[str], list[int]]


def describe_voice(settings: LlamaSettings) -> Geometry | SnacGeometry:
    """Return the voice's geometry, its speaker and files looked at. Raises ConfigError; loads nothing heavy."""
    path = settings.description
    if kind_of(path) == KIND:
        published = load_snac_geometry(path)
        published.speaker(settings.speaker)
        for name in ("config.json", "pytorch_model.bin"):
            if not (published.codec / name).is_file():
                raise ConfigError(f"{path}: codec: no such file: {published.codec / name}")
        if settings.segment_phones is not None:
            raise ConfigError(f"{path}: segment_phones is for voices that speak phones, this one has none")
        if settings.split == "sentences":
            raise ConfigError(f"{path}: split = 'sentences' is for voices that speak phones, this one has none")
        if settings.constrained:
            raise ConfigError(f"{path}: constrained is for voices that speak phones, this one has none")
        return published
    geometry = load_geometry(path)
    geometry.speaker_token(settings.speaker)
    if not geometry.codec.is_file():
        raise ConfigError(f"{path}: codec: no such file: {geometry.codec}")
    return geometry


def load_voice(settings: LlamaSettings) -> CodecVoice:
    """Return the voice that ``settings`` describe. Raises ConfigError and MissingExtra."""
    description = describe_voice(settings)
    return SnacVoice(description) if isinstance(description, SnacGeometry) else PhoneVoice(description)


class PhoneVoice:
    """The embedded voice: text -> phones; markers and frames -> codes -> WORLD."""

    vocoder = "WORLD"

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.name, self.default_speaker = geometry.name, geometry.default_speaker
        self.sample_rate, self.context, self.stop = geometry.sample_rate, geometry.context, geometry.eos
        self.layout = TokenLayout(geometry.codebook_sizes, geometry.frame_seconds)
        self._codec: Codec = load_codec(geometry.codec)
        self._frontend = Frontend(geometry.phones)

    def pieces(self, text: str, speaker: str | None, settings: LlamaSettings, tokenize: Tokenize) -> list[Piece]:
        limit = self.geometry.segment_phones if settings.segment_phones is None else settings.segment_phones
        token = self.geometry.speaker_token(speaker)
        return [
            Piece(
                prompt(segment.phones, token, self.geometry),
                settings.max_tokens or self.geometry.cap.tokens(len(segment.phones)),
                f"{len(segment.phones)} phones",
                segment,
                phone_grammar(segment.phones, self.geometry) if settings.constrained else None,
            )
            for segment in self._frontend.segments(text, limit, by_sentence=settings.split != "chunk")
        ]

    def read(self, tokens: Sequence[int]) -> Reading:
        return parse_generated(tokens, self.geometry)

    def decode(self, codes: Tokens) -> Samples:
        return decode_codes(codes, self._codec)

    def notes(self, spoken: Sequence[GeneratedSegment], invalid: int) -> dict[str, object]:
        phones = [one.piece.segment.phones for one in spoken if one.piece.segment is not None]
        errors = [marker_errors(one.reading, n, self.geometry) for one, n in zip(spoken, phones, strict=True)]
        return {
            "phones": sum(len(asked) for asked in phones),
            "markers_missing": sum(missing for missing, _ in errors),
            "markers_extra": sum(extra for _, extra in errors),
            "words": None if invalid else self._words(spoken),
        }

    def _words(self, spoken: Sequence[GeneratedSegment]) -> list[list[object]] | None:
        words: list[list[object]] = []
        offset = 0.0
        for one in spoken:
            segment = one.piece.segment
            ends = phone_ends(one.reading, segment.phones, self.geometry) if segment is not None else None
            if segment is None or ends is None:
                return None
            words += [list(word) for word in word_times(segment, ends, offset)]
            offset += len(one.reading.codes) * self.geometry.frame_seconds
        return words

    def details(self) -> Mapping[str, object]:
        geometry = self.geometry
        control = {"marker": [geometry.marker_offset, geometry.markers], "end": [geometry.eos, 1]}
        if geometry.said_phones:
            control["phone"] = [geometry.phone_offset, len(geometry.phones)]
        return {
            "codec_sha256": hashlib.sha256(geometry.codec.read_bytes()).hexdigest(),
            "token_slots": token_slots(geometry.codebooks, control),
        }


class SnacVoice:
    """A published model: text into its prompt as it stands; slots of SNAC frames -> codes -> SNAC's decoder."""

    vocoder = "SNAC"

    def __init__(self, geometry: SnacGeometry) -> None:
        self.geometry = geometry
        self.name, self.default_speaker = geometry.name, geometry.default_speaker
        self.sample_rate, self.context, self.stop = geometry.sample_rate, geometry.context, geometry.stop
        sizes = tuple(book.size for book in geometry.codebooks)
        self.layout = TokenLayout(sizes, geometry.frame_seconds)
        self._decoder = SnacDecoder(geometry)

    def pieces(self, text: str, speaker: str | None, settings: LlamaSettings, tokenize: Tokenize) -> list[Piece]:
        if not text.strip():
            return []
        name = self.geometry.speaker(speaker)
        ids: list[int] = []
        for part in self.geometry.prompt:
            if isinstance(part, int):
                ids.append(part)
            else:  # one pass, so that braces in a text or a description stay as they are
                before, _, after = part.partition("{text}")
                ids += tokenize(before.replace("{voice}", name) + text + after.replace("{voice}", name))
        return [Piece(ids, settings.max_tokens or self.geometry.max_tokens, f"a prompt of {len(ids)} tokens")]

    def read(self, tokens: Sequence[int]) -> Reading:
        start = self.geometry.start
        heard = list(tokens)
        if start is not None and start in heard:
            heard = heard[len(heard) - heard[::-1].index(start) :]
        return parse_generated(heard, self.geometry)

    def decode(self, codes: Tokens) -> Samples:
        inside = ((codes >= 0) & (codes < self.geometry.codebook_size)).all(axis=1)
        return self._decoder.decode(codes[inside])

    def notes(self, spoken: Sequence[GeneratedSegment], invalid: int) -> dict[str, object]:
        return {"stop_token": all(one.reading.ended for one in spoken)}

    def details(self) -> Mapping[str, object]:
        weights = self.geometry.codec / "pytorch_model.bin"
        return {
            "codec_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "token_slots": token_slots(self.geometry.codebooks, {"end": [self.geometry.stop, 1]}),
        }


def token_slots(codebooks: Sequence[Codebook], control: Mapping[str, list[int]]) -> dict[str, object]:
    """Return what the ids of generated tokens mean, as ``details`` has it: name -> [first id, how many]."""
    return {"speech": {book.name: [book.offset, book.size] for book in codebooks}, "control": dict(control)}
