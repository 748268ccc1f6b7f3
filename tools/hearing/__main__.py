"""Measure what a recognizer hears, through the product's own path. One line a clip that is wrong, counts at the end.

    python -m tools.hearing wordless FOLDER      # 200 clips without a word; fragments are cut out of the recordings
    python -m tools.hearing words FOLDER         # WER on recordings with metadata.csv (LJ Speech's layout)
    python -m tools.hearing padding FOLDER       # the same recordings with silence around them
    python -m tools.hearing repeatable FOLDER    # 100 hearings in fresh processes: the same words and times
    python -m tools.hearing repeats FOLDER       # recordings said several times over: no loop of the recognizer
    python -m tools.hearing stuck FOLDER         # half a minute of one piece of speech: the recognizer loops

``--asr`` takes any recognizer spec, as pytest does. Exit code 1 where a figure is missed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.scorers.asr import recognizer
from harness.scorers.asr_models import DEFAULT
from tools.hearing import repeatable as fresh
from tools.hearing import spoken
from tools.hearing.recordings import recordings
from tools.hearing.stuck import measure_stuck
from tools.hearing.wordless import measure_wordless

FOLDER = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
ASR = click.option("--asr", default=DEFAULT, show_default=True, metavar="ENGINE")
MOST = click.option("--most", type=click.IntRange(1), default=100, show_default=True, help="at most so many recordings")


@click.group(help=__doc__)
def main() -> None:
    """Choose what to measure."""


@main.command("wordless")
@ASR
@FOLDER
def wordless_command(folder: Path, asr: str) -> None:
    """Count the clips without a word in which words are heard; at least 95% must give none."""
    _finish(measure_wordless(_ear(asr), recordings(folder)))


@main.command("words")
@ASR
@FOLDER
@MOST
def words_command(folder: Path, asr: str, most: int) -> None:
    """Measure WER and CPU a clip; at most 4% of the words may be wrong."""
    _finish(spoken.measure_words(_ear(asr), recordings(folder)[:most]))


@main.command("padding")
@ASR
@FOLDER
@MOST
def padding_command(folder: Path, asr: str, most: int) -> None:
    """Compare each recording with itself in silence: no more than one word may differ."""
    _finish(spoken.measure_padding(_ear(asr), recordings(folder)[:most]))


@main.command("repeats")
@ASR
@FOLDER
@MOST
def repeats_command(folder: Path, asr: str, most: int) -> None:
    """Count recordings that are really said several times over and taken for a loop of the recognizer."""
    _finish(spoken.measure_repeats(_ear(asr), recordings(folder)[:most]))


@main.command("stuck")
@ASR
@FOLDER
@click.option("--most", type=click.IntRange(1), default=8, show_default=True, help="at most so many recordings")
def stuck_command(folder: Path, asr: str, most: int) -> None:
    """Count on how many clips that are stuck on a piece of speech the recognizer loops at every try."""
    _finish(measure_stuck(_ear(asr), recordings(folder)[:most]))


@main.command("repeatable")
@ASR
@FOLDER
@click.option("--hearings", type=click.IntRange(1), default=100, show_default=True)
def repeatable_command(folder: Path, asr: str, hearings: int) -> None:
    """Hear the recordings in fresh processes, in another order each; words and times must be the same."""
    _finish(fresh.measure_repeatable(asr, folder, hearings))


@main.command("once", hidden=True)
@ASR
@FOLDER
@click.option("--first", type=int, required=True)
def once_command(folder: Path, asr: str, first: int) -> None:
    """Print what is heard in each recording, a line of JSON each."""
    for line in fresh.heard_lines(_ear(asr), recordings(folder), first):
        click.echo(line)


def _ear(asr: str) -> spoken.Ear:
    ear = recognizer(asr)
    ear.prepare(["en"])
    ear.setup()
    return ear


def _finish(reached: bool) -> None:
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
