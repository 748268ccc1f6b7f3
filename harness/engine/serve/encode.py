"""Samples as the body of an answer: wav, pcm, flac, mp3, opus."""

from __future__ import annotations

import io
import struct

from harness.audio import float_to_pcm, resample, wav_bytes
from harness.core.records import Samples

CONTENT_TYPES = {
    "wav": "audio/wav", "pcm": "audio/pcm", "flac": "audio/flac", "mp3": "audio/mpeg", "opus": "audio/ogg",
}  # fmt: skip
_SOUNDFILE = {"flac": ("FLAC", "PCM_16"), "mp3": ("MP3", "MPEG_LAYER_III"), "opus": ("OGG", "OPUS")}
OPUS_RATE = 48000  # Hz


def encode_file(samples: Samples, rate: int, name: str) -> bytes:
    """Return a complete file in the format ``name``; pcm is 16 bits, little-endian, mono."""
    if name == "pcm":
        return float_to_pcm(samples, "PCM_16")
    if name == "wav":
        return wav_bytes(samples, rate, "PCM_16")
    import soundfile

    if name == "opus":
        samples, rate = resample(samples, rate, OPUS_RATE), OPUS_RATE
    container, subtype = _SOUNDFILE[name]
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=container, subtype=subtype)
    return file.getvalue()


def streaming_header(rate: int) -> bytes:
    """Return the header of a WAV whose length nobody knows yet: sizes of 0xFFFFFFFF, PCM16, mono."""
    unknown = 0xFFFFFFFF
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", unknown, b"WAVE") + fmt + struct.pack("<4sI", b"data", unknown)
