"""Corpora: find, load, check and chunk the texts that are spoken."""

from harness.corpora.builtin import builtin_names, write_manifest
from harness.corpora.corpus import corpus_words, head, make_corpus, only_language, select, take
from harness.corpora.ladder import length_ladder
from harness.corpora.loading import load_corpus

__all__ = [
    "builtin_names",
    "corpus_words",
    "head",
    "length_ladder",
    "load_corpus",
    "make_corpus",
    "only_language",
    "select",
    "take",
    "write_manifest",
]
