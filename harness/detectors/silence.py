"""Silence: audio was given, and nobody speaks in it."""

from harness.core.records import DetectorInput
from harness.detectors._inject import audio, quieter
from harness.detectors.base import BaseFault, CannotJudge, Citation, DetectorValue, Family, required_payload

FLOOR_DBFS = -144.0  # 24-bit noise floor: digital zero counts as this


class Silence(BaseFault):
    name = "silence"
    title = "the audio is silent"
    family = Family.WAVEFORM
    causes = ("a voice or language the backend does not have", "wrong weights", "early end of speech")
    observes = ("signal",)
    unit = "dB below full scale at the peak"
    physical_limit = 60.0
    essential = True
    explains = (
        "constant-dc",
        "near-empty",
        "noise",
        "unintelligible",
        "truncation",
        "skipped-words",
        "internal-silence",
        "level-offset",
        "bandwidth",
        "robotic",
        "rumble",
        "noise-floor",
        "click",
    )
    sources = (
        Citation("silent voices", "https://github.com/k2-fsa/sherpa-onnx/issues/2236"),
        Citation("peak below -60 dBFS: inaudible beside any playback noise"),
    )
    injectors = audio("dB quieter", (30.0, 45.0, 60.0, 80.0, 200.0), 80.0, quieter)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        peak = signal.get("peak_dbfs")
        if peak is None:
            if not signal.get("constant") and signal.get("nonfinite_fraction"):
                raise CannotJudge("no finite sample to take a peak of")
            peak = FLOOR_DBFS
        peak = max(float(peak), FLOOR_DBFS)
        return DetectorValue(-peak, (0.0, float(signal.get("duration") or 0.0)), f"peak {peak:.1f} dBFS")
