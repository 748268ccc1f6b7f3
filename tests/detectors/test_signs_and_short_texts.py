"""One word, one letter, a sign read aloud: what healthy voices say of them is no fault, and a real one still is."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.records import DetectorInput
from harness.detectors import get
from tests.detectors.test_detectors import SIGNAL, WORD, edited, over, said, scored, stretch, value, view


@pytest.mark.parametrize("text", ["Yes.", "Hello", "7", "Dear John,"])
def test_that_a_lone_word_could_be_said_again_is_no_loop_until_it_is_heard_again(text: str) -> None:
    whole = len(text.split())
    assert not over("loop", edited(scored("repeat", 0, whole, -1.4, -0.8), text=text))
    assert over("loop", edited(scored("repeat", 0, whole, 9.0, 7.0), text=text))


def test_within_a_sentence_a_repetition_needs_less() -> None:
    assert over("loop", edited(scored("repeat", 2, 3, -1.0, -2.0), text="It was a narrow stair."))


@pytest.mark.parametrize("text", ["Yes.", "Oh.", "A."])
def test_a_lone_word_takes_a_second_and_not_three(text: str) -> None:
    usual, drawn_out = (view(text=text, signal={"duration": seconds}) for seconds in (1.1, 3.3))
    typical = value("overlong", view())
    assert value("overlong", usual) < typical + get("overlong").default_margin
    assert value("overlong", drawn_out) > typical + get("overlong").default_margin


@pytest.mark.parametrize(("text", "heard"), [("A.", "okay"), ("I", "bye"), ("Why", "bye"), ("Oh.", "")])
def test_one_short_word_that_was_not_heard_is_not_judged(text: str, heard: str) -> None:
    detection = get("unintelligible").evidence(
        view(said(heard.split()), text=text, signal={**SIGNAL, "speech_seconds": 0.4})
    )
    assert detection.value is None
    assert "too short" in detection.reason
    assert value("unintelligible", view(said(text.split()), text=text)) == 0.0


def signs(text: str, edit: dict[str, Any], unexplained: list[dict[str, Any]] | None = None) -> DetectorInput:
    """Return a text as the scorer takes it apart: signs that stand alone are no words."""
    words = [word for word in text.split() if any(c.isalnum() for c in word)]
    placed = [{"word": w, "start": i * WORD, "end": (i + 1) * WORD, "logprob": -0.1} for i, w in enumerate(words)]
    return view(text=text, edit_likelihood={"words": placed, "edits": [edit], "unexplained": unexplained or []})


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("If x = 4, then 3x + 2 = 14.", scored("insert", 2, 2, 13.0, 15.0, "equals")),
        ("If x = 4, then 3x + 2 = 14.", scored("insert", 2, 2, 13.0, 15.0, "equal")),
        ("If x = 4, then 3x + 2 = 14.", scored("insert", 5, 5, 5.0, 4.0, "plus")),
        ("It fell to -14 °C at night.", scored("insert", 3, 3, 7.0, 6.0, "minus")),
        ("It fell to -14 °C at night.", scored("insert", 4, 4, 7.0, 6.0, "degrees")),
        ("Prices rose by 12% over the year.", scored("insert", 4, 4, 9.0, 6.0, "percent")),
        ("Prices rose by 12% over the year.", scored("replace", 3, 4, 9.0, 6.0, "12", "percent")),
    ],
)
def test_the_name_of_a_sign_that_stands_there_is_no_added_word(text: str, edit: dict[str, Any]) -> None:
    assert not over("inserted-words", signs(text, edit))


@pytest.mark.parametrize(("spoken", "too_many"), [("percent", False), ("purple", True)])
def test_sound_in_which_only_the_name_of_a_sign_was_heard_is_no_word_too_many(spoken: str, too_many: bool) -> None:
    text = "Prices rose by 12% over the year."
    heard = [stretch(4, 0.6, heard=spoken), stretch(len(text.split()), 0.0)]
    assert over("inserted-words", signs(text, scored("omit", 0, 1, -9.0, None), heard)) is too_many


@pytest.mark.parametrize(
    "edit",
    [
        scored("insert", 0, 0, 13.0, 15.0, "equals"),  # far from the sign
        scored("insert", 2, 2, 13.0, 15.0, "purple"),
        scored("insert", 2, 2, 13.0, 15.0, "equals", "purple"),
    ],
)
def test_other_words_and_names_of_signs_elsewhere_are_added(edit: dict[str, Any]) -> None:
    assert over("inserted-words", signs("Then we know that x = 4 today.", edit))


@pytest.mark.parametrize(("text", "told"), [("The letter is x.", -8.0), ("The captain of the ferry is asleep.", -2.0)])
def test_halves_of_a_few_syllables_tell_together_whether_a_voice_is_rough(text: str, told: float) -> None:
    """The second half of "The letter is x." is a hiss: it repeats no better than a rough voice does."""
    assert value("robotic", view(text=text, pitch={"periodicity_db_halves": [14.0, 2.0]})) == pytest.approx(told)
