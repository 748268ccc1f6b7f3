"""Marks in a text that steer a voice and are not spoken: SSML, pause marks, sound tags, Markdown, entities."""

from __future__ import annotations

import html
import re

# A tag begins with a letter, a slash or a declaration right after the bracket: "3 < 5 and 7 > 2" holds none. Right
# behind a letter it is one only with attributes, closed later, or known: "x<y and y>z" and "vector<int>" hold none.
_KNOWN = (
    "a|abbr|audio|b|blockquote|br|break|code|del|desc|div|em|emphasis|h[1-6]|hr|i|img|ins|kbd|li|lang|lexicon|mark|meta"
    "|metadata|ol|p|phoneme|pre|prosody|q|s|say-as|small|speak|span|strong|sub|sup|token|tt|u|ul|voice|w|wbr"
)
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))+"""
_TAG = re.compile(
    r"<!--.*?-->|<#\d[\d.]*#>|<\|[^<>|]*\|>|<[!?][A-Za-z][^<>]*>|</[A-Za-z][^<>]*>"
    rf"|<[A-Za-z][\w:.-]*(?:{_ATTRIBUTES})\s*/?>|<(?:{_KNOWN})\s*/?>|<(?P<name>[A-Za-z][\w:.-]*)\s*>(?=.*?</(?P=name)\s*>)"
    r"|(?<![\w)])<[A-Za-z](?![^<>]*(?:://|@))[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_ADDRESS = re.compile(r"<((?:[a-z]+://|mailto:)?[^\s<>]+[.@][^\s<>]+)>", re.IGNORECASE)
_UNSPOKEN_ELEMENT = re.compile(r"<(desc|metadata|lexicon|meta|title)\b[^<>/]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_SUBSTITUTE = re.compile(r"""<sub\b[^<>]*?\balias\s*=\s*(["'])(.*?)\1[^<>]*>.*?</sub\s*>""", re.DOTALL | re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_MARKDOWN = re.compile(r"(?<!\w)(\*\*|__|\*|_|~~|`)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_LINK = re.compile(r"\[([^\[\]]+)\]\((?:https?:|/|#)[^()\s]*\)")

_SOUNDS = (
    "laugh|laughs|laughing|laughter|chuckle|chuckles|giggle|giggles|sigh|sighs|sighing|gasp|gasps|cough|coughs|breath|"
    "breathes|breathing|inhale|inhales|exhale|exhales|sniff|sniffs|groan|groans|yawn|yawns|sneeze|sneezes|cry|cries|"
    "crying|sob|sobs|scream|screams|shout|shouts|whisper|whispers|whispering|hum|hums|humming|sing|sings|singing|"
    "whistle|whistles|clears throat|throat clearing|lip smack|tsk|mumbles|music|applause|beep|noise|silence|"
    "pause|uv_break|lbreak|oral_\\d|laugh_\\d|break_\\d"
)
_SOUND = re.compile(rf"\[\s*(?:{_SOUNDS})\s*\]|\(\s*(?:{_SOUNDS})\s*\)|\[S\d+\]", re.IGNORECASE)
_COMMAND = re.compile(r"\[\s*[A-Za-z_]+\s*[:=][^\[\]]*\]|\[\s*/?\s*pause\s*[^\[\]]*\]", re.IGNORECASE)
_BRACKETED = re.compile(r"\[[^\[\]]*\]")

_DURATION = r"(?P<value>\d+(?:[.,]\d+)?)\s*(?P<unit>ms|milliseconds?|s|sec|secs|seconds?)"
_IN_BRACKETS = rf"(?:{_DURATION.replace('value', 'value2').replace('unit', 'unit2')})?"
_TIMED_PAUSE = re.compile(
    rf"<(?:break|pause|silence)\b[^<>]*?{_DURATION}\b[^<>]*>"
    rf"|[\[(]\s*(?:pause|break|silence)\b[\s:=]*{_IN_BRACKETS}\s*[\])]",
    re.IGNORECASE,
)
_HASHED = re.compile(r"<#(\d+(?:\.\d+)?)#>")
_STRENGTH = re.compile(r"""<break\b(?:\s+strength\s*=\s*["']?(?P<word>[a-z-]+)["']?)?\s*/?>""", re.IGNORECASE)
# Seconds that a strength may take; the recommendation for SSML leaves them to the voice.
STRENGTHS = {"none": 0.0, "x-weak": 0.3, "weak": 0.5, "medium": 1.0, "strong": 1.5, "x-strong": 2.0}
_UNTIMED = 1.0  # s, a pause mark that names no time
_ELLIPSIS = re.compile(r"(?:\.\s?){3,}|…+|。{2,}")
_ELLIPSIS_SECONDS = 1.0


def without_markup(text: str) -> str:
    """Return ``text`` without tags, commands and sounds in brackets, and with the words of what SSML substitutes.

    Other words in square brackets stay, brackets and all.
    """
    text = _SUBSTITUTE.sub(lambda m: f" {m[2]} ", _UNSPOKEN_ELEMENT.sub(" ", text))
    text = _COMMAND.sub(" ", _SOUND.sub(" ", _LINK.sub(r"\1", _ADDRESS.sub(r" \1 ", _TAG.sub(" ", text)))))
    return _MARKDOWN.sub(r"\2", _ENTITY.sub(lambda m: html.unescape(m[0]), text))


def mark_spans(text: str) -> list[tuple[int, int]]:
    """Return start and end (characters, in order, none within another) of tags, sounds and commands in a text."""
    spans: list[tuple[int, int]] = []
    matches = [match.span() for pattern in (_TAG, _SOUND, _COMMAND) for match in pattern.finditer(text)]
    for start, end in sorted(matches, key=lambda span: (span[0], -span[1])):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    return spans


def spoken_text(text: str) -> str:
    """Return ``text`` without tags (``<whisper>``, ``[laughs]``), with what stands in parentheses kept.

    Whisper's normalisers drop parentheses together with their content. A voice reads that content aloud, so that
    dropping it on the reference's side alone would count healthy words as insertions.
    """
    return re.sub(r"[()（）]", " ", _BRACKETED.sub(" ", without_markup(text)))


def marked_text(text: str, mark: str) -> str:
    """Return the spoken text with ``mark`` before each word in square brackets, which a voice may read or leave out."""

    def inside(match: re.Match[str]) -> str:
        words = re.findall(r"\w+", match[0])
        return f" {' '.join(mark + word for word in words)} "

    return re.sub(r"[()（）]", " ", _BRACKETED.sub(inside, without_markup(text)))


def asked_pauses(text: str) -> list[float]:
    """Return the pauses that a text asks for, in seconds and in order (``<break time="3s"/>``, ``[pause:1000ms]``).

    Strengths of SSML, marks without a time, and ellipses count as what a patient voice makes of them.
    """
    pauses: list[tuple[int, float]] = []
    for match in _TIMED_PAUSE.finditer(text):
        value, unit = match["value"] or match["value2"], match["unit"] or match["unit2"]
        pauses.append((match.start(), _seconds(value, unit) if value else _UNTIMED))
    for match in _STRENGTH.finditer(text):
        pauses.append((match.start(), STRENGTHS.get((match["word"] or "medium").lower(), _UNTIMED)))
    pauses += [(match.start(), float(match[1])) for match in _HASHED.finditer(text)]
    plain = _TAG.sub(lambda m: " " * len(m[0]), text)
    pauses += [(match.start(), _ELLIPSIS_SECONDS) for match in _ELLIPSIS.finditer(plain)]
    return [seconds for _, seconds in sorted(pauses) if seconds > 0]


def _seconds(value: str, unit: str) -> float:
    number = float(value.replace(",", "."))
    return number / 1000 if unit.lower().startswith("m") else number
