"""The front end reads ordinary book English, and its phones are ones that the voice knows."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends.voice.frontend import Frontend
from harness.backends.voice.geometry import load_geometry
from harness.backends.voice.spoken import normalise_spoken
from tests._places import ROOT

PHONES = load_geometry(ROOT / "voices" / "duo" / "voice.json").phones

SPOKEN = [
    ("Mr. Smith paid $3.50 for 12 eggs.", "mister smith paid three dollars and fifty cents for twelve eggs"),
    ("on March 5, 1984, at 10:05 p.m.", "on march fifth nineteen eighty four at ten oh five p m"),
    ("the 21st of June, 2024-03-05", "the twenty first of june march fifth twenty twenty four"),
    ("In 1905, 2005 and the 1980s.", "in nineteen oh five two thousand five and the nineteen eighties"),
    ("£2 million, 5% more, 3.14 km", "two million pounds five percent more three point one four kilometers"),
    ("1 km at 20°C", "one kilometer at twenty degrees celsius"),
    ("It fell to -14 °C on 12 March", "it fell to minus fourteen degrees celsius on the twelfth of march"),
    ("jo\u200diners, a soft\u00adhyphen, Łódź &amp; ½", "joiners a softhyphen lodz and one half"),
    ("9.81 m/s² or 3 m/s", "nine point eight one meters per second squared or three meters per second"),
    ("12 Main St. near St. Mary's", "twelve main street near saint mary's"),
    ("Dr. Ames and Prof. Lee", "doctor ames and professor lee"),
    ("J. R. Ames of the U.S. Army", "j r ames of the u s army"),
    ("Chapter XIV. Henry VIII and World War II.", "chapter fourteen henry the eighth and world war two"),
    ("the FBI, two TVs and NASA", "the f b i two t v s and nasa"),
    ("1,250,000 and 007 and -5", "one million two hundred fifty thousand and oh oh seven and minus five"),
    ("1/2 of 3 1/2, pp. 12-15", "one half of three and a half pages twelve to fifteen"),
    ("<whisper>Come here</whisper> 😀 café", "come here cafe"),
    ("A well-known, “quoted” word—yes", "a well known quoted word yes"),
    ("Plan A is what I want.", "plan a is what i want"),
    ("STOP THAT RIGHT NOW", "stop that right now"),
    ("7 a.m. or 14:00 or 3:00", "seven a m or fourteen hundred hours or three o'clock"),
]


@pytest.mark.parametrize(("written", "said"), SPOKEN, ids=[w for w, _ in SPOKEN])
def test_written_text_is_read_as_a_person_would(written: str, said: str) -> None:
    assert normalise_spoken(written).replace("t v s", "t v's") == said.replace("t v s", "t v's")


@functools.cache
def shared() -> Frontend:
    return Frontend(PHONES)


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return shared()


def said(frontend: Frontend, text: str) -> str:
    return " ".join(p for w in frontend.words(text) for p in w.phones)


def test_homographs_follow_their_neighbours(frontend: Frontend) -> None:
    assert said(frontend, "she read it") != said(frontend, "to read it").replace("t ax0", "sh iy1", 1)
    assert "l ay1 v" in said(frontend, "a live wire")
    assert "l ih1 v" in said(frontend, "they live here")
    assert said(frontend, "the apple").startswith("dh iy0")
    assert said(frontend, "the pear").startswith("dh ax0")


def test_unknown_names_are_sounded_out(frontend: Frontend) -> None:
    phones = said(frontend, "Zorvaxian").split()
    assert phones[0] == "z"
    assert {"v", "k", "s"} <= set(phones)


@pytest.mark.parametrize("text", ["", "   ", "...", "😀🎉", "日本語", "<laugh>", "— “ ”"])
def test_nothing_to_say_gives_no_segments(frontend: Frontend, text: str) -> None:
    assert frontend.segments(text) == []


@given(st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_only_phones_of_the_voice(text: str) -> None:
    words = shared().words(text)
    assert {p for w in words for p in w.phones} <= set(PHONES)
    assert not words or not words[-1].is_pause


WORDS = ("river,", "stone.", "walked", "and", "never;", "garden", "house", "the?", "Mr.", "1984")


@given(st.lists(st.sampled_from(WORDS), max_size=70))
@settings(max_examples=60, deadline=None)
def test_segments_keep_every_word_in_order_and_within_the_limit(words: list[str]) -> None:
    front = shared()
    text = " ".join(words)
    whole = [w.text for w in front.words(text) if not w.is_pause]
    segments = front.segments(text, 40)
    assert [w.text for s in segments for w in s.words if not w.is_pause] == whole
    assert all(len(s.phones) <= 40 for s in segments)
    for segment in segments:
        assert segment.phones[0] == segment.phones[-1] == "pau"
        for word, first, stop in segment.word_spans:
            assert word
            assert "pau" not in segment.phones[first:stop]


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ('"A. has gone."', ["ey1 hh ae1 z g ao1 n"]),
        ("A. Reed called.", ["ey1 r iy1 d k ao1 l d"]),
        ("He got an A. Then he left.", ["hh iy1 g aa1 t ae1 n ey1", "dh eh1 n hh iy1 l eh1 f t"]),
        ("A dog. A man.", ["ax0 d ao1 g", "ax0 m ae1 n"]),
        ("Plan A is good.", ["p l ae1 n ey1 ih1 z g uh1 d"]),
        ("I saw J. there.", ["ay1 s ao1 jh ey1 dh eh1 r"]),
    ],
)
def test_a_single_capital_with_a_stop_is_an_initial_and_not_a_sentence(
    frontend: Frontend, text: str, phones: list[str]
) -> None:
    assert [" ".join(piece.phones[1:-1]) for piece in frontend.segments(text, by_sentence=True)] == phones
