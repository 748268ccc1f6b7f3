"""Level offset: much louder or quieter than this voice speaks this text."""

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import audio, quieter
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family, NotApplicable, known, required_payload


class LevelOffset(BaseFault):
    name = "level-offset"
    title = "much louder or quieter than it should be"
    family = Family.WAVEFORM
    causes = ("mel values offset or scaled", "gain applied twice or not at all", "drift")
    observes = ("signal",)
    unit = "dBFS, active speech"
    relation = Relation.DISTANCE
    default_margin = 4.5
    least_difference = 3.0  # the published threshold
    sources = (
        Citation("active level against the reference, more than 3 dB", "https://github.com/DevMan57/indextts2-rust"),
    )
    injectors = audio("dB quieter", (1.0, 2.0, 3.0, 6.0, 12.0), 6.0, quieter)

    def measure(self, view: DetectorInput) -> DetectorValue:
        signal = required_payload(view, "signal")
        if not signal.get("active_fraction"):
            raise NotApplicable("no active frame to take a level of")
        level = known(signal.get("active_rms_dbfs"), "active_rms_dbfs")
        return DetectorValue(level, None, f"active level {level:.1f} dBFS")
