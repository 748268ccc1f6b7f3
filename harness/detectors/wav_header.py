"""WAV header: the header of the audio promises something else than follows it."""

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import backend
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family

LOST = ("truncated", "incomplete last frame", "left out")  # what was promised is not there; the rest is only untidy


class WavHeader(BaseFault):
    name = "wav-header"
    title = "the file's header does not fit its content"
    family = Family.PROCESS
    causes = ("a file cut off while it was written", "sizes never filled in after streaming", "files glued together")
    observes = ()
    unit = "repairs in which audio was lost"
    relation = Relation.EXCESS
    default_margin = 0.5
    default_limit = 0.5
    explains = ("truncation", "near-empty")
    sources = (
        Citation("0xFFFFFFFF sizes in streamed headers", "https://github.com/remsky/Kokoro-FastAPI/issues/94"),
        Citation("headers inside of the data", "https://github.com/kyutai-labs/pocket-tts/issues/229"),
        Citation("placeholders of streaming are repaired and noted, and are no fault"),
    )
    injectors = (backend("truncated-file", "share", "share of the audio lost", (0.01, 0.1, 0.5), 0.5),)

    def measure(self, view: DetectorInput) -> DetectorValue:
        repairs = [str(repair) for repair in view.attempt.noted.get("repairs") or ()]
        lost = [repair for repair in repairs if any(word in repair.split(":", 1)[0] for word in LOST)]
        return DetectorValue(float(len(lost)), None, "; ".join(repairs))
