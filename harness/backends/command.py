"""The command adapter: any program that turns a text into audio, started once a chunk. No Python needed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from harness.audio import read_bytes_of_audio
from harness.backends.base import BackendAway, BackendFault, BackendRefused, BadAudio, NoAudio, ProgramDied
from harness.backends.command_settings import (
    RAW,
    CommandSettings,
    ProgramSettings,
    check_command_settings,
    fill,
    values_of,
)
from harness.backends.environment import not_the_text
from harness.backends.log import read_log_line, refuse_if_said
from harness.backends.outside import OutsideAdapter
from harness.backends.process import ending
from harness.backends.program import ProgramExit, run_program
from harness.backends.raw import take_raw
from harness.core.records import Capabilities, Request, Synthesis, Variant

_FATAL = {signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM}
_NOT_FOUND = (126, 127)  # a shell's words for a program that it could not start
_INSTEAD = "hand the text over with {text_file}, or stdin"


class CommandBackend(OutsideAdapter[CommandSettings]):
    """One program a chunk; it keeps no state, so a restart of the worker loses nothing."""

    KIND, CHECK = CommandSettings, staticmethod(check_command_settings)

    def load(self, variant: Variant) -> Capabilities:
        """Find the program. Nothing is started but the ``version`` command."""
        settings = self._begin(variant)
        details_of_program = details(settings, settings.folder(variant), settings.shell)
        return self._capable(settings, seeded="seed" in settings.used, resets=True, details=details_of_program)

    def reset(self) -> None:
        """Change nothing: nothing is kept from one chunk to the next."""

    def close(self) -> None:
        """Remove the temporary files."""
        self._remove_files()

    def synthesize(self, request: Request, progress: Callable[[], None]) -> Synthesis:
        """Run the program. Raises ProgramDied, BackendRefused, NoAudio or BadAudio."""
        assert self._variant is not None
        settings = self._settings(request.overrides)
        output = clear(self._scratch, settings)
        command, stdin = self._filled(settings, request, output)
        try:
            ended = run_program(
                command[0] if settings.shell else command,
                shell=settings.shell,
                stdin=stdin,
                cwd=settings.folder(self._variant),
                env=settings.env,
                audio_on_stdout=settings.from_stdout,
                header=None if settings.format in RAW else b"data" if settings.format == "wav" else b"",
                grows=output if settings.output_file else output.parent,
                progress=progress,
            )
        except OSError as error:
            raise _not_started(error, command) from None
        synthesis = read_log_line(ended.log.text(), settings)
        if settings.format in (*RAW, "wav"):
            synthesis.ttfa = ended.first_audio
        if ended.left_running:
            synthesis.notes = {**synthesis.notes, "left_running": "processes outlived the program and were killed"}
        _judge_end(ended, settings, synthesis)
        _take_audio(ended, settings, output, synthesis)
        return synthesis

    def _filled(self, settings: CommandSettings, request: Request, output: Path) -> tuple[list[str], str | None]:
        text_file = self._scratch / "text.txt"
        if "text_file" in settings.used:
            text_file.write_bytes(request.text.encode("utf-8"))
        given = values_of(request)
        given |= {"text_file": str(text_file), "output": str(output), "output_dir": str(output.parent)}
        given |= {"model": settings.model} if settings.model is not None else {}
        given |= {name: str(value) for name, value in settings.values.items()}
        command = [fill(part, given, settings.shell) for part in settings.arguments]
        if any("\0" in part for part in command):
            raise BackendRefused(f"the text holds a NUL character, which no program argument can: {_INSTEAD}")
        return command, fill(settings.stdin, given) if settings.stdin is not None else None


def clear(scratch: Path, settings: ProgramSettings) -> Path:
    """Make the folder of outputs empty, so that nothing of an earlier chunk can pass for this one's audio."""
    folder = scratch / "out"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if settings.output_file:
        output = Path(settings.output_file)
        output.unlink(missing_ok=True)
        return output
    return folder / f"output.{'raw' if settings.format in RAW else settings.format}"


def _not_started(error: OSError, command: list[str]) -> BackendFault:
    """Why there is no program: an argument too long is the text's, all else is not."""
    if error.errno == errno.E2BIG:
        size = max(len(part.encode()) for part in command)
        return BackendRefused(f"an argument of {size} bytes is longer than the system allows: {_INSTEAD}")
    passing = error.errno in (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
    return BackendAway(f"cannot start {command[0]!r}: {error.strerror or error}", lasting=not passing)


def _judge_end(ended: ProgramExit, settings: CommandSettings, made: Synthesis) -> None:
    """Raise for a program that did not end well, or whose log says that something is wrong."""
    if ended.code < 0:
        raise ProgramDied(ending(ended.code), made)
    refuse_if_said(ended.log.text(), settings.fail_on, made)
    if ended.code > 128 and ended.code - 128 in set(map(int, _FATAL)):
        name = signal.Signals(ended.code - 128).name
        raise ProgramDied(f"exit {ended.code} (a wrapper's word for signal {ended.code - 128}, {name})", made)
    if ended.code in _NOT_FOUND and not ended.stdout:
        raise BackendAway(f"nothing was started: exit {ended.code}{_last_line(ended)}", made, lasting=True)
    if ended.code and not_the_text(ended.log.text()):
        raise BackendAway(f"exit {ended.code}{_last_line(ended)}", made)
    if ended.code:
        raise BackendRefused(f"exit {ended.code}{_last_line(ended)}", made)


def _last_line(ended: ProgramExit) -> str:
    lines = [line.strip() for line in ended.log.text().splitlines() if line.strip()]
    return f": {lines[-1][:2000]}" if lines else ""


def _take_audio(ended: ProgramExit, settings: CommandSettings, output: Path, made: Synthesis) -> None:
    """Put samples or a file into ``made``. Raises NoAudio or BadAudio."""
    if settings.from_stdout:
        if not ended.stdout:
            raise NoAudio("exit 0 and nothing on stdout", made)
        output.write_bytes(ended.stdout)
    take_file(output, settings, made, "exit 0 and")


def take_file(output: Path, settings: ProgramSettings, made: Synthesis, said: str) -> None:
    """Put the audio of a file into ``made``. Raises NoAudio, which begins with ``said``, or BadAudio."""
    if not output.is_file():
        folder = output.parent
        written = sorted(each for each in folder.iterdir() if each.is_file()) if not settings.output_file else []
        if len(written) != 1:
            names = ", ".join(entry.name for entry in written)
            raise NoAudio(f"{said} {f'more than one file: {names}' if names else 'no audio file'}", made)
        output = written[0]  # programs that add an ending, or that choose the name in {output_dir}
    if output.is_symlink() and not output.resolve().is_relative_to(output.parent.resolve()):
        raise BadAudio(f"{said} a link to a file elsewhere in the place of audio", made)
    if output.stat().st_size == 0:
        raise NoAudio(f"{said} an empty audio file", made)
    if settings.format in RAW:
        take_raw(read_bytes_of_audio(output), RAW[settings.format], settings.channels, settings.sample_rate, made)
    else:
        made.audio_path = output


def details(settings: ProgramSettings, folder: Path, shell: bool = False) -> dict[str, object]:
    """Return what is known of the program: path, SHA-256 of the file, first line of its ``version`` command."""
    details_by_name: dict[str, object] = {}
    if not shell:
        name = fill(settings.arguments[0], {"model": settings.model or ""})
        path = shutil.which(str(folder / name) if "/" in name else name, path=settings.env.get("PATH"))
        if path is not None:
            details_by_name["program"] = path
            with contextlib.suppress(OSError), Path(path).open("rb") as file:
                details_by_name["program_sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    if settings.version:
        try:
            asked = subprocess.run(
                settings.version,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=30,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BackendRefused(f"the version command failed: {error}") from None
        details_by_name["version"] = asked.stdout.decode("utf-8", "replace").strip().split("\n", 1)[0][:300]
    return details_by_name
