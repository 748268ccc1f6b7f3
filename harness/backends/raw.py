"""Raw samples in an answer, for every adapter that may get them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.audio import AudioError, AudioFile, RawAudio, read_raw
from harness.backends.base import BackendFault, BadAudio, NoAudio
from harness.core.errors import NoFrames
from harness.core.records import Synthesis

RIFF = b"RIFF"


def take_raw(data: bytes, subtype: str, channels: int, rate: int | None, made: Synthesis) -> None:
    """Put raw audio into ``made``, with what was repaired. Raises NoAudio for less than a frame, BadAudio."""
    try:
        take_read(read_raw(data, subtype, channels, rate), made)
    except AudioError as error:
        raise fault_of(error, made) from None


def take_read(read: AudioFile | RawAudio, made: Synthesis, repairs: Sequence[str] = ()) -> None:
    """Put audio that was read into ``made``, with what was repaired in it and further ``repairs``."""
    made.samples, made.sample_rate = read.samples, read.sample_rate
    if read.repairs or repairs:
        made.notes = {**made.notes, "repairs": [*read.repairs, *repairs]}


def fault_of(error: AudioError, made: Synthesis, path: Path | None = None) -> BackendFault:
    """Return what unreadable audio is: no audio where it has no frames, else bad audio.

    ``path`` is told without its folder, a temporary one, which would make two equal runs differ.
    """
    told = str(error) if path is None else str(error).replace(str(path), path.name)
    return (NoAudio if isinstance(error, NoFrames) else BadAudio)(told, made)


def may_be_header(data: bytes | bytearray) -> bool:
    """Return whether raw samples begin as a WAV header does, or have not yet shown that they do not."""
    return bytes(data[:4]) == RIFF[: len(data[:4])]
