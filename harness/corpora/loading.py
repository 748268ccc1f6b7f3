"""One door to every corpus: a built-in name, a recipe, or a file."""

from __future__ import annotations

from pathlib import Path

from harness.core.errors import CorpusError, nearest
from harness.core.records import Corpus
from harness.corpora.builtin import builtin_names, load_builtin
from harness.corpora.corpus import only_language, shown_value
from harness.corpora.files import read_csv, read_jsonl, read_txt
from harness.corpora.ladder import length_ladder
from harness.corpora.listed import is_list, read_list

RECIPES = {"generated": {"seed": 0, "chunks": 1000}, "ladder": {"words": 64}}  # name -> options with their defaults
SUFFIXES = (".csv", ".epub", ".jsonl", ".lst", ".tsv", ".txt")


def load_corpus(spec: str | Path, language: str | None = None, max_words: int = 60) -> Corpus:
    """Load a corpus.

    ``spec`` is a built-in name (``book``, ``edge``, ``multilingual``, ``sentences``, or one language of it:
    ``multilingual:language=de``), a recipe (``generated:seed=7,chunks=2000``, ``ladder:words=64``), or the path of a
    .txt, .jsonl, .csv, .tsv or .epub file or of a list of recordings (LJSpeech, seed-tts-eval, a folder with texts in
    .txt beside the audio). ``language`` (BCP-47) is that of chunks whose file states none, else ``en``.
    ``max_words`` is the chunk limit for .txt and .epub; rows of .jsonl and .csv are chunks as they are.
    Raises CorpusError with the file, line and key, or the nearest valid choice.
    """
    if max_words < 1:
        raise CorpusError(f"max_words must be at least 1, got {max_words}")
    if isinstance(spec, str):
        name, _, options = spec.partition(":")
        if name in RECIPES:
            return _from_recipe(name, options)
        if name in builtin_names():
            return _from_builtin(name, options)
    return _from_file(spec, language, max_words)


def _from_builtin(name: str, options: str) -> Corpus:
    if not options:
        return load_builtin(name)
    key, _, value = options.partition("=")
    if key != "language" or not value:
        raise CorpusError(f"corpus {name}:{options}: a built-in corpus knows one option, language=TAG")
    return only_language(load_builtin(name), value)


def _from_recipe(name: str, options: str) -> Corpus:
    values = dict(RECIPES[name])
    given: set[str] = set()
    for option in filter(None, options.split(",")):
        key, _, value = (part.strip() for part in option.partition("="))
        if key not in values:
            raise CorpusError(f"corpus {name}:{options}: unknown option {key!r}{nearest(key, values)}")
        if not (value.isascii() and value.isdigit() and len(value) <= 9):
            raise CorpusError(f"corpus {name}:{options}: option '{key}' must be a whole number, got {value!r}")
        if key in given:
            raise CorpusError(f"corpus {name}:{options}: option {key!r} is given twice")
        given.add(key)
        values[key] = int(value)
    if name == "ladder":
        return length_ladder(values["words"])
    from harness.corpora.generator import generate

    return generate(values["seed"], values["chunks"])


def _from_file(spec: str | Path, stated: str | None, max_words: int) -> Corpus:
    if not str(spec).isprintable():  # it could neither be shown nor stored with the run
        raise CorpusError(f"{shown_value(str(spec))}: the path has characters that are not printable; rename the file")
    path = Path(spec)
    language = stated or "en"
    suffix = path.suffix.lower()
    if path.exists() and is_list(path):
        return read_list(path, language)
    if suffix == ".txt":
        return read_txt(path, language, max_words)
    if suffix == ".jsonl":
        return read_jsonl(path, language)
    if suffix in (".csv", ".tsv"):
        return read_csv(path, language)
    if suffix == ".epub":
        from harness.corpora.epub import read_epub

        return read_epub(path, stated, max_words)
    names = [*builtin_names(), *RECIPES]
    if path.is_dir():
        raise CorpusError(f"corpus {str(spec)!r}: a folder without recordings (audio files with a .txt beside each)")
    if suffix or "/" in str(spec) or path.exists():
        raise CorpusError(f"corpus {str(spec)!r}: unknown kind of file, use one of {', '.join(SUFFIXES)}")
    raise CorpusError(f"unknown corpus {str(spec)!r}{nearest(str(spec), names)}")
