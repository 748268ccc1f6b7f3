"""``tts-soak score``: judge audio that exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from harness.cli.common import REPORTS, become_pytest, main
from harness.core.errors import ConfigError
from harness.core.paths import SUITES

FOLDER = "scored"  # below the reports: the variants files that the command writes
_NAME = re.compile(r"[^A-Za-z0-9_.+-]+")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("recordings", type=click.Path(path_type=Path))
@click.option("--name", default=None, help="what the table calls it (default: the file's or folder's name)")
@click.option("--audio-dir", type=click.Path(path_type=Path), default=None, help="where the audio is, if not beside")
@click.option("--voice-prompt", type=click.Path(path_type=Path), default=None, help="a recording of the voice, for SIM")
@click.option("--language", default=None, metavar="TAG", help="language of the texts (BCP-47)")
@REPORTS
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def score(
    recordings: Path,
    name: str | None,
    audio_dir: Path | None,
    voice_prompt: Path | None,
    language: str | None,
    reports: Path,
    arguments: tuple[str, ...],
) -> None:
    """Judge audio that exists: a folder of audio with .txt beside, LJSpeech's metadata.csv, seed-tts-eval's meta.lst,
    or a .jsonl or .csv with audio and text. The texts are taken from it; ARGUMENTS go to pytest (--asr, --chunks, ...).

    Exit codes are pytest's: 0 fine, 1 something is faulty or nothing was judged, 4 wrong use.
    """
    if not recordings.exists():
        raise ConfigError(f"{recordings}: no such file or folder")
    called = _NAME.sub("-", name or _usual_name(recordings)).strip("-.") or "recordings"
    settings = {"manifest": str(recordings.absolute())}
    if audio_dir is not None:
        settings["audio_dir"] = str(audio_dir.absolute())
    lines = [f"[variants.{json.dumps(called)}]", 'adapter = "recorded"', 'seed_policy = "none"']
    if voice_prompt is not None:
        lines.append(f"voice_prompt = {json.dumps(str(voice_prompt.absolute()))}")
    lines += [f"[variants.{json.dumps(called)}.settings]", *(f"{key} = {json.dumps(v)}" for key, v in settings.items())]
    file = reports / FOLDER / f"{called}.toml"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written ({error.strerror})") from None
    more = ["--language", language] if language is not None else []
    asked = ["--variants", str(file), "--corpus", str(recordings.absolute()), "--reports", str(reports.absolute())]
    become_pytest([str(SUITES / "stress"), *asked, *more, *arguments])


def _usual_name(path: Path) -> str:
    whole = path.absolute()
    return whole.parent.name if whole.stem in ("metadata", "meta", "manifest") else whole.stem
