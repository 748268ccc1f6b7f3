"""Whether the recognizers of a plan can be had, asked before anything is spoken."""

from __future__ import annotations

from typing import cast

from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.errors import SoakError
from harness.scorers import SCORERS
from harness.scorers.intelligibility import IntelligibilityScorer


def prepare_listeners(plan: Plan, progress: Progress) -> None:
    """See to it that the weights of the plan's recognizers are on this machine, fetching them where that is allowed.

    Raises ConfigError, one line, for the recognizer of the run. A run does without its second opinion, and says so.
    """
    languages = sorted({chunk.language for variant in plan.variants for chunk in plan.chunks(variant)})
    if "intelligibility" in plan.scorers:
        _listener(plan, "intelligibility").recognizer.prepare(languages)
    if "second_opinion" in plan.scorers:
        try:
            _listener(plan, "second_opinion").recognizer.prepare(languages)
        except SoakError as error:
            progress.say(f"no second opinion on faulty chunks: {error}")


def _listener(plan: Plan, name: str) -> IntelligibilityScorer:
    scorer = cast("type[IntelligibilityScorer]", SCORERS.get(name))
    return scorer(**plan.scorers[name])
