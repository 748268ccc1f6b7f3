"""Walk RIFF/WAVE bytes as backends write them, not as the standard has them.

Streaming servers leave sizes of 0 or 0xFFFFFFFF, die in the middle of a frame, forget the padding byte of odd chunks,
and join whole WAV files so that headers stand among the samples. All of that is read, and every repair is named.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from harness.core.errors import AudioError

PCM, IEEE_FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
PLACEHOLDER = 0x7FFFF000  # programs that write to a pipe claim at least this (eSpeak NG 0x7FFFF000, ffmpeg 0xFFFFFFFF)
RATES = (1_000, 768_000)  # Hz; a header that says otherwise is damaged
_EXTENSIBLE_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_PRINTED = rb"(?:[\t\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3})"
_TEXT_LINES = re.compile(rb"(?:[\r\n\x1b]|" + _PRINTED + rb")+\0?")
_TEXT_TAIL = re.compile(_PRINTED + rb"{8}(?:[\r\n\x1b]|" + _PRINTED + rb")*\n\Z")
_LONGEST_TAIL = 4096  # bytes of text after the samples
_CODECS = {2: "MS ADPCM", 6: "A-law", 7: "mu-law", 0x11: "IMA ADPCM", 0x31: "GSM 6.10", 0x55: "MP3"}


class UnknownCodec(AudioError):
    """A well-formed WAV whose samples are neither integer nor float PCM."""


@dataclass(frozen=True, slots=True)
class Format:
    """What the ``fmt`` chunk says."""

    subtype: str
    channels: int
    rate: int
    block: int  # bytes a frame


@dataclass(slots=True)
class Walk:
    """The sample bytes of a WAV, in pieces, with what was repaired on the way."""

    data: bytes
    format: Format | None = None
    pieces: list[memoryview] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Fill ``format``, ``pieces`` and ``repairs``. Raises AudioError for what cannot be read."""
        position: int | None = 0
        while position is not None:
            if position:
                self.repairs.append(f"second WAV header at byte {position} taken out")
            position = self._file(position)

    def _file(self, start: int) -> int | None:
        """Read one RIFF file from ``start``; return where the next embedded one begins."""
        position = start + 12
        seen_data = False
        while position + 8 <= len(self.data):
            name, size = self.data[position : position + 4], _u32(self.data, position + 4)
            body = position + 8
            if seen_data and _header_at(self.data, position):
                return position
            if name == b"fmt " and not seen_data:
                self._take_format(body, size)
            elif name == b"data":
                end, following = self._take_data(body, size)
                seen_data = True
                if following is not None:
                    return following
                position = self._skip_padding(end, size)
                continue
            elif not _chunk_like(name) or body + size > len(self.data):
                self._leftover(position, seen_data)
                return None
            position = self._skip_padding(body + size, size)
        if not seen_data:
            raise AudioError("WAV has no data chunk" if self.format else "WAV ends inside its header")
        return None

    def _take_format(self, body: int, size: int) -> None:
        if size < 16 or body + 16 > len(self.data):
            raise AudioError(f"WAV has a fmt chunk of {size} bytes; at least 16 are needed")
        parsed, repair = parse_format(self.data[body : body + min(size, 64)])
        if self.format is not None and parsed != self.format:
            raise AudioError(f"WAV changes its format midway: {_words(self.format)}, then {_words(parsed)}")
        self.format = parsed
        if repair and repair not in self.repairs:
            self.repairs.append(repair)

    def _take_data(self, body: int, size: int) -> tuple[int, int | None]:
        """Keep the samples from ``body``; return their end and the place of a header among them, if any."""
        if self.format is None:
            raise AudioError("WAV has a data chunk before its fmt chunk")
        left = len(self.data) - body
        if size == 0 and left > 0 and not _chunks_fill(self.data, body):
            left = self._without_text(body)
            self.repairs.append(f"data size 0 (streaming) read as {left} bytes")
            size = left
        elif size > left:
            why = "streaming placeholder" if size >= PLACEHOLDER else "truncated"
            left = self._without_text(body)
            self.repairs.append(f"data size {size} ({why}) read as {left} bytes")
            size = left
        end = body + size
        inner = find_header(self.data, body, end)
        if inner is not None:
            end = inner
        odd = (end - body) % self.format.block
        if odd:
            self.repairs.append(f"{odd} bytes of an incomplete last frame left out")
        self.pieces.append(memoryview(self.data)[body : end - odd])
        return end, inner

    def _without_text(self, body: int) -> int:
        """Take lines of text off the end of the bytes; return how many are left from ``body`` on."""
        kept, repairs = text_after(self.data[body:])
        self.repairs += repairs
        if repairs:
            self.data = self.data[: body + len(kept)]
        return len(kept)

    def _skip_padding(self, end: int, size: int) -> int:
        if size % 2 == 0:
            return end
        if self.data[end : end + 1] != b"\0" and _chunk_like(self.data[end : end + 4]):
            self.repairs.append(f"padding byte missing at byte {end}")
            return end
        return end + 1

    def _leftover(self, position: int, seen_data: bool) -> None:
        if not seen_data:
            raise AudioError(f"WAV is damaged at byte {position}, before its data chunk")
        text = _TEXT_LINES.fullmatch(self.data, position)
        if text is not None:
            self.repairs.append(f"text after the audio taken out: {_quoted(text[0])}")
            return
        self.repairs.append(f"{len(self.data) - position} bytes after the data chunk left out")


def text_after(data: bytes) -> tuple[bytes, list[str]]:
    """Return the bytes without the lines of text at their end (a program's log on the same pipe), and the repair made.

    A line counts from 8 printable characters on, most of them letters, that end the bytes with a line break: samples
    look like that once in a million.
    """
    match = _TEXT_TAIL.search(data[-_LONGEST_TAIL:])
    if match is None or sum(chr(byte).isalnum() for byte in match[0] if byte < 128) < len(match[0]) // 2:
        return data, []
    return data[: len(data) - len(match[0])], [f"text after the audio taken out: {_quoted(match[0])}"]


def _quoted(text: bytes) -> str:
    return repr(text.decode("utf-8", "replace").strip()[:120])


def parse_format(body: bytes) -> tuple[Format, str]:
    """Read the body of a ``fmt`` chunk (at least 16 bytes); return it and the repair made, or an empty string.

    Raises AudioError for channels, rates or sample widths that cannot be, UnknownCodec for other codecs.
    """
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= 40 and body[26:40] == _EXTENSIBLE_TAIL:
        tag = struct.unpack_from("<H", body, 24)[0]
    if not 1 <= channels <= 64:
        raise AudioError(f"WAV header says {channels} channels")
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"WAV header says {rate} Hz; {RATES[0]} to {RATES[1]} can be read")
    if tag not in (PCM, IEEE_FLOAT):
        raise UnknownCodec(f"WAV codec {tag:#06x} ({_CODECS.get(tag, 'unknown')}) is not supported")
    width = (bits + 7) // 8
    subtypes = {PCM: {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}, IEEE_FLOAT: {4: "FLOAT", 8: "DOUBLE"}}[tag]
    repair = ""
    if block != width * channels:
        # 20 bits in 3 bytes is legal, 24 bits in 4 too: the frame size then decides
        if block % channels == 0 and block // channels in subtypes and block // channels > width:
            width = block // channels
        else:
            repair = f"frame size {block} in the header read as {width * channels}"
    if width not in subtypes:
        raise AudioError(f"WAV header says {bits} bits of {'integer' if tag == PCM else 'float'} PCM")
    return Format(subtypes[width], channels, rate, width * channels), repair


def _u32(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "little")


def _chunk_like(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name)


def _header_at(data: bytes, position: int) -> bool:
    return data[position : position + 4] == b"RIFF" and data[position + 8 : position + 12] == b"WAVE"


def find_header(data: bytes, start: int, end: int) -> int | None:
    """Find ``RIFF....WAVEfmt`` among samples: 12 fixed bytes, which samples do not hold by chance."""
    position = data.find(b"RIFF", start, end)
    while position >= 0:
        if data[position + 8 : position + 16] == b"WAVEfmt ":
            return position
        position = data.find(b"RIFF", position + 1, end)
    return None


def _chunks_fill(data: bytes, position: int) -> bool:
    """Say whether well-formed chunks follow up to the end: then a data size of 0 is meant."""
    while position + 8 <= len(data) and _chunk_like(data[position : position + 4]):
        size = _u32(data, position + 4)
        position += 8 + size + size % 2
    return position >= len(data) > 0 and position <= len(data) + 1


def _words(found: Format) -> str:
    return f"{found.subtype} {found.rate} Hz x{found.channels}"
