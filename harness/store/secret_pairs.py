"""Secrets that stand behind a name: in code, JSON, YAML, TOML, shells, XML, logs, one within the other."""

from __future__ import annotations

import re

from harness.store.secret_names import certain, looks_secret, words_of_key
from harness.store.secret_shapes import MARK

_HINTS = (
    "key|token|secret|pass|pwd|cred|auth|cookie|webhook|pin|sig|dsn|otp|mnemonic|psk|phrase|sess|sid|recovery|backup"
    "|_pat|subscription|code|pw|crumb|licen|serial|certif"
)
# name=value, name: value, name => value, ("name", "value"), --name value, <name>value, a cell of a table; the name may
# be quoted, also within JSON within JSON. Only names that could be secret match, so that "error: password=x" is seen at
# the password.
_CELL = r"[*_]{0,2}[ \t]{0,8}\|[ \t]{0,8}|:?(?:\*\*|__):?\s{0,4}|:?</\w{1,9}>:?\s{0,4}(?:<\w{1,9}[^<>]{0,40}>)?"
_SIGN = (
    r"(?:\\*[\"'`\]]|&quot;|&#3[49];|\\u002[27]|%2[27]){0,2}\s{0,8}(?:\([\w -]{1,12}\)\s?)?"
    r"(?::=|[-=]>|[:=\uff1a\uff1d\u2192\u21d2]>?|%3[ADad])(?:\s{0,8}|\+)"
)
_NAME = re.compile(
    rf"(?<![A-Za-z0-9_])(?P<dash>--?)?(?P<name>(?=[A-Za-z0-9_.-]{{0,60}}(?i:{_HINTS}))[A-Za-z_][A-Za-z0-9_.-]{{1,60}})"
    rf"(?:(?P<cell>{_CELL})|(?P<sep>{_SIGN})|(?P<pair>\\*[\"']\s{{0,3}},\s{{0,3}}(?=b?\\*[\"']))|(?P<tag>>)"
    r"|(?P<space>[ \t]{1,3}(?:\.[ \t])?)|(?P<call>\())"
)
_PHRASE = re.compile(
    r"(?i)\b(?:api|access|secret|auth|client|private|bearer|refresh)[ ](?:key|token|secret)"
    r"[\"']?\s{0,3}(?:is|was|[:=])\s{1,3}"
    r"|\b(?:pass(?:word|phrase|wd|code)|passcode)\s+(?:is|was)\s*[:=]?\s+(?!(?:not|in|wrong|incorrect|invalid|required"
    r"|missing|empty|expired|too|set|unset|correct|being|no|a|the)\b)"
    r"|\b(?:recovery|backup|verification|one[- ]time) codes?\s{0,2}[:=]\s{0,3}"
    r"|\b(?:seed|recovery|pass)[ _]phrase\s{0,2}[:=]\s{0,3}"
)
_ABROAD_WORDS = (
    *("mot de passe", "mots de passe", "contraseña", "contrasena", "senha", "kennwort", "wachtwoord", "lösenord"),
    *("parola", "adgangskode", "salasana", "jelszó", "hasło", "heslo", "şifre", "парол", "токен", "clave", "chiave"),
    *("clé d'api", "clé api", "clé secrète", "schlüssel", "密码", "密碼", "口令", "密钥", "密鑰", "令牌", "パスワード"),
    *("暗証番号", "비밀번호", "كلمة المرور", "كلمة السر", "סיסמה", "पासवर्ड"),
)
_ABROAD = re.compile(
    rf"(?i)(?:{'|'.join(map(re.escape, _ABROAD_WORDS))})\w{{0,3}}[\"']?"
    r"\s{0,3}(?:[:=\uff1a\uff1d\u2192]|\b(?:ist|est|es)\b)\s{0,3}"
)
# "name": "API_KEY", "value": "..." of environments and headers, in either order, in JSON as in YAML.
_KEY = r"\\*[\"']?\b(?:name|key|variable|header|field)\b\\*[\"']?\s{0,3}[:=]\s{0,3}\\*[\"']?(?P<named>[\w.-]{2,60})"
_VALUE = r"\\*[\"']?\b(?:value|val|content)\b\\*[\"']?\s{0,3}[:=]\s{0,3}"
_BETWEEN = r"\\*[\"']?[\s,;]{1,12}"
_FIELD_OF_NAME = re.compile(rf"(?i){_KEY}{_BETWEEN}{_VALUE}")
_FIELD_OF_VALUE = re.compile(rf"(?i){_VALUE}\\*[\"']?(?P<given>[^\s\"'\\]{{4,}}){_BETWEEN}{_KEY}")
_COMMAND = re.compile(
    r"(?i)\b(?:export|setenv|env|arg|set\s+-\w+)\s+(?=[A-Za-z0-9_]*(?:key|token|secret|pass|pwd|cred|auth))(\w{2,60})\s+(?=[^\s=])"
)
_QUOTE = re.compile(r"[bruf$]{0,2}(\\*(?:\"\"\"|'''|\"|'|`)|&quot;|&#3[49];|\\u002[27]|%2[27])")
# Behind a name and a blank, in prose as in a configuration, only what no word looks like.
_UNLIKE_A_WORD = re.compile(r"(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[0-9])[A-Za-z0-9_+/=!@#$%^&*~-]{8,}")
_KEY_LIKE = re.compile(r"(?=\S*[A-Za-z])(?=\S*[0-9])[A-Za-z0-9_+/=-]{16,}")
_BLOCK = re.compile(r"[|>][+-]?\d?[^\S\n]*\n(?:[^\S\n]+[^\n]*(?:\n|\Z))+")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")
_NEXT_PAIR = re.compile(r"[;,&|]\s{0,2}\\*[\"']?[A-Za-z_][\w .-]{0,40}\\*[\"']?\s?[:=]")
_KEY_OF_NEXT = re.compile(r"b?(\\*[\"'])[^\"'\\]*\1\s{0,3}:")
_HEADERS = frozenset({"authorization", "cookie"})  # their values hold name=value themselves
_NOTHING = frozenset(
    {"none", "null", "true", "false", "yes", "no", "nil", "undefined", "value", "string", "~", "{}", "[]", "''", '""'}
)


def redact_named(text: str) -> str:
    """Return ``text`` with the values behind secret-looking names replaced."""
    lower = text.lower()
    hinted = any(hint in lower for hint in _HINTS.split("|"))
    abroad = [*_ABROAD.finditer(text)] if any(word in lower for word in _ABROAD_WORDS) else []
    if not hinted and not abroad:
        return text
    done: list[str] = []
    start = 0
    matches = [*_FIELD_OF_NAME.finditer(text), *_FIELD_OF_VALUE.finditer(text)]
    matches += [*_NAME.finditer(text), *_PHRASE.finditer(text), *_COMMAND.finditer(text), *abroad]
    for match in sorted(matches, key=lambda found: found.start()):
        if match.end() < start or match.start() < start:
            continue
        begin, end = _value(text, match)
        if end > begin:
            done += [text[start:begin], MARK]
            start = end
    return "".join([*done, text[start:]])


def _value(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Where the secret behind a name begins and ends; nothing where there is none."""
    place = match.end()
    if match.re is _FIELD_OF_VALUE:
        return match.span("given") if looks_secret(match["named"], match["given"]) else (place, place)
    named = match.re is _NAME
    name = match["name"] if named else ""
    # "--api-key VALUE" and "api_key=VALUE" are secrets; "the key difference" is prose.
    if named and match["space"] and not match["dash"] and not _behind_a_blank(text, place, name):
        return place, place
    if named and match["call"] and not certain(name):
        return place, place
    if named and match["tag"]:
        end = text.find("<", place)
        return (place, end) if end > place and looks_secret(name, text[place:end]) else (place, place)
    if named and match["pair"] and _KEY_OF_NEXT.match(text, place):  # "API_KEY", "value": ...
        return place, place
    header = not _HEADERS.isdisjoint(words_of_key(name))
    begin, end = _extent(text, place, _to_end_of_line(match, name), header)
    value = text[begin:end]
    if not value.strip() or value.startswith(MARK) or value.strip().lower() in _NOTHING or set(value) <= set("*.x "):
        return place, place
    if match.re is _FIELD_OF_NAME:
        return (begin, end) if looks_secret(match["named"], value.strip("'\" ,}")) else (place, place)
    if named and not looks_secret(name, value.strip("[]{}()'\" ")):
        return place, place
    if named and not certain(name) and len(value) < 4:
        return place, place
    return begin, end


def _behind_a_blank(text: str, place: int, name: str) -> bool:
    """``password "x y"``, ``requirepass Xy12...``: a value without a sign between."""
    if certain(name) and _QUOTE.match(text, place) is not None:
        return True
    word = _WORD.match(text, place)
    if word is None:
        return False
    shapes = (_UNLIKE_A_WORD, _KEY_LIKE) if name.isupper() else (_UNLIKE_A_WORD,)
    return any(shape.fullmatch(word.group()) for shape in shapes) and looks_secret(name.upper())


def _to_end_of_line(match: re.Match[str], name: str) -> bool:
    """Return whether a secret goes on to the end of its line, as a passphrase in YAML, which may hold blanks."""
    return match.re is _NAME and bool(match["sep"]) and match["sep"][-1:].isspace() and certain(name)


def _extent(text: str, place: int, to_end_of_line: bool, header: bool) -> tuple[int, int]:
    quoted = _QUOTE.match(text, place)
    if quoted is not None:
        mark = quoted[1]
        end = quoted.end()
        while (end := text.find(mark, end)) >= 0 and text[end - 1] == "\\" and not mark.startswith("\\"):
            end += 1
        return quoted.end(), end if end >= 0 else len(text)
    block = _BLOCK.match(text, place)
    if block is not None:
        return block.start(), block.end()
    if text[place : place + 1] in ("[", "{", "("):
        closing = text.find({"[": "]", "{": "}", "(": ")"}[text[place]], place)
        line = text.find("\n", place)
        ends = [end for end in (closing + 1, line) if end > 0]
        return place, min(ends, default=len(text))
    if to_end_of_line:
        line = text.find("\n", place)
        end = line if line >= 0 else len(text)
    else:
        word = _WORD.match(text, place)
        end = word.end() if word is not None else place
    following = _NEXT_PAIR.search(text, place, end) if not header else None
    if following is not None:
        end = following.start()
    while not to_end_of_line and end > place + 1 and text[end - 1] in "\"'`)]}>,;":
        end -= 1
    return place, end
