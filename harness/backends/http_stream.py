"""What a listener would have had of a streamed answer: first playable sample, gaps, underruns."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

from harness.backends.raw import may_be_header

UNDERRUN = 0.1  # s of silence in the ears that count as one underrun, as vllm-omni's `audio_underrun` has it
_HEADER = 1 << 16  # bytes in which a WAV's data chunk must begin


@dataclass
class Listening:
    """Takes the bytes of one answer as they arrive. Times in seconds since the request.

    ``format``: wav, pcm, flac, mp3 or opus; ``byte_rate`` (bytes a second) is needed for pcm, a WAV says its own. For
    the compressed formats the first playable sample is known, but no underruns, because bytes are no seconds there.
    """

    format: str
    byte_rate: float | None = None
    data: bytearray = field(default_factory=bytearray)
    pieces: int = 0
    first_byte: float | None = None
    first_sample: float | None = None
    longest_gap: float | None = None  # s between two arrivals after the first sample
    underruns: int | None = None
    underrun_seconds: float | None = None
    _sound_at: int | None = None  # bytes before the first sample
    _last: float = 0.0
    _tried: int = 0

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes that arrived at ``now``."""
        if not data:
            return
        seconds = self._seconds()
        self.data += data
        self.pieces += 1
        if self.first_byte is None:
            self.first_byte = now
        if self.first_sample is None:
            if self._playable():
                self.first_sample = now
                if self.byte_rate:
                    self.underruns, self.underrun_seconds = 0, 0.0
        else:
            self.longest_gap = max(self.longest_gap or 0.0, now - self._last)
            self._listen_on(now, seconds)
        self._last = now

    def _listen_on(self, now: float, held: float | None) -> None:
        """Playing began with the first sample and waits whenever it has caught up with what was there."""
        if held is None or self.first_sample is None or self.underruns is None or self.underrun_seconds is None:
            return
        waited = now - self.first_sample - self.underrun_seconds - held
        if waited > 0:
            self.underrun_seconds += waited
            self.underruns += waited > UNDERRUN

    def _seconds(self) -> float | None:
        if self._sound_at is None or not self.byte_rate:
            return None
        return max(0, len(self.data) - self._sound_at) / self.byte_rate

    def _playable(self) -> bool:
        if self.format == "pcm":
            if may_be_header(self.data):
                return self._wav()
            self._sound_at = 0
            return len(self.data) >= 2
        if self.format == "wav" and may_be_header(self.data):
            return self._wav()
        return self._decodes()

    def _wav(self) -> bool:
        fmt = self.data.find(b"fmt ", 0, _HEADER)
        sound = self.data.find(b"data", max(fmt, 0) + 8, _HEADER)
        if fmt < 0 or sound < 0 or len(self.data) < sound + 10:
            return False
        rate = struct.unpack_from("<I", self.data, fmt + 16)[0]
        self.byte_rate, self._sound_at = float(rate) or None, sound + 8
        return True

    def _decodes(self) -> bool:
        """Whether a decoder gets a sample out of what is there; tried anew at every quarter more of bytes."""
        if len(self.data) < self._tried * 1.25:
            return False
        self._tried = len(self.data)
        import soundfile

        try:
            with soundfile.SoundFile(io.BytesIO(bytes(self.data))) as file:
                return len(file.read(1, dtype="float32")) > 0
        except (soundfile.SoundFileError, RuntimeError, OSError):
            return False
