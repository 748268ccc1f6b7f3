"""Do two runs of the same stages compute the same? Stage by stage, end to end, and to a speaker encoder."""

from harness.experiments.parity.chain import Chain, compare_stages
from harness.experiments.parity.ends import EndToEnd, compare_sound
from harness.experiments.parity.limits import Pair, ParityLimits
from harness.experiments.parity.runs import StageDumps
from harness.experiments.parity.speaker import SpeakerParity, judge_speaker
from harness.experiments.parity.stages import StageParity, compare_stage

__all__ = [
    "Chain",
    "EndToEnd",
    "Pair",
    "ParityLimits",
    "SpeakerParity",
    "StageDumps",
    "StageParity",
    "compare_sound",
    "compare_stage",
    "compare_stages",
    "judge_speaker",
]
