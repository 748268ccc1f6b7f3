"""The interactive adapter: one living program that reads requests line by line, so that its state can be tested."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import Field

from harness.backends.base import BackendRefused, ProgramDied
from harness.backends.command import clear, details, take_file
from harness.backends.command_settings import (
    ProgramSettings,
    check_placeholders,
    check_program,
    fill,
    values_of,
)
from harness.backends.conversation import Conversation
from harness.backends.log import read_log_line, refuse_if_said
from harness.backends.outside import OutsideAdapter, check_pattern
from harness.backends.process import ending
from harness.backends.settings import read_settings, wrong
from harness.core.records import Capabilities, Request, SeedPolicy, Synthesis, Variant

FAREWELL = 2.0  # s for the program to end by itself
_LINE_ENDS = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


class InteractiveSettings(ProgramSettings):
    """Keys of the adapter ``interactive``. Lines are templates; one line end is added to each."""

    say: list[str] = Field(min_length=1)  # what is written for a chunk; the last line starts the synthesis
    done: str  # in what is printed once the chunk's speech is there
    prompt: str | None = None  # printed whenever the program can read a line
    failed: list[str] = Field(default_factory=list)  # printed instead of ``done``
    setup: list[str] = Field(default_factory=list)  # once, after the start
    save: list[str] = Field(default_factory=list)  # after ``done``, to have the audio written
    saved: str | None = None  # printed once it is written; None: the prompt
    reset: list[str] = Field(default_factory=list)  # clears the program's state
    leave: list[str] = Field(default_factory=list)  # ends it
    terminal: bool = False  # its output goes to a pseudo-terminal: for programs that hold back what goes to a pipe

    @property
    def templates(self) -> list[str]:
        """Return arguments and all lines."""
        return [*self.arguments, *self.setup, *self.say, *self.save, *self.reset, *self.leave]


def check_interactive_settings(variant: Variant) -> InteractiveSettings:
    """Return the settings. Raises ConfigError, one line naming the key, for whatever cannot work."""
    settings = read_settings(InteractiveSettings, variant)
    check_program(settings, variant)
    lines = {
        "setup": settings.setup,
        "say": settings.say,
        "save": settings.save,
        "reset": settings.reset,
        "leave": settings.leave,
    }
    check_placeholders(settings, variant, {"command": settings.arguments, **lines})
    single = (("done", settings.done), ("prompt", settings.prompt), ("saved", settings.saved))
    for key, pattern in (*single, *(("failed", each) for each in settings.failed)):
        if pattern is not None:
            check_pattern(variant, key, pattern)
    said = " ".join(settings.say)
    if not any(f"{{{name}}}" in said for name in ("text", "text_json", "text_file")):
        raise wrong(variant, "say", "the text never reaches the program: use {text}, {text_json} or {text_file}")
    if settings.save and settings.saved is None and settings.prompt is None:
        raise wrong(variant, "saved", "missing: without it, or prompt, nobody knows when the audio is written")
    if not settings.output_file and not settings.used & {"output", "output_dir"}:
        raise wrong(
            variant, "save", "no place for the audio: use {output} in say or save, or {output_dir}, or output_file"
        )
    return settings


class InteractiveBackend(OutsideAdapter[InteractiveSettings]):
    """A program that is started once and then asked chunk by chunk over its standard input."""

    KIND, CHECK = InteractiveSettings, staticmethod(check_interactive_settings)

    def __init__(self) -> None:
        super().__init__()
        self._talk: Conversation | None = None

    def load(self, variant: Variant) -> Capabilities:
        """Start the program, await its prompt, write the lines of ``setup``. Raises ProgramDied, BackendRefused."""
        settings = self._begin(variant)
        values = {**self._known(settings), "seed": str(variant.seed)}
        try:
            self._talk = Conversation(
                [fill(part, values) for part in settings.arguments],
                cwd=settings.folder(variant),
                env=settings.env,
                terminal=settings.terminal,
            )
        except OSError as error:
            raise BackendRefused(f"cannot start {settings.arguments[0]!r}: {error.strerror or error}") from None
        self._await_prompt(settings, _silently)
        refuse_if_said(self._talk.heard(), settings.fail_on, Synthesis())
        for line in settings.setup:
            self._line(fill(line, values), settings, _silently)
        return self._capable(
            settings,
            seeded="seed" in settings.used and variant.seed_policy is not SeedPolicy.NONE,
            resets=bool(settings.reset),
            details=details(settings, settings.folder(variant)),
        )

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Write the chunk's lines and wait for its audio. Raises ProgramDied, BackendRefused or NoAudio."""
        assert self._variant is not None and self._talk is not None
        settings = self._settings(request.overrides)
        output = clear(self._scratch, settings)
        values, joined = self._filled(settings, request, output)
        self._talk.forget()
        *before, last = settings.say
        for line in before:
            self._line(fill(line, values), settings, progress)
        self._write(fill(last, values))
        self._await([settings.done, *settings.failed], settings, progress)
        self._await_prompt(settings, progress)  # after a failure too: the next chunk must not take it for its own
        log = self._talk.heard()
        refuse_if_said(log, settings.failed, read_log_line(log, settings))
        for line in settings.save:
            self._write(fill(line, values))
            if settings.saved is not None:
                self._await([settings.saved, *settings.failed], settings, progress)
            self._await_prompt(settings, progress)
        log = self._talk.heard()
        synthesis = read_log_line(log, settings)
        if joined:
            synthesis.notes = {**synthesis.notes, "line_ends_joined": joined}
        refuse_if_said(log, [*settings.failed, *settings.fail_on], synthesis)
        take_file(output, settings, synthesis, "the program says it is done and wrote")
        return synthesis

    def reset(self) -> None:
        """Write the lines of ``reset``. Raises ProgramDied when the program ends over it."""
        settings = self._settings()
        for line in settings.reset:
            self._line(fill(line, self._known(settings)), settings, _silently)

    def close(self) -> None:
        """Write the lines of ``leave``, close the program's input, and kill it where it stays."""
        if self._talk is not None:
            settings = self._settings()
            self._talk.end([fill(line, self._known(settings)) for line in settings.leave], FAREWELL)
        self._remove_files()

    # ------------------------------------------------------------------------------------------- the talk
    def _line(self, line: str, settings: InteractiveSettings, progress: Callable[[], None]) -> None:
        self._write(line)
        self._await_prompt(settings, progress)

    def _write(self, line: str) -> None:
        assert self._talk is not None
        try:
            self._talk.write(line)
        except OSError:
            raise ProgramDied(self._ended()) from None

    def _await_prompt(self, settings: InteractiveSettings, progress: Callable[[], None]) -> None:
        if settings.prompt is not None:
            self._await([settings.prompt], settings, progress)

    def _await(self, patterns: Iterable[str], settings: InteractiveSettings, progress: Callable[[], None]) -> str:
        """Wait until one of the patterns is printed after what was awaited before. Raises ProgramDied."""
        assert self._talk is not None
        match = self._talk.wait_for(list(patterns), progress)
        if match is None:
            log = self._talk.heard()
            raise ProgramDied(self._ended(), read_log_line(log, settings))
        return match

    def _ended(self) -> str:
        assert self._talk is not None
        code, last = self._talk.code(), self._talk.last_line()
        how = ending(code) if code is not None else "closed its output and kept running"
        return f"the living program ended: {how}{f' ({last[:300]})' if last else ''}"

    # ---------------------------------------------------------------------------------- what it is told
    def _known(self, settings: InteractiveSettings) -> dict[str, str]:
        assert self._variant is not None
        values = {"model": settings.model, "voice": self._variant.voice, "language": self._variant.language}
        return {
            **{name: value for name, value in values.items() if value is not None},
            **{name: str(value) for name, value in settings.values.items()},
        }

    def _filled(self, settings: InteractiveSettings, request: Request, output: Path) -> tuple[dict[str, str], int]:
        """Values of the placeholders, and how many line ends of the text had to become spaces."""
        text, joined = request.text, 0
        if "text" in settings.used:  # one line is one request
            text, joined = _LINE_ENDS.subn(" ", text)
        text_file = self._scratch / "text.txt"
        if "text_file" in settings.used:
            text_file.write_bytes(request.text.encode("utf-8"))
        own = {"text": text, "text_file": str(text_file), "output": str(output), "output_dir": str(output.parent)}
        return self._known(settings) | values_of(request) | own, joined


def _silently() -> None:
    """Do nothing: loading has a timeout of its own and needs no sign of life."""
