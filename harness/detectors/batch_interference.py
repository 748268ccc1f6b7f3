"""Batch interference: speech is worse when other requests run beside it."""

from typing import ClassVar

import numpy as np

from harness.detectors._inject import audio, give, loudness, speech
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import CannotInject, Citation, Family, InjectionMaterial


def crosstalk(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Mix in what was spoken before, ``dose`` dB against this speech."""
    x, rate = speech(material)
    if material.previous is None:
        raise CannotInject("nothing was spoken before")
    y, other = speech(material.previous)
    if other != rate:
        raise CannotInject("the audio before has another rate")
    y = np.resize(y, len(x))
    return give(material, x + y * loudness(x, rate) / loudness(y, rate) * 10 ** (dose / 20), 0.0, len(x) / rate)


class BatchInterference(WholeRunFault):
    name = "batch-interference"
    title = "the speech is worse when other requests run beside it"
    family = Family.PROCESS
    causes = ("padding that is attended to", "buffers shared between threads", "batched kernels with other sums")
    judged_by: ClassVar[str] = "suites/determinism (arm 'threads'), `tts-soak clients` against a server"
    sources = (Citation("WER .017 to .359 above batch 8", "https://github.com/vllm-project/vllm-omni/issues/4606"),)
    injectors = audio("dB against the speech", (-20.0, -10.0, 0.0), 0.0, crosstalk)
