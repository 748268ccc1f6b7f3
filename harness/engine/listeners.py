"""Whether the recognizers of a plan can be had, asked before anything is spoken."""

from __future__ import annotations

from harness.core.errors import SoakError
from harness.core.records import Json
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.scorers import SCORERS
from harness.scorers.edit_likelihood import EditLikelihoodScorer
from harness.scorers.intelligibility import IntelligibilityScorer


def prepare_listeners(plan: Plan, progress: Progress) -> None:
    """See to it that the weights of the plan's recognizers are on this machine, fetching them where that is allowed.

    Raises ConfigError, one line, for the recognizer of the run. A run does without its second opinion, and says so.
    """
    languages = sorted({chunk.language for variant in plan.variants for chunk in plan.chunks(variant)})
    if "intelligibility" in plan.scorers:
        _listener(plan, "intelligibility").recognizer.prepare(languages)
    if "edit_likelihood" in plan.scorers:
        _prepare_edits(plan, languages)
    if "second_opinion" in plan.scorers:
        try:
            _listener(plan, "second_opinion").recognizer.prepare(languages)
        except SoakError as error:
            progress.say(f"no second opinion on faulty chunks: {error}")


def listener_provenance(plan: Plan) -> Json:
    """Return which recognizer hears a plan, on which device and in which arithmetic; empty without one."""
    if "intelligibility" not in plan.scorers:
        return {}
    ear = _listener(plan, "intelligibility").recognizer
    return {"spec": ear.spec, "device": ear.device, "device_name": _name(ear.device), "compute_type": ear.compute_type}


def _name(device: str) -> str | None:
    """Return the name of a GPU; None for a CPU, which the provenance names anyway."""
    if device == "cpu":
        return None
    import torch

    return str(torch.cuda.get_device_name(device)) if torch.cuda.is_available() else None


def _prepare_edits(plan: Plan, languages: list[str]) -> None:

    scorer = SCORERS.get("edit_likelihood")(**plan.scorers["edit_likelihood"])
    assert isinstance(scorer, EditLikelihoodScorer)
    scorer.prepare(languages)


def _listener(plan: Plan, name: str) -> IntelligibilityScorer:
    from harness.scorers.intelligibility import IntelligibilityScorer

    scorer = SCORERS.get(name)(**plan.scorers[name])
    assert isinstance(scorer, IntelligibilityScorer)  # a second opinion is one too
    return scorer
