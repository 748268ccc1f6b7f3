"""Named text normalisers: what must compare equal, and what must never be lost."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import ConfigError
from harness.corpora import load_corpus
from harness.text import (
    TEXT_VERSION,
    UNSPACED,
    asked_pauses,
    count_words,
    default_normaliser,
    normaliser,
    normaliser_names,
    normaliser_version,
    spoken_letters,
    spoken_syllables,
    spoken_text,
    with_normaliser,
)
from harness.text.chunker import chunk_text


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
        ("en", "english"),
        ("en-GB", "english"),
        ("zh-Hans", "characters:zh"),
        ("ja", "characters:ja"),
        ("de", "words:de"),
        ("ru_RU", "words:ru"),
    ],
)
def test_default_normaliser_follows_the_language(language: str, name: str) -> None:
    assert default_normaliser(language) == name


def test_wrong_name_gets_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'whisper-english'"):
        normaliser("whisper-englsh")


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60), name=st.sampled_from([*normaliser_names(), "words:de", "words:ar", "characters:zh"]))
def test_any_text_gives_words_with_single_spaces(text: str, name: str) -> None:
    result = normaliser(name)(text)
    assert result == " ".join(result.split())
    result.encode("utf-8")


def test_lone_surrogate_does_not_break_a_normaliser() -> None:
    assert normaliser("whisper-basic")("one \ud800 two") == "one two"


def test_importing_the_normalisers_imports_nothing_heavy() -> None:
    heavy = "('torch', 'whisper', 'jiwer')"
    code = f"import sys, harness.text, harness.text.alignment; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_label_names_the_version_and_labels_of_old_runs_count_as_the_first() -> None:
    assert normaliser("english").label == f"english/{TEXT_VERSION}"
    assert normaliser_version("english/2") == "2"
    assert normaliser_version("whisper-english") == "1"
    assert with_normaliser({"scorer.intelligibility": "1 x"})["text normaliser"] == "1"


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40), language=st.sampled_from(["en", "de", "fr", "ar", "th", "zh", "tr"]))
def test_any_text_costs_nothing_against_itself(text: str, language: str) -> None:
    one, other = normaliser(default_normaliser(language)).pair(text, text)
    assert one == other


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ('<speak><prosody rate="slow" pitch="-2st">Hi there.</prosody></speak>', "Hi there."),
        ('<sub alias="World Wide Web">WWW</sub> &amp; more', "World Wide Web & more"),
        ("[S1] Come (laughs) in <|im_start|> now <#0.5#>", "Come in now"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("**bold** and _thin_ but not snake_case_names", "bold and thin but not snake_case_names"),
    ],
)
def test_markup_is_not_spoken_and_its_words_are(text: str, spoken: str) -> None:
    assert spoken_text(text).split() == spoken.split()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('one <break time="3s"/> two', [3.0]),
        ("one <break time='500ms'> two", [0.5]),
        ("one [pause:1000ms] two [pause 2s] three", [1.0, 2.0]),
        ("one <#0.5#> two", [0.5]),
        ("wait... what", [1.0]),
        ('one <break strength="none"/> two', []),
        ("The end. 3.5.", []),
    ],
)
def test_pauses_that_a_text_asks_for(text: str, seconds: list[float]) -> None:
    assert asked_pauses(text) == seconds


@pytest.mark.parametrize(
    ("language", "text", "low", "high"),
    [
        ("en", '<speak><prosody rate="slow" pitch="-2st">Hi there.</prosody></speak>', 2, 2),
        ("en", "In 1984.", 5, 7),
        ("en", "?! * * * \U0001f600", 0, 0),
        ("en", "NASA and the BBC", 6, 8),
        ("de", "21 km", 6, 8),
        ("hi", "उसकी भाई का घर", 5, 7),
        ("ar", "السلام عليكم", 5, 8),
        ("he", "שלום עולם", 4, 5),
        ("th", "สวัสดีครับ", 4, 5),
        ("ja", "おはようございます", 8, 9),
        ("zh", "早上好，1984年", 8, 8),
        ("ko", "안녕하세요", 5, 5),
        ("ru", "Доброе утро", 5, 5),
        ("el", "καλημέρα σας", 5, 5),
        ("ta", "வணக்கம்", 3, 4),
        ("my", "မင်္ဂလာပါ", 3, 4),
        ("km", "សួស្តី", 1.5, 2.5),
        ("ka", "გამარჯობა", 4, 4),
    ],
)
def test_syllables_of_spoken_text_in_every_script(language: str, text: str, low: float, high: float) -> None:
    assert low <= spoken_syllables(text, language) <= high


def test_every_chunk_of_the_corpora_has_syllables_where_it_has_words() -> None:
    for name in ("edge", "multilingual"):
        for chunk in load_corpus(name).chunks:
            words, syllables = count_words(chunk.text), spoken_syllables(chunk.text, chunk.language)
            assert (syllables > 0) == (words > 0), chunk.id
            assert syllables <= 12 * max(words, 1), chunk.id


@pytest.mark.parametrize(
    ("text", "words"),
    [("a — b", 2), ("* * *", 0), ("你好世界", 2), ("今天是 hello", 3), ("สวัสดี ครับ", 4), ("안녕 하세요", 2)],
)
def test_words_are_counted_one_way_in_all_scripts(text: str, words: int) -> None:
    assert count_words(text) == words


def test_the_chunker_cuts_every_language_that_is_written_without_spaces() -> None:
    for language in sorted(UNSPACED):
        assert len(chunk_text("བོད་ཡིག" * 60, 20, 4, language)) > 1, language


@pytest.mark.parametrize(
    ("text", "language", "letters"),
    [
        ("kitchen,", "en", 7),
        ("1788.", "en", len("seventeeneightyeight")),
        ("47 men", "en", len("fortysevenmen")),
        ("12", "de", len("zwölf")),
        ("°C,", "en", len("degreescelsius")),
        ("3%", "en", len("threepercent")),
        ("o'clock", "en", 6),
        ("* * *", "en", 0),
        ("時計", "ja", 2),
    ],
)
def test_a_text_is_as_long_as_it_is_spoken(text: str, language: str, letters: int) -> None:
    assert spoken_letters(text, language) == letters
