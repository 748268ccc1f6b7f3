"""Keys of the adapter ``command``, and how its placeholders are filled (layer 2)."""

from __future__ import annotations

import difflib
import json
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field

from harness.backends.settings import Settings, read_settings, wrong
from harness.types import SeedPolicy, TokenLayout, Variant

PLACEHOLDERS = ("text", "text_json", "text_file", "output", "output_dir", "seed", "voice", "language", "model")
_TEXTS = ("text", "text_json", "text_file")
_BRACES = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
RAW = {"pcm_s16le": "PCM_16", "pcm_s24le": "PCM_24", "pcm_s32le": "PCM_32", "pcm_u8": "PCM_U8", "pcm_f32le": "FLOAT"}


class Tokens(Settings):
    """Geometry of the speech tokens that the program reports."""

    codebook_sizes: list[int] = Field(min_length=1)
    frame_seconds: float = Field(gt=0)
    cap: int | None = Field(default=None, ge=1)
    silent: list[int] = Field(default_factory=list)


class Telling(Protocol):
    """Settings that say how a log is read."""

    @property
    def log(self) -> Mapping[str, str | dict[str, str]]: ...

    @property
    def tokens(self) -> Tokens | None: ...


class ProgramSettings(Settings):
    """Keys that every adapter to a program has: how it is started, what it gives, what its log tells."""

    command: str | list[str]
    output_file: str | None = None  # for programs that always write to the same place
    format: Literal[
        "wav", "flac", "ogg", "mp3", "aiff", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le"
    ] = "wav"
    sample_rate: int | None = Field(default=None, ge=1000, le=384000)
    channels: int = Field(default=1, ge=1, le=64)
    cwd: str | None = None
    env: dict[str, str] = Field(default_factory=dict)
    values: dict[str, str | int | float] = Field(default_factory=dict)  # placeholders of one's own
    log: dict[str, str | dict[str, str]] = Field(default_factory=dict)
    fail_on: list[str] = Field(default_factory=list)
    tokens: Tokens | None = None
    version: list[str] | None = None
    model: str | None = None

    @property
    def arguments(self) -> list[str]:
        """The program and its arguments, placeholders not filled."""
        return self.command if isinstance(self.command, list) else shlex.split(self.command)

    @property
    def templates(self) -> list[str]:
        """Every text in which placeholders are filled."""
        return self.arguments

    @property
    def used(self) -> set[str]:
        """Names of the placeholders in use."""
        named = (match.group(2) for part in self.templates for match in _BRACES.finditer(part))
        return {name for name in named if name in self.names}

    @property
    def names(self) -> set[str]:
        """Names that may stand in braces."""
        return {*PLACEHOLDERS, *self.values}

    @property
    def layout(self) -> TokenLayout | None:
        known = self.tokens
        if known is None:
            return None
        return TokenLayout(tuple(known.codebook_sizes), known.frame_seconds, known.cap, tuple(known.silent))

    def folder(self, variant: Variant) -> Path:
        """Where the program runs: ``cwd``, else the folder of the variants file, else here."""
        base = Path(variant.source).absolute().parent if variant.source else Path.cwd()
        return base / self.cwd if self.cwd else base


class CommandSettings(ProgramSettings):
    """Keys of the adapter ``command``."""

    shell: bool = False
    stdin: str | None = None
    output: Literal["file", "stdout"] | None = None  # None: file if the command has a place for one

    @property
    def arguments(self) -> list[str]:
        """The program and its arguments, placeholders not filled; one shell line when ``shell`` is set."""
        if self.shell and isinstance(self.command, str):
            return [self.command]
        return super().arguments

    @property
    def templates(self) -> list[str]:
        """Arguments and standard input."""
        return [*self.arguments, self.stdin or ""]

    @property
    def from_stdout(self) -> bool:
        if self.output is not None:
            return self.output == "stdout"
        return not (self.output_file or self.used & {"output", "output_dir"})


def fill(template: str, values: Mapping[str, str], shell: bool = False) -> str:
    """Fill placeholders in one pass, so that braces in a text are never filled again; ``{{text}}`` gives ``{text}``.

    With ``shell``, values are quoted for it.
    """

    def one(match: re.Match[str]) -> str:
        if match.group(1):
            return f"{{{match.group(1)}}}" if match.group(1) in {*PLACEHOLDERS, *values} else match.group(0)
        value = values.get(match.group(2))
        if value is None:
            return match.group(0)
        return shlex.quote(value) if shell else value

    return _BRACES.sub(one, template)


def text_as_json(text: str) -> str:
    """A JSON string, quotes included, for programs that read JSON lines."""
    return json.dumps(text, ensure_ascii=False)


# --------------------------------------------------------------------------------------------------- checks
def check(variant: Variant) -> CommandSettings:
    """Return the settings. Raises ConfigError, one line naming the key, for whatever cannot work."""
    found = read_settings(CommandSettings, variant)
    if found.shell and isinstance(found.command, list):
        raise wrong(variant, "command", "with shell = true it must be one string")
    _check_command(found, variant, found.shell)
    check_placeholders(found, variant, {"command": found.arguments, "stdin": [found.stdin or ""]})
    if not found.used & set(_TEXTS):
        raise wrong(variant, "command", "the text never reaches the program: use {text} or {text_file}, or stdin")
    _check_output(found, variant)
    _check_rest(found, variant)
    return found


def check_program(found: ProgramSettings, variant: Variant) -> None:
    """Raise ConfigError for a program that is not there, and for keys of any program that cannot work."""
    _check_command(found, variant, False)
    _check_rest(found, variant)


def check_pattern(variant: Variant, key: str, pattern: str) -> None:
    """Raise ConfigError for what is no regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise wrong(variant, key, f"{pattern!r} is no regular expression: {error}") from None


def _check_rest(found: ProgramSettings, variant: Variant) -> None:
    if found.format in RAW and found.sample_rate is None:
        raise wrong(variant, "sample_rate", f"missing: raw audio ({found.format}) does not say its rate")
    for key, value in found.log.items():
        if isinstance(value, dict) and key != "finish_reason":
            raise wrong(variant, f"log.{key}", "must be one regular expression; only finish_reason may be a table")
    for key, pattern in _patterns(found):
        check_pattern(variant, key, pattern)
    if not found.folder(variant).is_dir():
        raise wrong(variant, "cwd", f"no folder {found.folder(variant)}")


def _check_command(found: ProgramSettings, variant: Variant, shell: bool) -> None:
    try:
        arguments = found.arguments
    except ValueError as error:
        raise wrong(variant, "command", f"cannot be split into arguments: {error}") from None
    if not arguments or not arguments[0].strip():
        raise wrong(variant, "command", "is empty")
    if shell:
        return
    program, folder = fill(arguments[0], _known(found, variant)), found.folder(variant)
    there = Path(folder / program) if "/" in program else None
    if there is not None and not there.is_file():
        raise wrong(variant, "command", f"no program {there}{_near(there)}")
    if shutil.which(str(there or program), path=found.env.get("PATH")) is None:
        problem = f"{there} is not executable" if there else f"no program {program!r} on PATH"
        raise wrong(variant, "command", problem)


def _known(found: ProgramSettings, variant: Variant) -> dict[str, str]:
    return {"model": found.model} if found.model is not None else {}


def _near(path: Path) -> str:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def check_placeholders(found: ProgramSettings, variant: Variant, templates: Mapping[str, list[str]]) -> None:
    """Raise ConfigError for placeholders that look mistaken, or that the variant has nothing for (key -> texts)."""
    for key, parts in templates.items():
        for name in (match.group(2) for part in parts for match in _BRACES.finditer(part)):
            close = difflib.get_close_matches(name or "", found.names, n=1, cutoff=0.7)
            if name and name not in found.names and close:
                hint = f"did you mean {{{close[0]}}}? Rename it if the braces are meant as they are"
                raise wrong(variant, key, f"unknown placeholder {{{name}}} ({hint})")
    for name in found.values:
        if name in PLACEHOLDERS or not name.isidentifier():
            raise wrong(variant, f"values.{name}", "cannot be the name of a placeholder of your own")
    needs = {"voice": variant.voice, "model": found.model}
    for name, value in needs.items():
        if name in found.used and value is None:
            raise wrong(variant, "command", f"uses {{{name}}}, but the variant has no {name}")
    if "seed" in found.used and variant.seed_policy is SeedPolicy.NONE:
        raise wrong(variant, "command", "uses {seed}, but the variant's seed_policy is 'none'")


def _check_output(found: CommandSettings, variant: Variant) -> None:
    has_place = bool(found.output_file or found.used & {"output", "output_dir"})
    if found.output == "file" and not has_place:
        raise wrong(
            variant, "output", "is 'file', but the command has no {output} or {output_dir}, nor is output_file set"
        )
    if found.output == "stdout" and has_place:
        raise wrong(variant, "output", "is 'stdout', but the command also names a place for a file")


def _patterns(found: ProgramSettings) -> Iterator[tuple[str, str]]:
    for key, value in found.log.items():
        for pattern in value.values() if isinstance(value, dict) else [value]:
            yield f"log.{key}", pattern
    for pattern in found.fail_on:
        yield "fail_on", pattern


# ---------------------------------------------------------------------------------------------- the log
def read_log(log: str, settings: Telling) -> dict[str, Any]:
    """Return what the ``log`` patterns find: the last match of each, numbers as numbers.

    A pattern with named groups fills a key a group; else its key gets the first group, or the whole match. A table
    for ``finish_reason`` gives the name of the pattern that matches last.
    """
    found: dict[str, Any] = {}
    for key, pattern in settings.log.items():
        if isinstance(pattern, dict):
            ends = [(match.end(), word) for word, each in pattern.items() for match in re.finditer(each, log, re.M)]
            if ends:
                found[key] = max(ends)[1]
            continue
        matches = list(re.finditer(pattern, log, re.M))
        if not matches:
            continue
        last = matches[-1]
        if last.re.groupindex:
            found |= {name: _number(text) for name, text in last.groupdict().items() if text is not None}
        else:
            found[key] = _number(last.group(1) if last.re.groups and last.group(1) is not None else last.group(0))
    return found


def _number(text: str) -> int | float | str:
    text = text.strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
