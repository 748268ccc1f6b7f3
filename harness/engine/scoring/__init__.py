"""Scoring processes: each takes the longest attempt that waits and runs the scorers of one of two rooms on it."""

from harness.engine.scoring.job import ROOMS, ScoreJob, ScoreResult
from harness.engine.scoring.pool import ScoringPool
from harness.engine.scoring.queue import JobQueue
from harness.engine.scoring.scoring_process import ScoringProcess

__all__ = ["ROOMS", "JobQueue", "ScoreJob", "ScoreResult", "ScoringPool", "ScoringProcess"]
