"""The two scoring processes: analysis (signal, pitch, tokens) and recognizer (speech recognition, speaker)."""

from harness.engine.scoring.job import ScoreJob, ScoreResult
from harness.engine.scoring.scoring_process import ROOMS, ScoringProcess

__all__ = ["ROOMS", "ScoreJob", "ScoreResult", "ScoringProcess"]
