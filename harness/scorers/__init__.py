"""Scorers: one measurement a file. Listing their names imports nothing heavy."""

from collections.abc import Iterable, Mapping

from harness.core.errors import ConfigError, nearest
from harness.core.records import ScorerOptions
from harness.core.records.measured import OpinionScorer
from harness.core.registry import Registry
from harness.core.suites import Suite
from harness.scorers.base import Clip, Scorer, ScorerClass, missing_need, observe
from harness.text import normaliser

SCORERS: Registry[ScorerClass] = Registry("scorer", "tts_soak.scorers", ("name", "room", "needs", "setup", "observe"))
SCORERS.add("signal", "harness.scorers.signal:SignalScorer")
SCORERS.add("pitch", "harness.scorers.pitch:PitchScorer")
SCORERS.add("tokens", "harness.scorers.tokens:TokensScorer")
SCORERS.add("edit_likelihood", "harness.scorers.edit_likelihood:EditLikelihoodScorer")
SCORERS.add("intelligibility", "harness.scorers.intelligibility:IntelligibilityScorer")
SCORERS.add("second_opinion", "harness.scorers.second_opinion:SecondOpinionScorer")
SCORERS.add("speaker", "harness.scorers.speaker:SpeakerScorer")
SCORERS.add("dnsmos", "harness.scorers.dnsmos:DnsmosScorer")
SCORERS.add("distillmos", "harness.scorers.distillmos:DistillMosScorer")
RECOGNIZING = ("intelligibility", "edit_likelihood", "second_opinion")
# scorer -> what its "overall" is
MOS_PREDICTORS: Mapping[OpinionScorer, str] = {"dnsmos": "DNSMOS P.835 overall", "distillmos": "DistillMOS"}


def default_scorers(suite: Suite) -> tuple[str, ...]:
    """Return what a suite measures unless told otherwise; a soak also with the scorers of installed packages."""
    return (*suite.scorers, *SCORERS.plugins()) if suite.is_soak else suite.scorers


def chosen(
    names: Iterable[str], asr: str | None = None, device: str = "cpu", normalise: str | None = None
) -> dict[str, ScorerOptions]:
    """Return options by scorer, for a plan; ``asr`` is the recognizer, ``device`` where it and its second opinion run.

    ``normalise`` names the normaliser of the word error rate; None: by language.
    Raises ConfigError with the nearest name.
    """
    options: dict[str, ScorerOptions] = {name: {} for name in names}
    for name in options:
        if name not in SCORERS:
            raise ConfigError(f"--scorers: unknown scorer {name!r}{nearest(name, SCORERS)}")
    for name in RECOGNIZING:
        if name in options:
            if asr is not None:
                options[name] = {"first": asr} if name == "second_opinion" else {"asr": asr}
            options[name] |= {"device": device} if device != "cpu" else {}
    for name in ("intelligibility", "second_opinion"):
        if normalise is not None and name in options:
            options[name]["normalise"] = normaliser(normalise).name
    return options


__all__ = ["MOS_PREDICTORS", "SCORERS", "Clip", "Scorer", "chosen", "default_scorers", "missing_need", "observe"]
