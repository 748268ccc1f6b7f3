"""The corpora that belong to the project, and the manifest that says what is in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel

from harness.core.documents import parse_model, read_json
from harness.core.durable import write_whole
from harness.core.errors import CorpusError, nearest
from harness.core.paths import CORPORA
from harness.core.records import Corpus
from harness.corpora.files import read_jsonl
from harness.text import count_words

MANIFEST = "manifest.json"
NAMES = ("book", "edge", "multilingual", "sentences")


def builtin_names() -> list[str]:
    """Return names of the built-in corpora; reads no text."""
    return list(NAMES)


def load_builtin(name: str, folder: Path = CORPORA) -> Corpus:
    """Return a built-in corpus, its content compared with the manifest.

    Raises CorpusError for an unknown name, a missing file, or a file that differs from the manifest.
    """
    if name not in NAMES:
        raise CorpusError(f"unknown corpus {name!r}{nearest(name, NAMES)}")
    path = folder / f"{name}.jsonl"
    if not path.is_file():
        raise CorpusError(f"corpus {name!r}: {path} is missing")
    corpus = replace(read_jsonl(path, "en"), name=name)
    entry = _entries(folder).get(name)
    if entry is None:
        raise CorpusError(f"{folder / MANIFEST}: key 'corpora.{name}.sha256' is missing; run write_manifest()")
    if entry.sha256 != corpus.sha256:
        raise CorpusError(
            f"{path}: the text is not the one in {MANIFEST} (sha256 {corpus.sha256[:12]} against "
            f"{entry.sha256[:12]}); restore the file, or run write_manifest() if the change is meant"
        )
    return corpus


def write_manifest(folder: Path = CORPORA) -> Path:
    """Write ``manifest.json`` from the corpora as they are now, and return its path."""
    corpora = {}
    for name in NAMES:
        path = folder / f"{name}.jsonl"
        if path.is_file():
            corpora[name] = _entry(replace(read_jsonl(path, "en"), name=name))
    target = folder / MANIFEST
    write_whole(target, _ListOfCorpora(corpora=corpora).model_dump_json(indent=2) + "\n")
    return target


class _Entry(BaseModel):
    """What the list of corpora says of one."""

    file: str
    sha256: str
    chunks: int
    words: int
    languages: list[str]
    license: str = "CC0-1.0"


class _ListOfCorpora(BaseModel):
    version: int = 1
    corpora: dict[str, _Entry]


def _entry(corpus: Corpus) -> _Entry:
    lengths = [count_words(chunk.text) for chunk in corpus.chunks]
    return _Entry(
        file=f"{corpus.name}.jsonl",
        sha256=corpus.sha256,
        chunks=len(corpus.chunks),
        words=sum(lengths),
        languages=sorted({chunk.language for chunk in corpus.chunks}),
    )


def _entries(folder: Path) -> dict[str, _Entry]:
    path = folder / MANIFEST
    listed: object = read_json(path, "list of corpora", CorpusError)
    return parse_model(_ListOfCorpora, listed, str(path), CorpusError).corpora
