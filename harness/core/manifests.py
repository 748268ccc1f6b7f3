"""Lists of recordings in the field's own formats: which audio says which text, and in whose voice.

Known formats: LJSpeech (``id|...|text``), seed-tts-eval (``utt|prompt_text|prompt_wav|text[|gt]`` and its shorter
forms), JSON lines, CSV with a ``file_name`` column, and a folder of audio files named by id.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.core.errors import CorpusError, nearest

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".opus")


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording. ``audio`` is an absolute path that need not exist; what a format does not tell is None."""

    id: str
    audio: Path
    text: str | None = None
    language: str | None = None
    prompt_text: str | None = None
    prompt_audio: Path | None = None
    ground_truth: Path | None = None  # a human reading of the text
    tokens: tuple[tuple[int, ...], ...] | None = None  # (frames, codebooks)
    token_count: int | None = None
    finish_reason: str | None = None
    line: int | None = None  # where it stands in the manifest


class _Place:
    """Where a manifest is, and where its audio may be."""

    def __init__(self, path: Path, audio_dir: Path | None) -> None:
        self.path = path
        self.folder = path if path.is_dir() else path.parent
        self.audio_dir = audio_dir
        self.line = 0

    def wrong(self, problem: str) -> CorpusError:
        return CorpusError(f"{self.path}{f':{self.line}' if self.line else ''}: {problem}")

    def inside(self, name: str, base: Path | None = None) -> Path:
        """Return a path of the manifest. Absolute ones are the user's own; relative ones may not leave their folder."""
        if "\0" in name or not name:
            raise self.wrong(f"{name!r} is no path")
        base = (base or self.folder).absolute()
        path = Path(os.path.normpath(base / name))
        if not Path(name).is_absolute() and not path.is_relative_to(base):
            raise self.wrong(f"{name!r} leads out of {base}; write an absolute path if it is meant")
        return path

    def audio_of(self, identity: str, folders: tuple[str, ...] = ("",)) -> Path:
        """Return the file named by an id: the first that exists, else the one that should."""
        base = self.audio_dir or self.folder
        stem = identity.removesuffix(".wav")
        candidates = [
            self.inside(str(Path(folder) / f"{stem}{ending}"), base)
            for folder in (folders if self.audio_dir is None else ("",))
            for ending in AUDIO_ENDINGS
        ]
        return next((each for each in candidates if each.is_file()), candidates[0])


Reader = Callable[[str, _Place], Iterator[Recording]]


def read_recordings(path: Path, layout: str | None = None, audio_dir: Path | None = None) -> tuple[Recording, ...]:
    """Read a manifest or a folder of audio files.

    ``layout`` is one of ``ljspeech``, ``seed-tts-eval``, ``jsonl``, ``csv``, ``folder``; None: by the file's ending and
    first line. ``audio_dir`` is where audio named by id lies, if not beside the manifest. Raises CorpusError with file
    and line: absent, empty, not UTF-8, a wrong number of fields, an id twice, a path that leads out of the folder.
    """
    if layout is not None and layout not in (*_READERS, "folder"):
        raise CorpusError(f"{path}: unknown manifest format {layout!r}{nearest(layout, [*_READERS, 'folder'])}")
    place = _Place(path, audio_dir)
    if path.is_dir() or layout == "folder":
        rows = tuple(_folder(place))
    else:
        text = _text_of(path)
        rows = tuple(_READERS[layout or _guess(place, text)](text, place))
    place.line = 0
    if not rows:
        raise place.wrong("no recordings in it")
    lines_by_id: dict[str, int | None] = {}
    for row in rows:
        if row.id in lines_by_id:
            place.line = row.line or 0
            raise place.wrong(f"id {row.id!r} appears twice (first on line {lines_by_id[row.id]})")
        lines_by_id[row.id] = row.line
    return rows


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise CorpusError(f"{path}: cannot be read: {error.strerror}{nearest(path.name, beside[:50])}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(f"{path}:{line}: not UTF-8 (byte {error.start})") from None


def _guess(place: _Place, text: str) -> str:
    ending = place.path.suffix.lower()
    first = text.split("\n", 1)[0]
    if ending in (".jsonl", ".ndjson") or first.lstrip().startswith("{"):
        return "jsonl"
    if ending == ".lst":
        return "seed-tts-eval"
    if "file_name" in [cell.strip() for cell in first.split(_delimiter(first))]:
        return "csv"
    if ending == ".csv" or "|" in first:
        return "ljspeech"
    kinds = ", ".join([*_READERS, "folder"])
    raise place.wrong(f"cannot tell the format; name it ({kinds})")


def _lines(text: str, place: _Place) -> Iterator[str]:
    for place.line, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield line.rstrip("\r")


def _ljspeech(text: str, place: _Place) -> Iterator[Recording]:
    """``id|text`` or ``id|raw text|normalised text``: the last field is the text; audio is ``wavs/<id>.wav``."""
    for line in _lines(text, place):
        fields = line.split("|")
        if len(fields) < 2:
            raise place.wrong(f"expected id|...|text, got {line[:80]!r}")
        identity = fields[0].strip()
        yield Recording(identity, place.audio_of(identity, ("wavs", "wav", "")), fields[-1].strip(), line=place.line)


def _seed_tts_eval(text: str, place: _Place) -> Iterator[Recording]:
    """2 fields: utt, text. 3: utt, text, prompt. 4: utt, prompt text, prompt, text. 5: and a human reading."""
    for line in _lines(text, place):
        fields = [field.strip() for field in line.split("|")]
        if not 2 <= len(fields) <= 5:
            raise place.wrong(f"expected 2 to 5 fields (utt|prompt_text|prompt_wav|text[|gt]), got {len(fields)}")
        identity = fields[0].removesuffix(".wav")
        prompt_text, prompt, spoken, truth = _seed_fields(fields[1:])
        yield Recording(
            identity,
            place.audio_of(identity),
            spoken,
            prompt_text=prompt_text,
            prompt_audio=place.inside(prompt) if prompt else None,
            ground_truth=place.inside(truth) if truth else None,
            line=place.line,
        )


def _seed_fields(fields: list[str]) -> tuple[str | None, str | None, str, str | None]:
    if len(fields) == 1:
        return None, None, fields[0], None
    if len(fields) == 2:
        return None, fields[1], fields[0], None
    return fields[0], fields[1], fields[2], fields[3] if len(fields) == 4 else None


def _jsonl(text: str, place: _Place) -> Iterator[Recording]:
    """Objects with ``audio`` (or ``file_name``), and if wanted id, text, language, tokens, token_count, prompt_*."""
    for line in _lines(text, place):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise place.wrong(f"not JSON: {error}") from None
        if not isinstance(row, dict):
            raise place.wrong("expected a JSON object")
        yield _row(row, place)


def _csv(text: str, place: _Place) -> Iterator[Recording]:
    """Comma-separated with a header that has ``file_name`` (the layout of Hugging Face audio folders)."""
    between = _delimiter(text.split("\n", 1)[0])
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, delimiter=between)
    try:
        for cells in reader:
            place.line = reader.line_num
            yield _row({key: value for key, value in cells.items() if value not in (None, "")}, place)
    except csv.Error as error:
        place.line = reader.line_num
        raise place.wrong(f"not CSV: {error}") from None


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


class _AudioCell(BaseModel):
    """A recording the way the datasets library writes it."""

    path: str | None = None


_Id = Annotated[int, Field(strict=True, gt=-(2**31), lt=2**31)]


class _Row(BaseModel):
    """One row as somebody wrote it; other keys are theirs. ``tokens``: ids, flat (one codebook) or a list a frame."""

    model_config = ConfigDict(strict=True, frozen=True)

    audio: str | _AudioCell | None = None
    file_name: str | None = None
    id: str | int | None = None
    text: str | None = None
    language: str | None = None
    prompt_text: str | None = None
    prompt_audio: str | None = None
    finish_reason: str | None = None
    token_count: Annotated[int, Field(ge=0)] | None = None
    tokens: list[_Id | list[_Id]] | None = None

    @property
    def audio_name(self) -> str | None:
        audio = self.file_name if self.audio is None else self.audio
        return audio.path if isinstance(audio, _AudioCell) else audio


def _row(given: Mapping[str, object], place: _Place) -> Recording:
    try:
        row = _Row.model_validate(given)
    except ValidationError as error:
        raise place.wrong(_told(error)) from None
    name = row.audio_name
    identity = row.id if row.id is not None else Path(name).stem if name is not None else ""
    if identity == "":
        raise place.wrong("needs a key 'audio' or 'id' that is text" + nearest("audio", list(given)[:20]))
    return Recording(
        str(identity),
        place.inside(name, place.audio_dir) if name is not None else place.audio_of(str(identity), ("", "wavs")),
        row.text,
        row.language,
        row.prompt_text,
        place.inside(row.prompt_audio) if row.prompt_audio else None,
        tokens=_tokens(row.tokens, place),
        token_count=row.token_count,
        finish_reason=row.finish_reason,
        line=place.line,
    )


_MUST = {
    "token_count": "be a whole number",
    "tokens": "be a list of ids, or of frames with the same number of ids each",
}


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0])
    return f"key '{key}' must {_MUST.get(key, 'be text')}, got {str(first['input'])[:80]!r}"


def _tokens(value: Sequence[int | list[int]] | None, place: _Place) -> tuple[tuple[int, ...], ...] | None:
    if value is None:
        return None
    frames = [frame if isinstance(frame, list) else [frame] for frame in value]
    if len({len(frame) for frame in frames}) > 1:
        raise place.wrong(f"key 'tokens' must {_MUST['tokens']}")
    return tuple(map(tuple, frames))


def _folder(place: _Place) -> Iterator[Recording]:
    """Audio files of one folder, by name; a text may lie beside one as ``<id>.txt``."""
    if not place.path.is_dir():
        raise place.wrong("no such folder")
    for entry in sorted(place.path.iterdir()):
        if entry.suffix.lower() in AUDIO_ENDINGS and entry.is_file():
            beside = entry.with_suffix(".txt")
            yield Recording(entry.stem, entry.absolute(), _text_of(beside).strip() if beside.is_file() else None)


_READERS: dict[str, Reader] = {"ljspeech": _ljspeech, "seed-tts-eval": _seed_tts_eval, "jsonl": _jsonl, "csv": _csv}
