"""A run as a whole beside healthy voices: its medians, and what is said where no healthy voice has them."""

import pytest

from harness.core.records import Attempt, Chunk, DetectorInput, Measurement, Status
from harness.verdicts.priors import FigureRange, Priors
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
