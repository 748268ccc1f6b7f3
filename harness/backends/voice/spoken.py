"""Written text to the words that are spoken.

Dropped without a word: tags (``<whisper>``), emoji and other pictographs, letters of scripts that have no Latin form,
quotes and brackets. Accents are removed. Dashes and ``, ; : . ? !`` become pauses.
"""

from __future__ import annotations

import functools
import html
import re
import unicodedata
from dataclasses import dataclass

from harness.backends.voice.abbreviations import AMBIGUOUS, DOTTED, MONARCHS, NUMBERED, SHORT_FORMS, SYMBOLS, TITLES
from harness.backends.voice.numbers import Rule, cardinal, ordinal, spell_numbers


@dataclass(frozen=True, slots=True)
class Token:
    """One spoken word in lower case, a single letter read by its name, or a pause (``text`` is its punctuation)."""

    text: str
    kind: str = "word"  # "word", "letter", "pause"
    ends_sentence: bool = False  # only of a pause


QUOTES = {"‘": "'", "’": "'", "‛": "'", "ʼ": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
DASHES = str.maketrans({"—": " - ", "―": " - ", "‒": "–", "‐": "-", "‑": "-", "…": "... "})
ROMAN = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
# Three-letter capitals that are words even though the lexicon cannot tell ("US" is not "us").
SHOUTED = {"a", "i", "am", "an", "and", "are", "all", "but", "can", "did", "do", "for", "get", "go", "had", "has", "he",
           "her", "him", "his", "how", "if", "in", "is", "it", "me", "my", "no", "not", "now", "of", "off", "oh", "on",
           "one", "or", "our", "out", "run", "say", "see", "she", "so", "the", "to", "too", "two", "up", "was", "we",
           "who", "why", "yes", "you", "end", "old", "new", "man", "day", "mad", "big"}  # fmt: skip
SAID_AS_WORDS = {"nasa", "nato", "unesco", "unicef", "opec", "aids", "ok"}
WORD_OR_PAUSE = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*'?|'[A-Za-z]+|[,;:.?!]+|(?<!\S)-+(?!\S)|--+|[()]")


def _roman_value(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}[c] for c in numeral]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))


@functools.cache
def _roman_rules() -> tuple[re.Pattern[str], re.Pattern[str]]:
    numbered = re.compile(rf"\b((?i:{'|'.join(NUMBERED)})) ([IVXLC]+)\b")
    return numbered, re.compile(rf"\b({'|'.join(MONARCHS)}) ([IVX]+)\b(?!')")


def _expand_romans(text: str) -> str:
    numbered, monarch = _roman_rules()

    def read(match: re.Match[str], article: bool) -> str:
        if not ROMAN.fullmatch(match[2]):
            return match[0]
        value = str(_roman_value(match[2]))
        return f"{match[1]} the {ordinal(value)}" if article else f"{match[1]} {cardinal(value)}"

    text = numbered.sub(lambda m: read(m, False), text)
    return monarch.sub(lambda m: m[0] if m[2] == "I" else read(m, True), text)


def _short_form(match: re.Match[str]) -> str:
    word, rest = match[1], match.string[match.end() :]
    if word in AMBIGUOUS and not re.match(r"\s*[\d,a-z]", rest):
        return match[0]
    ends = not rest.strip() or re.match(r"\s+[\"']?[A-Z]", rest)
    return SHORT_FORMS[word] + ("." if ends else "")


@functools.cache
def _abbreviation_rules() -> list[Rule]:
    return [
        (re.compile(rf"\b({'|'.join(TITLES)})\.(?=\s*[A-Z])"), lambda m: TITLES[m[1]]),
        (re.compile(r"\b(Mr|Mrs|Ms|Dr)\b(?=\s+[A-Z])"), lambda m: TITLES[m[1]]),
        (re.compile(r"(?<=[a-z\d] )\bDr\."), lambda m: "drive"),
        (re.compile(r"(?:(?<=[a-z] )|(?<=st )|(?<=th ))St\.(?!\s+[A-Z][a-z]+'?s?\s+(?:Church|Street))"), _street),
        (re.compile(r"\bSt\.(?=\s*[A-Z])"), lambda m: "saint"),
        (re.compile(r"\bNo\.(?=\s*\d)"), lambda m: "number"),
        (re.compile(r"\bno\.(?=\s*\d)"), lambda m: "number"),
        (re.compile(r"\bpp?\.(?=\s*\d)"), lambda m: "pages" if m[0] == "pp." else "page"),
        (re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, DOTTED))})", re.IGNORECASE), lambda m: DOTTED[m[1].lower()]),
        (re.compile(rf"\b({'|'.join(SHORT_FORMS)})\."), _short_form),
    ]


def _street(match: re.Match[str]) -> str:
    rest = match.string[match.end() :]
    before = match.string[: match.start()].split()
    named = bool(before) and before[-1][:1].isupper()
    if not named:
        return "saint" if re.match(r"\s*[A-Z]", rest) else "street"
    return "street" + ("." if not rest.strip() else "")


def _clean(text: str) -> str:
    text = "".join(c for c in html.unescape(text) if unicodedata.category(c) != "Cf")
    for mark, plain in QUOTES.items():
        text = text.replace(mark, plain)
    text = re.sub(r"</?[A-Za-z][^<>\n]{0,80}>", " ", text.translate(DASHES))
    text = re.sub(r"([½¼¾⅓⅔⅛])", lambda m: " " + unicodedata.normalize("NFKC", m[1]), text)
    text = unicodedata.normalize("NFKD", text).translate(
        {0x00DF: "ss", 0x00E6: "ae", 0x0153: "oe", 0x00F8: "o", 0x0142: "l", 0x0141: "L"}
    )
    return "".join(c for c in text if not unicodedata.combining(c))


def _initials(text: str) -> str:
    text = re.sub(r"\b(?:[A-Za-z]\.){2,}", lambda m: " ".join(m[0].upper().replace(".", " ").split()) + _stop(m), text)
    return re.sub(r"\b([B-HJ-Z]|[AI](?=\. [A-Z]\.))\.(?=\s+[A-Z])", r"\1 ", text)


def _stop(match: re.Match[str]) -> str:
    return "." if re.match(r"\s*$|\s+[\"']?[A-Z][a-z]+\b", match.string[match.end() :]) else ""


def expand(text: str) -> str:
    """Return numbers, abbreviations, symbols and numerals written out; case and punctuation still there."""
    text = _clean(text)
    text = re.sub(r"\b(?:https?://)?(?:www\.)?([\w-]+(?:\.[\w-]+)*)\.(com|org|net|edu|gov)\b", _dotted, text)
    for pattern, reader in _abbreviation_rules():
        text = pattern.sub(reader, text)
    text = spell_numbers(_expand_romans(text))
    for sign, name in SYMBOLS.items():
        text = text.replace(sign, name)
    return re.sub(r"\s+", " ", _initials(text)).strip()


def _dotted(match: re.Match[str]) -> str:
    return f"{match[1]}.{match[2]}".replace(".", " dot ")


def _is_spelled(word: str, shouting: bool, known: frozenset[str]) -> bool:
    lower = word.lower()
    if len(word) < 2 or not word.isupper() or shouting or lower in SHOUTED | SAID_AS_WORDS:
        return False
    if len(word) <= 3:
        return True
    return len(word) <= 5 and lower not in known


def text_tokens(text: str, known: frozenset[str] = frozenset()) -> list[Token]:
    """Return spoken tokens of written text. ``known``: lower-case words that capitals do not turn into an acronym."""
    matches = WORD_OR_PAUSE.findall(expand(text))
    words = [w for w in matches if w[0].isalpha()]
    shouting = len(words) > 2 and sum(w.isupper() for w in words) > 0.6 * len(words)
    out: list[Token] = []
    for index, piece in enumerate(matches):
        if not (piece[0].isalpha() or (piece[0] == "'" and len(piece) > 1)):
            if out and out[-1].kind != "pause" and not _follows_initial(matches, index):
                out.append(Token(piece, "pause", _ends_sentence(matches, index)))
        elif len(piece) == 1 and piece.isupper() and (piece not in "AI" or _is_letter(matches, index)):
            out.append(Token(piece.lower(), "letter"))
        elif _is_spelled(piece, shouting, known):
            out.extend(Token(c, "letter") for c in piece.lower() if c.isalpha())
        elif (acronym := re.fullmatch(r"([A-Z]{2,})'?s", piece)) and _is_spelled(acronym[1], shouting, known):
            out.extend(Token(c, "letter") for c in acronym[1][:-1].lower())
            out.append(Token(acronym[1][-1].lower() + "'s", "letter"))
        else:
            out.append(Token(piece.lower()))
    return out


def _ends_sentence(pieces: list[str], index: int) -> bool:
    """Return whether a pause ends a sentence.

    A full stop that is left after ``expand`` does. After other marks the case of what follows decides ('"Who?" she
    asked', "well... no"); after a full stop it cannot, because numbers and titles are written out in lower case.
    """
    if pieces[index] == ".":
        return True
    following = next((piece for piece in pieces[index + 1 :] if piece[0].isalpha()), "A")
    return any(mark in pieces[index] for mark in ".?!") and following[0].isupper()


def _is_letter(pieces: list[str], index: int) -> bool:
    """Return whether a capital A or I is a letter and no word.

    It is beside another single capital ("A M", "B I G"), before a full stop ("A. Reed"), and within a sentence, unless
    what follows has a capital too ("Plan A is", but "Once Upon A Time").
    """
    before, after = (pieces[i] if 0 <= i < len(pieces) else "" for i in (index - 1, index + 1))
    if any(len(n) == 1 and n.isalpha() and n.isupper() and n not in "AI" for n in (before, after)):
        return True
    return pieces[index] == "A" and (after == "." or (before[:1].isalpha() and not after[:1].isupper()))


def _follows_initial(pieces: list[str], index: int) -> bool:
    """Return whether a full stop belongs to an initial: nobody pauses there, and no sentence ends.

    A sentence may end with a letter that an article stands before ("he got an A. Then"), or that nothing follows.
    """
    before, initial = pieces[index - 2] if index > 1 else "", pieces[index - 1] if index else ""
    after = pieces[index + 1] if index + 1 < len(pieces) else ""
    if pieces[index] != "." or len(initial) != 1 or not initial.isupper() or not after[:1].isalpha():
        return False
    return after[0].islower() or (initial == "A" and before.lower() not in ("a", "an", "the"))


def normalise_spoken(text: str) -> str:
    """Return the words as spoken, lower case, one space between, no punctuation: "Dr. Ames, 1984" -> "doctor ames
    nineteen eighty four".
    """
    return " ".join(t.text.strip("'") for t in text_tokens(text) if t.kind != "pause")
