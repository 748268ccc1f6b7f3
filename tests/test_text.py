"""Named text normalisers: what must compare equal, and what must never be lost."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.text import default_normaliser, normaliser, normaliser_names, spoken_text


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("whisper-english", "Dr. Smith paid $20, didn't he?", "doctor smith paid twenty dollars did not he"),
        ("whisper-english", "The colour grey", "the color gray"),
        ("whisper-basic", "Schöne Grüße!", "schöne grüße"),
        ("whisper-basic-letters", "你好，世界。", "你好世界"),
        ("seed-tts-eval", "Don't stop—now!", "don't stop now"),
    ],
)
def test_same_words_in_other_spelling_compare_equal(name: str, one: str, other: str) -> None:
    assert normaliser(name)(one) == normaliser(name)(other)


def test_letters_normaliser_counts_characters() -> None:
    assert normaliser("whisper-basic-letters")("你好世界").split() == ["你", "好", "世", "界"]
    assert normaliser("whisper-basic-letters").letters


def test_apostrophes_stay_in_seed_tts_eval() -> None:
    assert normaliser("seed-tts-eval")("It’s the dogs' bone") == "it's the dogs' bone"


def test_words_in_parentheses_are_spoken_and_tags_are_not() -> None:
    assert spoken_text("<whisper>Come (all of you) [laughs] in").split() == ["Come", "all", "of", "you", "in"]
    assert normaliser("whisper-english")("Come (all of you) in") == "come all of you in"


def test_an_ellipsis_is_no_word() -> None:
    assert normaliser("whisper-english")("Well... yes") == "well yes"
    assert normaliser("whisper-english")("...!") == ""


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("en", "whisper-english"),
        ("en-GB", "whisper-english"),
        ("zh-Hans", "whisper-basic-letters"),
        ("ja", "whisper-basic-letters"),
        ("de", "whisper-basic"),
        ("ru_RU", "whisper-basic"),
    ],
)
def test_default_normaliser_follows_the_language(language: str, name: str) -> None:
    assert default_normaliser(language) == name


def test_wrong_name_gets_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'whisper-english'"):
        normaliser("whisper-englsh")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), name=st.sampled_from(normaliser_names()))
def test_any_text_gives_words_with_single_spaces(text: str, name: str) -> None:
    result = normaliser(name)(text)
    assert result == " ".join(result.split())
    result.encode("utf-8")


def test_lone_surrogate_does_not_break_a_normaliser() -> None:
    assert normaliser("whisper-basic")("one \ud800 two") == "one two"


def test_importing_the_normalisers_imports_nothing_heavy() -> None:
    heavy = "('torch', 'whisper', 'jiwer')"
    code = f"import sys, harness.text, harness.alignment; print([m for m in {heavy} if m in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
