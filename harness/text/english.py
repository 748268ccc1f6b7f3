"""English before and after Whisper's normaliser, which knows neither signs, clocks, dates nor fractions."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from harness.text.comparisons import SPOKEN_SIGNS
from harness.text.identifiers import DIGIT
from harness.text.markup import marked_text
from harness.text.numbers import one_by_one
from harness.text.spoken_forms import spoken_forms
from harness.text.tokens import OPTIONAL, emoji_words, prepared_text
from harness.text.units import UNIT, unit_key, unit_pattern

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_SHORT_MONTHS = "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
_EMOJI = re.compile("[\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001faff]")
_BEFORE: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"(?<!\w)'\s?n\s?'(?!\w)|(?<=\w)\s?'n'\s?(?=\w)|(?<=\w)\s'n\s(?=\w)", re.I), " and "),
    (re.compile(r"(?<!\w)'(?=(?:tis|twas|twere|em|til|round|bout)\b)", re.I), ""),
    (re.compile(r"\b(\d{1,2})'\s?(\d{1,2})(?:\"|'')"), rf"\1 {OPTIONAL}feet \2 {OPTIONAL}inches"),
    (re.compile(r"(?<=\d0)'s\b"), "s"),  # the 90's
    (re.compile(r"(?<!\w)'|'(?!\w)(?<!s')"), " "),  # quotation marks, not apostrophes
    (re.compile(r"\b(\d{1,2}):00\b(?=\s*[ap]\.?m\b)", re.I), r"\1"),
    (re.compile(r"\b(\d{1,2}):00\b"), r"\1 o'clock"),
    (re.compile(r"\b(\d{1,2}):0([1-9])\b"), r"\1 oh \2"),
    (re.compile(r"\b(?:no|nr)\.(?=\s?\d)|№\s?(?=\d)|#(?=\d)", re.I), " number "),
    (re.compile(r"\b(\d+) 1/2\b"), r"\1.5"),
    (re.compile(r"(?<=\w)@(?=\w)"), " at "),
    (re.compile(r"(?<=[A-Za-z0-9])\.(?=(?:com|org|net|edu|gov|io|co|uk|de|fr|eu|html?|pdf)\b)", re.I), " dot "),
    (re.compile(r"\bwww\."), "w w w dot "),
    (re.compile(r"(?<=\d)\s?°\s?(?=[CF]\b)"), " degrees "),
    (re.compile(r"(?<=degrees )C\b"), "celsius"),
    (re.compile(r"(?<=degrees )F\b"), "fahrenheit"),
    (re.compile(r"(?<=\d)\s?°"), " degrees "),
    (re.compile(r"(?<=\d[%])-(?=\d)|(?<=\d)(?<!\b0\d)\s?–\s?(?=[$€£]?\d)"), f" {OPTIONAL}to "),
    (re.compile(r"(?<![\w-])(\d{1,4})-(?=\d{1,4}(?![\w-]))"), rf"\1 {OPTIONAL}to "),
    (re.compile(r"(?<=[A-Za-z])\+\+(?!\w)"), " plus plus "),
    (re.compile(r"([$€£]\s?\d[\d,.]*)\s?(?:M|m|mn|mio)\b|(?<![\w.,])(\d+(?:\.\d+)?)M\b"), r"\1\2 million"),
    (re.compile(r"([$€£]\s?\d[\d,.]*)\s?(?:B|b|bn)\b"), r"\1 billion"),
    (re.compile(r"(?<![\w)\]}-])-\s?(?=\d)"), " minus "),
    (re.compile(r"&"), " and "),
    (re.compile(r"(?<![\w+])\+(?=\d)|(?<=[\w)])\s?\+\s?(?=[\w(])"), " plus "),
    (re.compile(r"\s=\s|(?<=\w)=(?=\w)"), " equals "),
    (re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b"), r"\1 \2 \3"),
    (re.compile(r"(?<=\d)\s?÷\s?(?=\d)"), " divided by "),
    (re.compile(r"@"), " at "),
    (re.compile(r"[¥]\s?(\d[\d,.]*)"), r"\1 yen"),
    (re.compile(r"[₹]\s?(\d[\d,.]*)"), r"\1 rupees"),
]
_SQUARED = re.compile(r"(?<![A-Za-z])([A-Za-z)])([²³])")
_SLASHED = re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b")
_PARTS = {"5": "fifth", "6": "sixth", "8": "eighth", "10": "tenth", "16": "sixteenth"}
_FRACTION = re.compile(r"(?<![\d/])\d{1,2}/\d{1,2}(?![\d/])")
_LEADING_ZERO = re.compile(r"(?<![\w.,:/])0\d+(?![\w.,:/]*\w)")  # Whisper's normaliser loses the zero
_DATE = re.compile(r"\b(\d{4})-(0\d|1[0-2])-([0-2]\d|3[01])\b")
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.\s?)+[A-Za-z]\.(?!\w)")
_AFTER: list[tuple[re.Pattern[str], str]] = [
    (re.compile(rf"\b(?:the )?(one|\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTHS})\b"), r"\2 \1"),
    (re.compile(rf"\b({_MONTHS}) (?:the )?(\d{{1,2}})(?:st|nd|rd|th)\b"), r"\1 \2"),
    (re.compile(rf"(?<![\w.,$€£{DIGIT}])(?<!{OPTIONAL}to )1(?![\w.,%])"), "one"),
    (re.compile(rf"(?<={DIGIT})one\b|(?<={OPTIONAL}to )one\b"), "1"),
    (re.compile(r"\ba (?=(?:100|1000|1000000)\b)"), ""),
]


# Whisper's normaliser drops signs and cuts "s2"; these stand for them until it is through.
_SIGNS = f"{SPOKEN_SIGNS}+.‐/:&°=23"
_HIDDEN = {sign: chr(0xE020 + number) for number, sign in enumerate(_SIGNS)}
_TO_HIDE = str.maketrans("".join(_HIDDEN), "".join(_HIDDEN.values()))
_SHOWN = str.maketrans({hidden: sign for sign, hidden in _HIDDEN.items()})
_MARKED = re.compile(rf"{OPTIONAL}[{re.escape(_SIGNS)}]|(?<!\S)[{SPOKEN_SIGNS}](?=\s|\d)")
_ONE_COIN = re.compile(r"(?<=[$£€])1(?=\.?(?!\d)|\.\d\d?(?!\d))")
_ONE_AND_CENTS = re.compile(r"([$£€])1 (?:and )?¢(\d{1,2})\b")
_PLUS_MINUS = re.compile(r"\bplus (?:or )?minus\b", re.I)
_POUNDS = re.compile(r"\bpounds(?= per\b| of\b)", re.I)


def _hidden(text: str) -> str:
    return text.translate(_TO_HIDE)


def _units(text: str) -> str:
    """Mark the units behind numbers, and keep the stock normaliser from making money of pounds of something."""
    text = unit_pattern("en").sub(lambda m: f" {UNIT}{_hidden(unit_key(m[0]))} ", text)
    text = re.sub(rf"(?<=[\w$€£])\s?/\s?(?={UNIT})|(?<=\w)/(?=[A-Za-z])", f" {OPTIONAL}{_HIDDEN['/']} ", text)
    return re.sub(" +", " ", _POUNDS.sub(f"{UNIT}pounds", text))


@cache
def _stock() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishNumberNormalizer, EnglishTextNormalizer

    class Numbers(EnglishNumberNormalizer):  # type: ignore[misc]
        """The stock numbers, but for "$1", of which they make "one"."""

        def postprocess(self, s: str) -> str:
            coins = _ONE_COIN.sub("1coin", _ONE_AND_CENTS.sub(r"\g<1>1.\2", s))
            return str(super().postprocess(coins)).replace("1coin", "1")

    stock = EnglishTextNormalizer()
    stock.standardize_numbers = Numbers()
    return stock  # type: ignore[no-any-return]


def _power(match: re.Match[str]) -> str:
    """Say ``x²``, but leave ``m²`` to the units."""
    word = "squared" if match[2] == "²" else "cubed"
    return match[0] if match[1] == "m" else f"{match[1]} {word}"


def _date_words(year: str, month: int, day: int) -> str:
    return f"{_MONTHS.split('|')[month - 1]} {day} {year}"


def _slashed_date(match: re.Match[str]) -> str:
    """Read the month first, as in American books, unless it can only be the day."""
    first, second = int(match[1]), int(match[2])
    if not (1 <= first <= 31 and 1 <= second <= 31 and min(first, second) <= 12):
        return match[0]
    month, day = (first, second) if first <= 12 else (second, first)
    return _date_words(match[3], month, day)


def _fraction_words(match: re.Match[str]) -> str:
    top, _, bottom = match[0].partition("/")
    if match[0] == "1/2":
        return f"{OPTIONAL}one half {OPTIONAL}a "
    words = spoken_forms("en").fractions.get(match[0])
    if words:
        return words[0]
    if bottom not in _PARTS or int(top) >= int(bottom):
        return match[0]
    return f"{top} {_PARTS[bottom]}{'s' if top != '1' else ''}"


def english_tokens(text: str) -> list[str]:
    """Return the words of English as Whisper's normaliser spells them, with signs, dates and clocks written out.

    Numbers become digits, contractions are written out, British spelling becomes American, fillers are dropped.
    """
    spelled = _SQUARED.sub(_power, marked_text(text, OPTIONAL))
    signed = prepared_text(_PLUS_MINUS.sub("±", spelled), "en")
    folded = _units(_MARKED.sub(lambda m: _hidden(m[0]), signed))
    folded = _EMOJI.sub(lambda m: " " + " ".join(emoji_words(m[0])) + " ", folded)
    folded = _INITIALS.sub(lambda m: " " + re.sub(r"[.\s]", "", m[0]) + " ", folded)
    folded = _DATE.sub(lambda m: _date_words(m[1], int(m[2]), int(m[3])), folded)
    folded = _SLASHED.sub(_slashed_date, folded)
    for pattern, replacement in _BEFORE:
        folded = pattern.sub(replacement, folded)
    folded = _FRACTION.sub(_fraction_words, folded)
    folded = _LEADING_ZERO.sub(lambda m: f" {one_by_one(m[0], 'en')} ", folded)
    words = _stock()(folded).lower().translate(_SHOWN)
    for pattern, replacement in _AFTER:
        words = pattern.sub(replacement, words)
    spoken = (OPTIONAL, *SPOKEN_SIGNS)
    return [word for word in words.split() if any(c.isalnum() for c in word) or word.startswith(spoken)]


TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
ONES = "zero one two three four five six seven eight nine"
NUMBERS = frozenset(f"{ONES} {TEENS} {TENS} hundred thousand million".split())


def is_number(word: str) -> bool:
    """Return whether a normalised word stands for a number."""
    return any(c.isdigit() for c in word) or word in NUMBERS
