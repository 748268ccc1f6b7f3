"""A run as a whole beside healthy voices: its medians, and what is said where no healthy voice has them."""

from dataclasses import replace

import pytest

from harness.core.records import Attempt, Chunk, DetectorInput, Measurement, ReferenceRecord, Status
from harness.detectors import catalogue, detect_all, explain
from harness.detectors.base import Family
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.claims.as_whole import URGENT, as_a_whole
from harness.verdicts.limits import pick
from harness.verdicts.priors import FigureRange, Priors
from harness.verdicts.settled import settle_run
from harness.verdicts.whole import figure_values, outside

PRIORS = Priors(figures={"level": FigureRange(-30.0, -15.0, 40)})


def views(count, level):
    return [
        DetectorInput(
            Chunk(f"c{number}", "some words"),
            Attempt(number, 0, 0, f"c{number}", "v"),
            {"signal": Measurement("signal", "1", Status.OK, {"active_rms_dbfs": level, "duration": 2.0})},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(("level", "word"), [(-45.0, "quiet"), (-5.0, "loud"), (-20.0, None)])
def test_a_level_that_no_healthy_voice_has_is_said(level, word):
    statements = [figure.statement for figure in outside(views(12, level), PRIORS) if figure.figure == "level"]
    assert bool(statements) == (word is not None)
    assert all(f"every chunk is {word}" in line and "40 healthy voices" in line for line in statements)


def test_nine_chunks_are_no_run():
    assert "level" not in figure_values(views(9, -20.0))
    assert figure_values(views(10, -20.0))["level"] == -20.0


TEXT = "the old keeper climbed the narrow stairs every evening"
GARBLED = (
    "the alt kiper glaim dna rost",
    "den olt kipper glaimt narrow",
    "del kip stairs",
    "no ol keeper evening",
)


def run_heard_as(*transcripts, count=40):
    """A run of which the recognizer hears ``transcripts``, one after the other, and in the first a word said twice."""
    words = [{"word": w, "start": 0.3 * i, "end": 0.3 * i + 0.3, "logprob": -0.1} for i, w in enumerate(TEXT.split())]
    heard = [{"reference": TEXT, "hypothesis": transcript, "words": []} for transcript in transcripts]
    twice = [{"kind": "repeat", "ref": [5, 6], "said": [], "gain": 3.0, "second": 3.0, "span": [1.5, 1.8]}]
    speech = {"duration": 4.0, "speech_seconds": 4.0, "speech_start": 0.0, "speech_end": 4.0, "active_rms_dbfs": -20.0}
    return [
        DetectorInput(
            Chunk(f"c{number}", TEXT),
            Attempt(0, 0, number, f"c{number}", "v", id=number + 1),
            {
                "signal": Measurement("signal", "1", Status.OK, {**speech, "pauses": []}),
                "intelligibility": Measurement("intelligibility", "1", Status.OK, heard[number % len(heard)]),
                "edit_likelihood": Measurement(
                    "edit_likelihood",
                    "1",
                    Status.OK,
                    {"words": words, "edits": [] if number else twice, "unexplained": []},
                ),
            },
        )
        for number in range(count)
    ]


def settled_words(views):
    settled = settle_run(views, [detect_all(view) for view in views], Priors())
    judge = VerdictPolicy(Limits.default(Priors()))
    of_words = {name for name, fault in catalogue().items() if fault.family is Family.TRANSCRIPT}
    given = [one for one in settled.evidence[0] if one.fault in of_words]
    return settled, judge.verdict(settled.views[0], given, settled.own.of(1))


def test_of_a_voice_that_the_recognizer_does_not_understand_no_word_is_judged():
    settled, verdict = settled_words(run_heard_as(*GARBLED))
    assert verdict.word.value == "not judged" and "loop" in verdict.unjudged
    claim = as_a_whole("v", settled, Priors())
    assert "no word is judged: the recognizer misses" in claim.statement and claim.details[URGENT]


def test_of_a_voice_that_is_understood_every_word_is_judged():
    settled, verdict = settled_words(run_heard_as(TEXT))
    assert [finding.fault for finding in verdict.findings] == ["loop"]
    assert as_a_whole("v", settled, Priors()).statement == "as a whole within what healthy voices have"


def test_a_reference_that_is_understood_makes_a_garbled_run_faulty():
    reference = ReferenceRecord("c", {"unintelligible": (0.02, 0.03)})
    views = [replace(view, reference=reference) for view in run_heard_as(*GARBLED)]
    _, verdict = settled_words(views)
    assert "unintelligible" in {finding.fault for finding in verdict.findings}


def test_few_letters_of_a_long_text_agree_by_chance_and_more_of_a_short_one():
    bounds = Limits.default(Priors()).faults["unintelligible"].prior
    short, long = pick(bounds, 3), pick(bounds, 30)
    assert short is not None and long is not None
    assert 0.29 < long.limit < 0.65 < short.limit, "healthy speech of eight engines, and words cut and shuffled"
    assert "of texts of more than 8 words" in explain(catalogue()["unintelligible"])
