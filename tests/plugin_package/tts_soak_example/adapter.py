"""An adapter: pulses of noise in the rhythm of the text, with a spike where the text says so."""

from collections.abc import Callable

import numpy as np

from harness.backends.settings import Settings, read_settings
from harness.core.records import Capabilities, Request, Synthesis, Variant

RATE = 16000


class PulsesSettings(Settings):
    """Keys of the adapter; an unknown one is refused with the nearest name."""

    spike_at: str = "spike"  # a word of the text


class Pulses:
    """Speaks 0.2 s of noise and 0.1 s of silence a word."""

    @staticmethod
    def check(variant: Variant) -> None:
        """Refuse wrong settings before anything is spoken. Raises ConfigError."""
        read_settings(PulsesSettings, variant)

    def load(self, variant: Variant) -> Capabilities:
        """Return what the backend can do."""
        self._settings = read_settings(PulsesSettings, variant)
        return Capabilities(sample_rate=RATE)

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Return the audio of one text."""
        random = np.random.default_rng(request.seed or 0)
        words = request.text.split()
        pulse = np.concatenate([np.ones(RATE // 5), np.zeros(RATE // 10)])
        samples = np.tile(pulse, len(words)) * random.normal(0, 0.01, len(words) * len(pulse))
        if self._settings.spike_at in words:
            samples[len(samples) // 2] = 0.99
        progress()
        return Synthesis(samples=samples.astype(np.float32), sample_rate=RATE)

    def reset(self) -> None:
        """Forget what was spoken before; there is nothing to forget."""

    def close(self) -> None:
        """Release what load has taken; it took nothing."""
