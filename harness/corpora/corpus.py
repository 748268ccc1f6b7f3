"""Making a checked corpus out of chunks, and choosing some of its chunks."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from harness.core.errors import CorpusError
from harness.core.records import LANGUAGE, Chunk, Corpus, corpus_checksum
from harness.text import count_words

SHOWN = 60


def shown_value(value: object) -> str:
    """Return ``repr`` cut to a length that fits one line; control characters come out escaped."""
    text = value[: SHOWN + 1] if isinstance(value, str) else value
    written = ascii(text) if isinstance(text, str) and not text.isprintable() else repr(text)
    return written if len(written) <= SHOWN else written[: SHOWN - 3] + "..."


def corpus_words(corpus: Corpus) -> int:
    """Return the number of words of all chunks; in languages written without spaces two letters are one."""
    return sum(count_words(chunk.text) for chunk in corpus.chunks)


def make_corpus(name: str, chunks: Sequence[Chunk], source: str, places: Sequence[str] | None = None) -> Corpus:
    """Return a corpus of the chunks, numbered from 0; check them and add the checksum.

    ``places`` says where each chunk came from (``line 3``), for messages. Ids may be any text that can be encoded;
    they are never used as file names here.
    Raises CorpusError for no chunks, a repeated id, an empty id or text, a lone surrogate or a malformed language.
    """
    if not chunks:
        raise CorpusError(f"{source}: the corpus is empty, it has no chunk to speak")
    where = places or [f"chunk {number}" for number in range(1, len(chunks) + 1)]
    first_seen: dict[str, int] = {}
    for index, chunk in enumerate(chunks):
        _check(chunk, f"{source}, {where[index]}")
        if chunk.id in first_seen:
            earlier = where[first_seen[chunk.id]]
            raise CorpusError(f"{source}: id {shown_value(chunk.id)} is used twice, on {earlier} and on {where[index]}")
        first_seen[chunk.id] = index
    numbered = tuple(replace(chunk, position=index) for index, chunk in enumerate(chunks))
    return Corpus(name=name, chunks=numbered, sha256=corpus_checksum(numbered), source=source)


def _check(chunk: Chunk, where: str) -> None:
    for key in ("id", "text"):
        value: str = getattr(chunk, key)
        if not value.strip():
            raise CorpusError(f"{where}: key '{key}' is empty")
        _check_letters(value, key, where)
    if chunk.expected:
        _check_letters(chunk.expected, "expected", where)
    if not LANGUAGE.fullmatch(chunk.language):
        raise CorpusError(
            f"{where}: key 'language' is {shown_value(chunk.language)}, not a BCP-47 tag such as 'en' or 'pt-BR'"
        )


def _check_letters(value: str, key: str, where: str) -> None:
    at = next((index for index, letter in enumerate(value) if "\ud800" <= letter <= "\udfff"), None)
    if at is not None:
        raise CorpusError(
            f"{where}: key '{key}' has a lone surrogate U+{ord(value[at]):04X} at character {at}, "
            f"which no encoding can write; use the whole character"
        )


def take(corpus: Corpus, count: int) -> Corpus:
    """Return the first ``count`` chunks (all, if there are fewer), with their positions and a checksum of their own.

    Raises CorpusError when ``count`` is below 1.
    """
    if count < 1:
        raise CorpusError(f"corpus {corpus.name!r}: cannot take {count} chunks, take at least 1")
    return _part(corpus, corpus.chunks[:count])


def head(corpus: Corpus, count: int | None) -> Corpus:
    """Return the first ``count`` chunks (None: all) under the name and checksum of the whole."""
    return replace(corpus, chunks=corpus.chunks[:count])


def select(corpus: Corpus, ids: Container[str]) -> Corpus:
    """Return the chunks whose id is in ``ids``, in corpus order and with the positions they have in the whole corpus.

    Raises CorpusError when none is left.
    """
    return _part(corpus, tuple(chunk for chunk in corpus.chunks if chunk.id in ids))


def only_language(corpus: Corpus, language: str) -> Corpus:
    """Return the chunks in a language: ``de`` keeps ``de`` and ``de-AT``. Positions stay.

    Raises CorpusError naming the languages there are when none matches.
    """
    wanted = language.lower()
    kept = tuple(
        c for c in corpus.chunks if c.language.lower() == wanted or c.language.lower().startswith(wanted + "-")
    )
    if not kept:
        have = ", ".join(sorted({chunk.language for chunk in corpus.chunks}))
        raise CorpusError(f"corpus {corpus.name!r}: no chunk in language {language!r} (choose from: {have})")
    return _part(corpus, kept)


def _part(corpus: Corpus, chunks: tuple[Chunk, ...]) -> Corpus:
    if not chunks:
        raise CorpusError(f"corpus {corpus.name!r}: the selection is empty")
    return replace(corpus, chunks=chunks, sha256=corpus_checksum(chunks))
