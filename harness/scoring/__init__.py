"""The two scoring processes: analysis (signal, pitch, tokens) and recognizer (speech recognition, speaker)."""

from harness.scoring.job import ScoreJob, ScoreResult
from harness.scoring.room import ROOMS, ScoringProcess

__all__ = ["ROOMS", "ScoreJob", "ScoreResult", "ScoringProcess"]
