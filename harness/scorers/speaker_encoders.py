"""Speaker encoders by name: Resemblyzer's, whose weights ship in its wheel, and any other as an ONNX file.

An encoder reads speech at 16 kHz and gives one embedding. Cosines of different encoders cannot be compared, so each
ONNX file is named with the hash of its weights.
"""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import ConfigError, nearest, need_packages
from harness.core.records import Samples

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from resemblyzer import VoiceEncoder

Embedding: TypeAlias = NDArray[np.float32]
DEFAULT_ENCODER = "resemblyzer"
_ONNX = "onnx:"
_BANDS = 80  # of the features that ONNX encoders of WeSpeaker and 3D-Speaker read
_SCALE = 32768.0  # Kaldi's features are of 16-bit samples


class SpeakerEncoder(Protocol):
    """One encoder. ``name`` stands beside every figure."""

    name: str

    def setup(self) -> None: ...

    def embed(self, speech: Samples) -> Embedding:
        """Return the embedding of 16 kHz speech, not normed, shape (dimensions,)."""
        ...


def speaker_encoder(spec: str) -> SpeakerEncoder:
    """Return the encoder for ``resemblyzer`` or ``onnx:PATH``, not loaded yet. Raises ConfigError."""
    if spec.startswith(_ONNX):
        return OnnxEncoder(Path(spec.removeprefix(_ONNX)).expanduser())
    if spec != DEFAULT_ENCODER:
        raise ConfigError(
            f"--speaker: unknown encoder {spec!r}{nearest(spec, [DEFAULT_ENCODER])}; an ONNX file is onnx:PATH"
        )
    return ResemblyzerEncoder()


class ResemblyzerEncoder:
    """Resemblyzer's GE2E encoder (Wan et al. 2018), 256 dimensions."""

    name = "resemblyzer-ge2e"

    def __init__(self) -> None:
        self._model: VoiceEncoder | None = None

    def setup(self) -> None:
        """Load the encoder (about 17 MB of weights)."""
        if self._model is not None:
            return
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # webrtcvad warns about pkg_resources at every import
            from resemblyzer import VoiceEncoder
        torch.set_num_threads(1)
        self._model = VoiceEncoder("cpu", verbose=False)

    def embed(self, speech: Samples) -> Embedding:
        self.setup()
        assert self._model is not None
        return np.asarray(self._model.embed_utterance(speech), dtype=np.float32)


class OnnxEncoder:
    """An encoder in ONNX with one input: samples (batch, n), or Kaldi's 80 log-mel bands (batch, frames, 80).

    The latter is the form in which WeSpeaker and 3D-Speaker publish ECAPA-TDNN, ResNet and CAM++: 25 ms windows every
    10 ms, no dither, the mean of the clip taken out. The first output with the embedding's two dimensions is taken.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ConfigError(f"--speaker: no such file: {path}")
        self.path = path
        self.name = f"onnx-{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
        need_packages("'tts-soak[speaker]'", "onnxruntime", "kaldi_native_fbank")
        self._session: InferenceSession | None = None
        self._input, self._bands = "", 0

    def setup(self) -> None:
        """Load the model. Raises ConfigError for a file that is no such encoder."""
        if self._session is not None:
            return
        from onnxruntime import InferenceSession, SessionOptions

        options = SessionOptions()
        options.intra_op_num_threads = 1
        try:
            session = InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors share no base
            raise ConfigError(f"--speaker: {self.path} cannot be loaded: {str(error).splitlines()[0]}") from error
        inputs = session.get_inputs()
        shape = list(inputs[0].shape) if len(inputs) == 1 else []
        bands = shape[2] if len(shape) == 3 else None
        if len(inputs) != 1 or len(shape) not in (2, 3) or (isinstance(bands, int) and bands != _BANDS):
            told = ", ".join(f"{one.name} {one.shape}" for one in inputs)
            raise ConfigError(
                f"--speaker: {self.path} reads {told}; it must have one input, (batch, samples) or "
                f"(batch, frames, {_BANDS})"
            )
        self._session, self._input, self._bands = session, inputs[0].name, len(shape) - 2

    def embed(self, speech: Samples) -> Embedding:
        self.setup()
        read = kaldi_bands(speech) if self._bands else np.asarray(speech, np.float32)
        assert self._session is not None
        for output in self._session.run(None, {self._input: read[None]}):
            vector = np.asarray(output, np.float32)
            if vector.size == vector.shape[-1] > 1:
                return vector.reshape(-1)
        raise ConfigError(f"--speaker: {self.path} gives no embedding of shape (1, dimensions)")


def kaldi_bands(speech: Samples) -> NDArray[np.float32]:
    """Return Kaldi's log-mel bands of 16 kHz speech with the clip's mean taken out, shape (frames, 80)."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = _BANDS
    bank = kaldi_native_fbank.OnlineFbank(options)
    bank.accept_waveform(16_000, (np.asarray(speech, np.float64) * _SCALE).tolist())
    bank.input_finished()
    bands = np.stack([bank.get_frame(index) for index in range(bank.num_frames_ready)])
    return np.asarray(bands - bands.mean(axis=0), np.float32)
