"""Audio files and sample formats: read anything a backend may write, say what had to be repaired.

Samples are float32, mono, shape (samples,), nominal range [-1, 1]; rates in Hz.
"""

from harness.audio.files import AudioFile, read_audio, read_bytes_of_audio, read_wav_bytes, wav_bytes, write_wav
from harness.audio.pcm import SUBTYPES, float_to_pcm, frame_bytes, pcm_to_float
from harness.audio.raw import RawAudio, container_of, read_raw
from harness.audio.resample import resample
from harness.audio.riff import RATES
from harness.core.errors import AudioError

__all__ = [
    "RATES",
    "SUBTYPES",
    "AudioError",
    "AudioFile",
    "RawAudio",
    "container_of",
    "float_to_pcm",
    "frame_bytes",
    "pcm_to_float",
    "read_audio",
    "read_bytes_of_audio",
    "read_raw",
    "read_wav_bytes",
    "resample",
    "wav_bytes",
    "write_wav",
]
