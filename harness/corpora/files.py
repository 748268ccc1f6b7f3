"""Reading .txt, .jsonl and .csv files into chunks, every mistake named with file, line and key."""

from __future__ import annotations

import csv
import difflib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.core.errors import CorpusError, nearest
from harness.core.records import Chunk, Corpus, Json
from harness.corpora.corpus import make_corpus, shown_value
from harness.corpora.listed import delimiter_of
from harness.text.chunker import chunk_text

KEYS = ("id", "text", "language", "tags", "expected")
MAX_FILE_BYTES = 256 * 2**20


def read_bytes(path: Path) -> bytes:
    """Return the whole file.

    Raises CorpusError when it is absent, no regular file, unreadable, empty or above 256 MiB.
    """
    try:
        if not path.exists():
            beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
            close = difflib.get_close_matches(path.name, beside, n=1, cutoff=0.5)
            raise CorpusError(f"{path}: no such file" + (f" (did you mean {close[0]!r}?)" if close else ""))
        if not path.is_file():
            raise CorpusError(f"{path}: not a regular file")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise CorpusError(f"{path}: {size} bytes, a corpus may have at most {MAX_FILE_BYTES}")
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise CorpusError(f"{shown_value(str(path))}: cannot be read: {error}") from error
    if not data.strip():
        raise CorpusError(f"{path}: the file is empty")
    return data


def read_corpus_text(path: Path) -> str:
    """Return the file as UTF-8, a byte order mark removed.

    Raises CorpusError naming the line of the first wrong byte.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        hint = " (it looks like UTF-16)" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise CorpusError(
            f"{path}, line {line}: not UTF-8, byte 0x{data[error.start]:02x} at offset {error.start}{hint}; "
            f"save the file as UTF-8"
        ) from error


def read_txt(path: Path, language: str, max_words: int) -> Corpus:
    """Return running text in chunks ``<stem>-0001`` and so on. A NUL is an error: such a file is no plain text."""
    text = read_corpus_text(path).replace("\r\n", "\n").replace("\r", "\n")
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise CorpusError(f"{path}, line {line}: NUL character, not plain text (a .jsonl file may hold it as \\u0000)")
    return numbered(path, chunk_text(text, max_words, min(8, max_words), language), language)


def numbered(path: Path, texts: Iterable[str], language: str) -> Corpus:
    """Return a corpus of texts that have no ids of their own."""
    chunks = [Chunk(_default_id(path, number), text, language) for number, text in enumerate(texts, 1)]
    return make_corpus(path.stem, chunks, str(path))


def read_jsonl(path: Path, language: str) -> Corpus:
    """Read one JSON object a line.

    It has ``text``, and if wanted ``id``, ``language``, ``tags`` (a list) and ``expected``.
    """
    chunks: list[Chunk] = []
    places: list[str] = []
    for number, line in enumerate(read_corpus_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{where}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise CorpusError(f"{where}: expected a JSON object with the key 'text', got {shown_value(row)}")
        _check_keys(row, where, "key")
        chunks.append(_chunk(row, where, language, _default_id(path, len(chunks) + 1)))
        places.append(f"line {number}")
    return make_corpus(path.stem, chunks, str(path), places)


def read_csv(path: Path, language: str) -> Corpus:
    """Read a table whose header has ``text``, and if wanted ``id``, ``language``, ``expected`` and ``tags``.

    Tags are set apart by spaces.
    """
    chunks: list[Chunk] = []
    places: list[str] = []
    before = csv.field_size_limit(MAX_FILE_BYTES)
    try:
        text = read_corpus_text(path)
        between = delimiter_of(path, text.split("\n", 1)[0])
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=between)
        reader.fieldnames = [_column(name) for name in reader.fieldnames or []]
        _check_header(reader.fieldnames, path)
        for row in reader:
            start = reader.line_num - sum(str(cell).count("\n") for cell in row.values())
            where = f"{path}, line {start}"
            if None in row or None in row.values():
                raise CorpusError(f"{where}: the row has not the {len(reader.fieldnames or [])} columns of the header")
            cells: Json = {key: value for key, value in row.items() if key in ("text", "id") or value}
            cells["tags"] = str(cells.get("tags", "")).split()
            chunks.append(_chunk(cells, where, language, _default_id(path, len(chunks) + 1)))
            places.append(f"line {start}")
    except csv.Error as error:
        raise CorpusError(f"{path}, line {reader.line_num}: not CSV: {error}") from error
    finally:
        csv.field_size_limit(before)
    return make_corpus(path.stem, chunks, str(path), places)


def _column(name: str) -> str:
    """Return the name of a column as we know it: " Text" is what a spreadsheet makes of "text"."""
    return name.strip().lower() if name.strip().lower() in KEYS else name


def _check_header(names: Iterable[str], path: Path) -> None:
    columns = list(names)
    doubled = sorted({name for name in columns if columns.count(name) > 1})
    if doubled:
        raise CorpusError(f"{path}, line 1: column {shown_value(doubled[0])} appears twice")
    _check_keys(dict.fromkeys(columns, ""), f"{path}, line 1", "column")


def _check_keys(row: Mapping[str, object], where: str, word: str) -> None:
    """Refuse a missing ``text`` and near misses of the other keys; unrelated keys are the user's own affair."""
    if "text" not in row:
        raise CorpusError(f"{where}: {word} 'text' is missing{_found(row)}")
    for key in row:
        if key in KEYS:
            continue
        close = difflib.get_close_matches(key.lower(), ["language", "tags", "expected"], n=1, cutoff=0.65)
        if close and close[0] not in row:
            raise CorpusError(f"{where}: unknown {word} {shown_value(key)}{nearest(key, close)}")


def _found(row: Mapping[str, object]) -> str:
    close = difflib.get_close_matches("text", [key.lower() for key in row], n=1, cutoff=0.5)
    names = ", ".join(shown_value(key) for key in list(row)[:8])
    return f"; rename {shown_value(close[0])} to 'text'" if close else f" (found: {names or 'none'})"


def _chunk(row: Json, where: str, language: str, default_id: str) -> Chunk:
    given = {"id": default_id, "language": language, "expected": "", "tags": [], **row}
    identity, tags = given["id"], given["tags"]
    if isinstance(identity, int) and not isinstance(identity, bool):
        given["id"] = str(identity)
    spoken: list[str] = []
    for key in ("id", "text", "language", "expected"):
        value = given[key]
        if not isinstance(value, str):
            raise CorpusError(f"{where}: key '{key}' must be a string, got {shown_value(value)}")
        spoken.append(value)
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise CorpusError(f"{where}: key 'tags' must be a list of strings, got {shown_value(tags)}")
    name, text, tongue, expected = spoken
    return Chunk(name, text, tongue, tuple(tags), expected=expected)


def _default_id(path: Path, number: int) -> str:
    return f"{path.stem}-{number:04d}"
