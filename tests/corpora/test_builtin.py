"""The texts of the project, the ladder and generated books."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.core.errors import CorpusError
from harness.core.paths import CORPORA
from harness.corpora import builtin, builtin_names, length_ladder, load_corpus, write_manifest
from harness.corpora.generator import generate

SENTENCE = re.compile(r'(?<!Mr)(?<!Dr)[.!?]"? ')


def test_names_are_listed_without_reading_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "CORPORA", Path("/nowhere"))
    assert builtin_names() == ["book", "edge", "multilingual", "sentences"]


def test_book_is_long_enough_to_meet_a_one_percent_fault() -> None:
    chunks = load_corpus("book").chunks
    lengths = [len(chunk.text.split()) for chunk in chunks]
    assert len(chunks) >= 320 and min(lengths) >= 8 and max(lengths) <= 60
    assert 25 <= sum(lengths) / len(lengths) <= 32
    assert [chunk.id for chunk in chunks] == [f"book-{number:04d}" for number in range(1, len(chunks) + 1)]


def test_book_repeats_no_sentence_and_has_balanced_quotes() -> None:
    chunks = load_corpus("book").chunks
    sentences = [part for chunk in chunks for part in SENTENCE.split(chunk.text) if len(part.split()) > 3]
    assert len(sentences) == len(set(sentences))
    unbalanced = [chunk.id for chunk in chunks if chunk.text.count('"') % 2]
    assert unbalanced == []


def test_sentences_differ_in_length_and_edge_says_why_each_is_there() -> None:
    sentences = [len(chunk.text.split()) for chunk in load_corpus("sentences").chunks]
    assert len(sentences) == 13 and sentences == sorted(set(sentences))
    edge = load_corpus("edge").chunks
    tags = {tag for chunk in edge for tag in chunk.tags}
    assert len(edge) >= 60 and all(chunk.tags for chunk in edge)
    assert {
        "one-word",
        "one-letter",
        "number",
        "date",
        "abbreviation",
        "homograph",
        "emotion",
        "emoji",
        "repeats",
    } <= tags
    assert "No, never." in {chunk.text for chunk in edge}
    assert max(len(chunk.text.split()) for chunk in edge) > 200


def test_multilingual_can_be_reduced_to_one_language() -> None:
    whole = load_corpus("multilingual")
    assert {chunk.language for chunk in whole.chunks} == {"ja", "zh-CN", "ru", "de", "fr"}
    german = load_corpus("multilingual:language=de")
    assert len(german.chunks) >= 10 and {chunk.language for chunk in german.chunks} == {"de"}
    assert german.sha256 != whole.sha256


def test_builtins_are_found_from_another_working_directory(tmp_path: Path) -> None:
    code = "from harness.corpora import load_corpus; print(load_corpus('sentences').sha256)"
    root = str(Path(builtin.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {code}"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == load_corpus("sentences").sha256


def test_an_edited_text_is_refused_until_the_manifest_is_rewritten(tmp_path: Path) -> None:
    folder = tmp_path / "corpora"
    shutil.copytree(CORPORA, folder)
    path = folder / "sentences.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("kettle", "cattle"), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"sentences\.jsonl.*manifest\.json.*write_manifest"):
        builtin.load_builtin("sentences", folder)
    assert builtin.load_builtin("edge", folder).chunks
    write_manifest(folder)
    assert "cattle" in builtin.load_builtin("sentences", folder).chunks[1].text


def test_the_committed_manifest_is_the_one_that_would_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "corpora"
    shutil.copytree(CORPORA, folder)
    before = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert json.loads(write_manifest(folder).read_text(encoding="utf-8")) == before


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"corpora": {}}', '{"corpora": {"book": 3}}'])
def test_a_broken_manifest_is_named(tmp_path: Path, broken: str) -> None:
    shutil.copy(CORPORA / "book.jsonl", tmp_path)
    (tmp_path / "manifest.json").write_text(broken, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"manifest\.json"):
        builtin.load_builtin("book", tmp_path)
    with pytest.raises(CorpusError, match=r"edge\.jsonl is missing"):
        builtin.load_builtin("edge", tmp_path)


def test_ladder_doubles_and_starts_with_several_different_short_texts() -> None:
    chunks = length_ladder(300).chunks
    lengths = [len(chunk.text.split()) for chunk in chunks]
    assert sorted(set(lengths)) == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert lengths.count(1) >= 5 and lengths.count(2) >= 4
    assert len({chunk.text for chunk in chunks}) == len(chunks)
    assert all(chunk.text.rstrip('"')[-1] in ".!?" and chunk.text.count('"') % 2 == 0 for chunk in chunks)
    assert load_corpus("ladder:words=300").sha256 == length_ladder(300).sha256
    words = sum(len(chunk.text.split()) for chunk in load_corpus("book").chunks)
    assert length_ladder(words).chunks
    for wrong in (0, words + 1):
        with pytest.raises(CorpusError, match=str(words)):
            length_ladder(wrong)


def test_three_thousand_generated_chunks_are_all_different_and_within_limits() -> None:
    chunks = load_corpus("generated:seed=7,chunks=3000").chunks
    lengths = [len(chunk.text.split()) for chunk in chunks]
    assert len(chunks) == len({chunk.text for chunk in chunks}) == 3000
    assert min(lengths) >= 8 and max(lengths) <= 60 and len(set(lengths)) > 40
    for chunk in chunks:
        assert chunk.text.isascii() and not re.search(r"[{}_]|  |\ba [aeiou]|\ban (?!hour)[^aeiou]", chunk.text), (
            chunk.text
        )
        assert chunk.text.lstrip('"')[0].isupper() and chunk.text.rstrip('"')[-1] in ".?"


def test_generated_bytes_depend_on_the_seed_alone() -> None:
    # The checksum is what another machine or Python version would have to reproduce.
    assert generate(7, 200).sha256 == PINNED
    assert generate(7, 500).chunks[:200] == generate(7, 200).chunks
    assert generate(8, 200).sha256 != PINNED
    for seed, chunks in ((0, 0), (-1, 5), (1, 10**9)):
        with pytest.raises(CorpusError):
            generate(seed, chunks)


PINNED = "2bba1751bf02432c5012a87304bc1951bc2199db454bf3cec698ed12ba2dcf0c"
