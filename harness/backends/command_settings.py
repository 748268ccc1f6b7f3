"""Keys of the adapter ``command``, and how its placeholders are filled."""

from __future__ import annotations

import difflib
import json
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from harness.backends.outside import OutsideSettings, check_outside, on_path
from harness.backends.settings import read_settings, wrong
from harness.core.records import Request, SeedPolicy, Variant

PLACEHOLDERS = ("text", "text_json", "text_file", "output", "output_dir", "seed", "voice", "language", "model")
_TEXTS = ("text", "text_json", "text_file")
_BRACES = re.compile(r"\{\{(\w+)\}\}|\{(\w+)\}")
RAW = {"pcm_s16le": "PCM_16", "pcm_s24le": "PCM_24", "pcm_s32le": "PCM_32", "pcm_u8": "PCM_U8", "pcm_f32le": "FLOAT"}


class ProgramSettings(OutsideSettings):
    """Keys that every adapter to a program has: how it is started, what it gives, what its log tells."""

    command: str | list[str]
    output_file: str | None = None  # for programs that always write to the same place
    format: Literal[
        "wav", "flac", "ogg", "mp3", "aiff", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le"
    ] = "wav"
    sample_rate: int | None = Field(default=None, ge=1000, le=384000)
    channels: int = Field(default=1, ge=1, le=64)
    values: dict[str, str | int | float] = Field(default_factory=dict)  # placeholders of one's own
    version: list[str] | None = None

    @property
    def arguments(self) -> list[str]:
        """Return the program and its arguments, placeholders not filled."""
        return self.command if isinstance(self.command, list) else shlex.split(self.command)

    @property
    def templates(self) -> list[str]:
        """Return every text in which placeholders are filled."""
        return self.arguments

    @property
    def used(self) -> set[str]:
        """Return names of the placeholders in use."""
        named = (match.group(2) for part in self.templates for match in _BRACES.finditer(part))
        return {name for name in named if name in self.names}

    @property
    def names(self) -> set[str]:
        """Return names that may stand in braces."""
        return {*PLACEHOLDERS, *self.values}

    def inputs(self, variant: Variant) -> list[Path]:
        """Return the program, and what its arguments name once their placeholders are filled."""
        given = {**_known(self, variant), **{name: str(value) for name, value in self.values.items()}}
        words = [word for part in self.arguments for word in _words(fill(part, given))]
        folder = self.folder(variant)
        programs = [path for word in words for path in on_path(word, folder, self.env)]
        return [*programs, *(folder / word for word in words if _is_file(folder / word))]


def _words(text: str) -> list[str]:
    """Return the text, and the words that a shell would make of it."""
    try:
        return [text, *(word.strip(";&|()") for word in shlex.split(text))]
    except ValueError:
        return [text]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


class CommandSettings(ProgramSettings):
    """Keys of the adapter ``command``."""

    shell: bool = False
    stdin: str | None = None
    output: Literal["file", "stdout"] | None = None  # None: file if the command has a place for one

    @property
    def arguments(self) -> list[str]:
        """Return the program and its arguments, placeholders not filled; one shell line when ``shell`` is set."""
        if self.shell and isinstance(self.command, str):
            return [self.command]
        return super().arguments

    @property
    def templates(self) -> list[str]:
        """Return arguments and standard input."""
        return [*self.arguments, self.stdin or ""]

    @property
    def from_stdout(self) -> bool:
        if self.output is not None:
            return self.output == "stdout"
        return not (self.output_file or self.used & {"output", "output_dir"})


def values_of(request: Request) -> dict[str, str]:
    """Return what a request gives to placeholders; voice and seed only where it has them."""
    given = {
        "text": request.text,
        "text_json": text_as_json(request.text),
        "language": request.language,
        "voice": request.voice,
        "seed": str(request.seed) if request.seed is not None else None,
    }
    return {name: value for name, value in given.items() if value is not None}


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
    """Return a JSON string, quotes included, for programs that read JSON lines."""
    return json.dumps(text, ensure_ascii=False)


# --------------------------------------------------------------------------------------------------- checks
def check_command_settings(variant: Variant) -> CommandSettings:
    """Return the settings. Raises ConfigError, one line naming the key, for whatever cannot work."""
    settings = read_settings(CommandSettings, variant)
    if settings.shell and isinstance(settings.command, list):
        raise wrong(variant, "command", "with shell = true it must be one string")
    _check_command(settings, variant, settings.shell)
    check_placeholders(settings, variant, {"command": settings.arguments, "stdin": [settings.stdin or ""]})
    if not settings.used & set(_TEXTS):
        raise wrong(variant, "command", "the text never reaches the program: use {text} or {text_file}, or stdin")
    _check_output(settings, variant)
    _check_rest(settings, variant)
    return settings


def check_program(found: ProgramSettings, variant: Variant) -> None:
    """Raise ConfigError for a program that is not there, and for keys of any program that cannot work."""
    _check_command(found, variant, False)
    _check_rest(found, variant)


def _check_rest(found: ProgramSettings, variant: Variant) -> None:
    if found.format in RAW and found.sample_rate is None:
        raise wrong(variant, "sample_rate", f"missing: raw audio ({found.format}) does not say its rate")
    check_outside(found, variant)


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
    path = shutil.which(str(there or program), path=found.env.get("PATH"))
    if path is None:
        problem = f"{there} is not executable" if there else f"no program {program!r} on PATH"
        raise wrong(variant, "command", problem)
    problem = _cannot_start(Path(path))
    if problem:
        raise wrong(variant, "command", f"{path} cannot be started: {problem}")


def _cannot_start(path: Path) -> str:
    """Why the system would not start a text file as a program; empty for one that it may, and for what is no text."""
    try:
        with path.open("rb") as file:
            head = file.read(256)
    except OSError:  # may be executed and not read
        return ""
    if not head:
        return "it is empty"
    if not head.startswith(b"#!"):
        text = b"\0" not in head and head.isascii()
        return "it is a text without a first line such as #!/bin/sh" if text else ""
    named = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    if named and not Path(named[0]).exists():
        return f"its first line names {named[0]!r}, which is not there"
    return "" if named else "its first line names no program"


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
