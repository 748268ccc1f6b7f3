"""Raw samples in an answer, for every adapter that may get them."""

from __future__ import annotations

from harness.audio import AudioError, read_raw
from harness.backends.base import BadAudio, NoAudio
from harness.core.errors import NoFrames
from harness.core.records import Synthesis

RIFF = b"RIFF"


def take_raw(data: bytes, subtype: str, channels: int, rate: int | None, made: Synthesis) -> None:
    """Put raw audio into ``made``, with what was repaired. Raises NoAudio for less than a frame, BadAudio."""
    try:
        read = read_raw(data, subtype, channels, rate)
    except AudioError as error:
        kind = NoAudio if isinstance(error, NoFrames) else BadAudio
        raise kind(str(error), made) from None
    made.samples, made.sample_rate = read.samples, read.sample_rate
    if read.repairs:
        made.notes = {**made.notes, "repairs": list(read.repairs)}


def may_be_header(data: bytes | bytearray) -> bool:
    """Return whether raw samples begin as a WAV header does, or have not yet shown that they do not."""
    return bytes(data[:4]) == RIFF[: len(data[:4])]
