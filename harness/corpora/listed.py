"""Lists of recordings as a corpus: LJSpeech, seed-tts-eval, audio folders; what is recorded is what is to be judged."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from harness.core.errors import CorpusError
from harness.core.manifests import AUDIO_ENDINGS, read_recordings
from harness.core.records import Chunk, Corpus
from harness.corpora.corpus import make_corpus

LISTS = (".lst",)
_AUDIO = ("audio", "file_name")


def is_list(path: Path) -> bool:
    """Return whether the file (or folder) lists recordings rather than texts alone; by its ending and first line."""
    if path.is_dir():
        return any(entry.suffix.lower() in AUDIO_ENDINGS for entry in path.iterdir())
    suffix = path.suffix.lower()
    if suffix in LISTS:
        return True
    if suffix not in (".csv", ".jsonl", ".tsv"):
        return False
    first = _first_line(path)
    if suffix == ".jsonl":
        return _lists_audio(first)
    try:
        columns = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter_of(path, first)), [])]
    except csv.Error:  # no line of a table: the reader of the corpus says what is wrong with it
        return False
    return "file_name" in columns or ("text" not in columns and "|" in first)


def delimiter_of(path: Path, header: str) -> str:
    """Return what separates the columns: a tab in .tsv, else the one of ``,`` ``;`` and tab that makes most of the
    header.
    """
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(",;\t", key=header.count) if header else ","


def read_list(path: Path, language: str) -> Corpus:
    """Return the texts of a list of recordings, under the ids that the adapter ``recorded`` answers to.

    Raises CorpusError.
    """
    rows = read_recordings(path)
    silent = [row.id for row in rows if not (row.text or "").strip()]
    if silent:
        more = f" and {len(silent) - 1} more" if len(silent) > 1 else ""
        hint = f"put it beside the audio as {silent[0]}.txt, or use a list with texts"
        raise CorpusError(f"{path}: no text for {silent[0]!r}{more}; {hint}")
    chunks = [Chunk(row.id, str(row.text), row.language or language) for row in rows]
    places = [f"line {row.line}" if row.line else row.audio.name for row in rows]
    return make_corpus(path.stem, chunks, str(path), places)


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.readline(1 << 16).decode("utf-8-sig", "replace").rstrip("\r\n")
    except OSError:
        return ""


def _lists_audio(line: str) -> bool:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and any(key in row for key in _AUDIO)
