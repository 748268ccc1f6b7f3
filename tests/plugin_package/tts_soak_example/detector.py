"""A fault class: one value a chunk on a scale where larger is worse."""

from harness.core.records import DetectorInput
from harness.detectors.base import BaseFault, DetectorValue, Family, number, required_payload


class Spiky(BaseFault):
    """A sample far above the rest of the clip."""

    name = "spiky"  # as its entry point
    title = "a sample that stands far above all others"
    family = Family.WAVEFORM
    causes = ("an overflow of one sample",)
    observes = ("crest",)
    unit = "dB"
    default_limit = 30.0  # speech lies at 12 to 22 dB

    def measure(self, view: DetectorInput) -> DetectorValue:
        """Return the crest factor."""
        return DetectorValue(number(required_payload(view, "crest"), "crest_db"))
