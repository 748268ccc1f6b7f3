"""Do two runs of the same stages compute the same? Stage by stage, end to end, and to a speaker encoder (layer 3)."""

from harness.parity.chain import Chain, follow
from harness.parity.ends import Ends, compare_sound
from harness.parity.limits import Limits, Pair
from harness.parity.runs import Side
from harness.parity.speaker import SpeakerParity, judge_speaker
from harness.parity.stages import StageParity, compare_stage

__all__ = [
    "Chain",
    "Ends",
    "Limits",
    "Pair",
    "Side",
    "SpeakerParity",
    "StageParity",
    "compare_sound",
    "compare_stage",
    "follow",
    "judge_speaker",
]
