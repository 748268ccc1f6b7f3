"""Digits that name something and count nothing: telephones, cards, ISBN, serials, versions, addresses of machines.

They are read digit by digit, in pairs, in threes or in the groups they are written in, with or without what stands
between; a number that counts is read as one. The pauses of a reader show in no transcript, so the digits of an
identifier are compared one by one.
"""

from __future__ import annotations

import regex

from harness.text.scripts import SPACED_LETTER

DIGIT = "\ue003"
"""Before a token that is one digit of an identifier."""

_BETWEEN = r"[ \-./()]{1,2}"
_GROUPED = regex.compile(
    rf"(?<![\d.,:/$€£¥₹-]|{SPACED_LETTER})(?:\+\s?|\()?\d+(?:{_BETWEEN}\d+)+(?:-[xX])?(?![\d:%]|{SPACED_LETTER}|[.,/]\d|\s?[€$£%])"
)
_VERSION = regex.compile(r"(?i)(?<=\b(?:v|ver|version|versión|versione|versão|версия)\.?\s?)\d+(?:\.\d+)+(?![\d,])")
_BARE = regex.compile(
    rf"(?:(?<![\d.,:/-]|{SPACED_LETTER}|\d\s)(?:\+\d{{7,}}|0\d+|\d{{10,}})|(?<=[A-Za-z])0\d{{2,}})"
    rf"(?![\d:%]|{SPACED_LETTER}|[.,/-]\d|\s?[€$£%])"
)
_LEAST = 7  # digits of a telephone number
_LONG = (16, 12)  # groups, digits of one: what is longer is a table


def digits_apart(text: str, optional: str, group: str) -> str:
    """Return the text with every identifier in digits of their own, each behind ``DIGIT``.

    ``+``, hyphens, dots and strokes within one follow ``optional``: a voice may leave them out. ``group``: what parts
    thousands in the text's language.
    """

    def apart(match: regex.Match[str]) -> str:
        return _apart(match[0], optional) if _is_identifier(match[0], group) else match[0]

    def bare(match: regex.Match[str]) -> str:
        return match[0] if match[0].endswith("000000") else _apart(match[0], optional)

    text = _VERSION.sub(lambda m: _apart(m[0], optional), text)
    return str(_BARE.sub(bare, _GROUPED.sub(apart, text)))


def heard_digits(token: str, optional: str) -> list[str]:
    """Return a token of a transcript cut as the text's identifiers are, if it is a row of digits; else as it is."""
    if not regex.fullmatch(r"\+?\d{5,}|\+\d+|\d+(?:\.\d+){2,}|\d+\.\d+", token):
        return [token]
    return _apart(token, optional).split()


def _apart(match: str, optional: str) -> str:
    pieces = []
    for character in match:
        if character.isdigit():
            pieces.append(DIGIT + character)
        elif character in " +-./":
            pieces.append(optional + ("‐" if character in " -" else character))
        elif character.isalpha():
            pieces.append(character)
    return f" {' '.join(pieces)} "


def _is_identifier(written: str, group: str) -> bool:
    groups = regex.findall(r"\d+", written)
    total = sum(map(len, groups))
    if len(groups) > _LONG[0] or max(map(len, groups)) > _LONG[1]:
        return False
    if written[0] in "+(":
        return total >= _LEAST
    marks = set(regex.findall(r"[-./]", written))
    if marks == {"."}:
        return _is_dotted(groups, group)
    if _is_date(groups, marks) or _is_one_number(written, groups, group):
        return False
    if marks == {"-"} and " " not in written:
        return _is_hyphenated(groups, total)
    if "." in marks and " " not in written and len(groups) > 2:  # 6.1.0-18
        return True
    if len(groups) == 2:
        return total >= _LEAST and (groups[0][0] == "0" or [len(g) for g in groups] == [5, 5] or marks == {"/"})
    return total >= _LEAST


def _is_hyphenated(groups: list[str], total: int) -> bool:
    """Tell a telephone number from a range of numbers or years."""
    if len(groups) > 2:
        return total >= _LEAST
    lengths = [len(g) for g in groups]
    return groups[0][0] == "0" or lengths in ([3, 4], [5, 4])


def _is_dotted(groups: list[str], group: str) -> bool:
    if len(groups) < 3:
        return False
    if len(groups) == 4 and all(int(g) <= 255 for g in groups):  # the address of a machine
        return True
    grouped = group == "." and all(len(g) == 3 for g in groups[1:])
    return not grouped and not _is_date(groups, {"."})


def _is_date(groups: list[str], marks: set[str]) -> bool:
    if len(groups) != 3 or len(marks) != 1:
        return False
    year_first, year_last = len(groups[0]) == 4, len(groups[2]) in (2, 4)
    day, month = (groups[2], groups[1]) if year_first else (groups[0], groups[1])
    if not (year_first or (year_last and marks != {"."}) or (marks == {"."} and len(groups[2]) == 4)):
        return False
    low, high = sorted((int(day), int(month)))
    return max(len(day), len(month)) <= 2 and 1 <= low <= 12 and high <= 31


def _is_one_number(written: str, groups: list[str], group: str) -> bool:
    """Return whether the groups are thousands of one number; a space parts them in many languages."""
    between = set(regex.findall(r"\D", written))
    thousands = len(groups[0]) <= 3 and groups[0][0] != "0" and all(len(g) == 3 for g in groups[1:])
    return thousands and between <= {" ", group}
