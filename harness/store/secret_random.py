"""Secrets that only look drawn by lot: tokens of services that no list of shapes names yet.

A key of base 62 changes between capitals, small letters and digits at 6 of 10 steps; a name in camel case, a mangled
symbol or a path at 2 or 3. Digests of files and ids of requests are of hexadecimal digits and stay readable, unless a
prefix such as ``squ_`` makes a token of them.
"""

from __future__ import annotations

import re
from itertools import pairwise

_DIGEST = r"sha(?:256|384|512)-[A-Za-z0-9+/]{40,}={0,2}"  # of a script on a page: no secret
_BASE64 = re.compile(rf"{_DIGEST}|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{{40,}}={{0,2}}(?![A-Za-z0-9_-])")
_OF_A_PATH = re.compile(r"[a-z]{5,}|[0-9a-f]{16,}|[A-Z][a-z]{4,}")
_WORD = re.compile(
    rf"{_DIGEST}|(?<![A-Za-z0-9_~-])[A-Za-z0-9_~-](?:[A-Za-z0-9_~-]|\.(?=[A-Za-z0-9])){{18,}}[A-Za-z0-9_~-]={{0,2}}"
)
_OF_A_PAGE = re.compile(_DIGEST)
_RUN = re.compile(r"[A-Za-z0-9]+")
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9]{0,11})[_-](?:[A-Za-z0-9]{2,8}[_-]){0,2}([a-z0-9]{20,}|[A-Z0-9]{20,})(?![a-z])"
)
# What stands before a digest, an id or a version, and makes no secret of it; what makes one even of a digest.
_OF_NO_SECRET = re.compile(
    r"(?i)(?:sha\d*|md5|crc\d*|blake\w*|xxh\w*|commit|blob|rev|git|g|hash|digest|etag|id|uuid|guid|urn|req|request"
    r"|trace|span|tmp|temp|file|model|layer|image|run|job|snapshot|index|version|v\d*|build|cache|lock|x86|cp\d+|py\d*)"
)
_OF_A_SECRET = re.compile(
    r"(?:sq[aup]|bk(?:ua|ct|aj)|sbp|e2b|pul|pnu|fc|lob|live|test|prod|pubkey|privkey|lsv2|ccipat|nfp|nrjs|nrak|tok(?:en)?"
    r"|key|api|apikey|secret|auth|access|sec|snyk|ghs|ops|pat|fig|vca?p|uc|cf|dd|flwpubk|flwseck(?:_test)?|wandb|hcaik)",
    re.IGNORECASE,
)
_HEXADECIMAL = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_RATIO_OF_THREE = 0.4  # of steps between neighbours that change their class, where all three classes are there
_RATIO_OF_PIECES = 0.5
_RATIO_OF_TWO = 0.25
_SHORTEST = 20
_SHORTEST_PIECE = 14  # of a key that an underscore or a dash cuts
_SHORTEST_PLAIN = 36  # of small letters and digits without a prefix; names in the store of Nix have 32


def redact_random(text: str, mark: str) -> str:
    """Return ``text`` with every token replaced that looks drawn by lot."""
    text = _BASE64.sub(lambda match: mark if _base64(match.group()) else match.group(), text)
    return _WORD.sub(lambda match: mark if _drawn(match.group()) else match.group(), text)


def _base64(word: str) -> bool:
    if _OF_A_PAGE.fullmatch(word):
        return False
    return _of_three(word) and not any(_OF_A_PATH.fullmatch(piece) for piece in word.split("/"))


def _drawn(word: str) -> bool:
    if word.startswith(("_Z", "__Z", "0x", "0X")) or _OF_A_PAGE.fullmatch(word):  # a symbol of C++, a number
        return False
    runs = _RUN.findall(word)
    if any(_of_three(run) for run in runs if len(run) >= _SHORTEST):
        return True
    if any(_of_three(run, _RATIO_OF_PIECES) for run in runs if len(runs) > 1 and len(run) >= _SHORTEST_PIECE):
        return True
    if any(len(run) >= _SHORTEST_PLAIN and not _HEXADECIMAL.fullmatch(run) and _of_two(run) for run in runs):
        return True
    return any(_prefix_of_a_secret(match[1], match[2]) for match in _PREFIXED.finditer(word))


def _prefix_of_a_secret(prefix: str, rest: str) -> bool:
    if _HEXADECIMAL.fullmatch(rest) and not _OF_A_SECRET.fullmatch(prefix):
        return False
    return not _OF_NO_SECRET.fullmatch(prefix) and _of_two(rest)


def _of_three(run: str, ratio: float = _RATIO_OF_THREE) -> bool:
    """Capitals, small letters and digits, changing as only lots do."""
    classes = [_class(sign) for sign in run]
    return {0, 1, 2} <= set(classes) and _changes(classes) >= ratio


def _of_two(run: str) -> bool:
    """Letters of one case and digits, many of each."""
    classes = [_class(sign) for sign in run]
    digits = sum(sign == 2 for sign in classes)
    return 3 <= digits <= len(run) - 3 and _changes(classes) >= _RATIO_OF_TWO


def _changes(classes: list[int]) -> float:
    return sum(a != b for a, b in pairwise(classes)) / max(1, len(classes) - 1)


def _class(sign: str) -> int:
    return 0 if sign.isupper() else 1 if sign.islower() else 2 if sign.isdigit() else 3
