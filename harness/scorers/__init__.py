"""Scorers (layer 2): one measurement a file. Listing their names imports nothing heavy."""

from harness.registry import Registry
from harness.scorers.base import Clip, Scorer, missing_need, observe

SCORERS: Registry[type[Scorer]] = Registry("scorer")
SCORERS.add("signal", "harness.scorers.signal:SignalScorer")
SCORERS.add("pitch", "harness.scorers.pitch:PitchScorer")
SCORERS.add("tokens", "harness.scorers.tokens:TokensScorer")
SCORERS.add("intelligibility", "harness.scorers.intelligibility:IntelligibilityScorer")
SCORERS.add("second_opinion", "harness.scorers.second_opinion:SecondOpinionScorer")
SCORERS.add("forced_alignment", "harness.scorers.forced_alignment:ForcedAlignmentScorer")
SCORERS.add("speaker", "harness.scorers.speaker:SpeakerScorer")
SCORERS.add("dnsmos", "harness.scorers.dnsmos:DnsmosScorer")

__all__ = ["SCORERS", "Clip", "Scorer", "missing_need", "observe"]
