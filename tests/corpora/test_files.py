"""Files of the user's own: what is accepted, and that each mistake is named with its file, line and key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.core.errors import CorpusError
from harness.core.records import Chunk
from harness.corpora import load_corpus, make_corpus, only_language, select, take


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def rows(path: Path, *objects: object) -> Path:
    return write(path, "\n".join(json.dumps(entry) for entry in objects))


def refusal(spec: str | Path) -> str:
    with pytest.raises(CorpusError) as caught:
        load_corpus(spec)
    message = str(caught.value)
    assert "\n" not in message and "\0" not in message and len(message) < 600
    message.encode("utf-8")
    return message


def test_text_file_is_chunked_and_numbered(tmp_path: Path) -> None:
    path = write(tmp_path / "novel.txt", b"\xef\xbb\xbfIt was late.\r\n\r\n" + b"The rain went on and on. " * 30)
    corpus = load_corpus(path, language="en-GB")
    assert corpus.name == "novel" and [chunk.id for chunk in corpus.chunks][:2] == ["novel-0001", "novel-0002"]
    assert corpus.chunks[0].text.startswith("It was late.") and corpus.chunks[0].language == "en-GB"
    assert all(len(chunk.text.split()) <= 60 for chunk in corpus.chunks)
    assert max(len(chunk.text.split()) for chunk in load_corpus(path, max_words=12).chunks) <= 12


def test_jsonl_keeps_rows_as_they_are(tmp_path: Path) -> None:
    path = rows(
        tmp_path / "own.jsonl",
        {"id": "a", "text": "  One.\n\u2028Two. ", "language": "fr", "tags": ["x"]},
        {"text": "w " * 200},
        {"id": 7, "text": "x", "speaker": "someone"},
    )
    chunks = load_corpus(path, language="de").chunks
    assert chunks[0] == Chunk("a", "  One.\n\u2028Two. ", "fr", ("x",), 0)
    assert chunks[1].id == "own-0002" and chunks[1].text == "w " * 200 and chunks[1].language == "de"
    assert chunks[2].id == "7" and [chunk.position for chunk in chunks] == [0, 1, 2]


def test_csv_reads_quoted_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", 'id,text,tags\n1,"Hello, ""you"".\nBye.",a b\n\n2,Short,\n')
    chunks = load_corpus(path).chunks
    assert [(chunk.id, chunk.text, chunk.tags) for chunk in chunks] == [
        ("1", 'Hello, "you".\nBye.', ("a", "b")),
        ("2", "Short", ()),
    ]


def test_hostile_texts_and_ids_are_legal_chunks(tmp_path: Path) -> None:
    texts = ["a\0b", "x" * 1_000_000, "\u202eabc", "😀", "</script><script>"]
    ids = ["../../etc/passwd", "caf\u00e9", "cafe\u0301", "CON", "i" * 100_000]
    pairs = list(zip(ids, texts, strict=True))
    path = rows(tmp_path / "hostile.jsonl", *({"id": key, "text": text} for key, text in pairs))
    assert [(chunk.id, chunk.text) for chunk in load_corpus(path).chunks] == pairs
    table = write(tmp_path / "hostile.csv", "id,text\n../x,a\0b\ny," + "x" * 1_000_000 + "\n")
    assert [len(chunk.text) for chunk in load_corpus(table).chunks] == [3, 1_000_000]


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a.txt", "", ["a.txt", "empty"]),
        ("a.txt", " \n\t ", ["empty"]),
        ("a.jsonl", "\n\n", ["empty"]),
        ("a.csv", "id,text\n", ["a.csv", "empty"]),
        ("a.txt", b"fine\nbad \xff here", ["a.txt", "line 2", "UTF-8", "0xff"]),
        ("a.txt", "Hello".encode("utf-16"), ["UTF-16"]),
        ("a.txt", "one\ntwo \0 three", ["line 2", "NUL"]),
        ("a.jsonl", '{"text": "x"}\nnot json', ["line 2", "JSON"]),
        ("a.jsonl", "[" * 100_000, ["line 1", "JSON"]),
        ("a.jsonl", '["x"]', ["line 1", "'text'"]),
        ("a.jsonl", '{"id": "a", "txt": "x"}', ["line 1", "'text'", "'txt'"]),
        ("a.jsonl", '{"text": 5}', ["line 1", "'text'", "5"]),
        ("a.jsonl", '{"text": "x", "id": null}', ["line 1", "'id'"]),
        ("a.jsonl", '{"text": "x", "tags": "y"}', ["line 1", "'tags'"]),
        ("a.jsonl", '{"text": "x", "lang": "de"}', ["line 1", "'lang'", "'language'"]),
        ("a.jsonl", '{"text": "x", "language": "not a tag"}', ["line 1", "'language'", "BCP-47"]),
        ("a.jsonl", '{"text": "x"}\n{"text": " "}', ["line 2", "'text'", "empty"]),
        ("a.jsonl", '{"text": "x", "id": ""}', ["line 1", "'id'", "empty"]),
        ("a.jsonl", '{"text": "say \\ud83d now"}', ["line 1", "'text'", "surrogate", "U+D83D"]),
        ("a.jsonl", '{"id": "\\udc00", "text": "x"}', ["line 1", "'id'", "surrogate"]),
        ("a.csv", "id,sentence\n1,x\n", ["line 1", "'text'", "'sentence'"]),
        ("a.csv", "id,text\n1,x,y\n", ["line 2", "columns"]),
        ("a.csv", "id,text\n1,x\n2\n", ["line 3", "columns"]),
        ("a.csv", "text,text\nx,y\n", ["line 1", "twice"]),
        ("a.csv", 'id,text\n1,"open', ["a.csv", "CSV"]),
        ("a.docx", "x", ["kind of file", ".epub"]),
    ],
)
def test_each_mistake_is_one_clear_line(tmp_path: Path, name: str, content: str | bytes, parts: list[str]) -> None:
    message = refusal(write(tmp_path / name, content))
    assert not [part for part in parts if part not in message], message


def test_duplicate_ids_name_both_lines(tmp_path: Path) -> None:
    message = refusal(
        rows(tmp_path / "a.jsonl", {"id": "x", "text": "1"}, {"id": "y", "text": "2"}, {"id": "x", "text": "3"})
    )
    assert "'x'" in message and "line 1" in message and "line 3" in message
    table = write(tmp_path / "a.csv", 'id,text\nx,"one\ntwo"\nx,three\n')
    message = refusal(table)
    assert "line 2" in message and "line 4" in message
    huge = rows(tmp_path / "b.jsonl", {"id": "\0" + "i" * 10**6, "text": "1"}, {"id": "\0" + "i" * 10**6, "text": "2"})
    assert "line 2" in refusal(huge)


def test_absent_files_and_unknown_names_get_the_nearest_choice(tmp_path: Path) -> None:
    write(tmp_path / "novel.txt", "x")
    assert "'novel.txt'" in refusal(tmp_path / "novl.txt")
    assert "'book'" in refusal("bok")
    assert "no such file" in refusal("/nowhere/at/all.txt")
    assert "regular file" in refusal((tmp_path / "folder.txt", (tmp_path / "folder.txt").mkdir())[0])
    assert "'seed'" in refusal("generated:sed=4")
    assert "whole number" in refusal("generated:chunks=-1")
    assert "language=TAG" in refusal("book:first=3")
    assert "choose from: de, fr, ja, ru, zh-CN" in refusal("multilingual:language=it")
    assert "not printable" in refusal("a\0b.txt")
    refusal("")


def test_checksum_sees_ids_texts_languages_and_order_but_not_tags() -> None:
    chunks = [Chunk("a", "one"), Chunk("b", "two")]
    base = make_corpus("c", chunks, "here").sha256
    changed = [
        [Chunk("a", "one"), Chunk("c", "two")],
        [Chunk("a", "one"), Chunk("b", "two ")],
        [Chunk("a", "one"), Chunk("b", "two", "de")],
        chunks[::-1],
        [Chunk("a", 'one"],["b')],
    ]
    assert len({base, *(make_corpus("c", other, "here").sha256 for other in changed)}) == 6
    assert make_corpus("other", [Chunk("a", "one", tags=("t",)), chunks[1]], "there").sha256 == base


def test_selections_keep_positions_and_order() -> None:
    corpus = make_corpus("c", [Chunk(name, name, "de-AT" if name == "c" else "den") for name in "abcd"], "here")
    assert [chunk.position for chunk in take(corpus, 2).chunks] == [0, 1]
    assert [(chunk.id, chunk.position) for chunk in select(corpus, {"d", "b"}).chunks] == [("b", 1), ("d", 3)]
    assert [(chunk.id, chunk.position) for chunk in only_language(corpus, "de").chunks] == [("c", 2)]
    assert take(corpus, 9).sha256 == corpus.sha256 != take(corpus, 3).sha256
    for wrong in (lambda: take(corpus, 0), lambda: select(corpus, {"z"})):
        with pytest.raises(CorpusError):
            wrong()


def test_expected_is_read_from_jsonl_and_csv_and_is_part_of_the_checksum(tmp_path: Path) -> None:
    rows = [{"text": "<b>305</b> g", "expected": "three oh five grams"}, {"text": "plain"}]
    lines = tmp_path / "c.jsonl"
    lines.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    table = tmp_path / "c.csv"
    table.write_text("text,expected\n<b>305</b> g,three oh five grams\nplain,\n", encoding="utf-8")
    for path in (lines, table):
        first, second = load_corpus(path).chunks
        assert (first.expected, first.expected_text) == ("three oh five grams",) * 2
        assert (second.expected, second.expected_text) == ("", "plain")
    bare = make_corpus("c", [Chunk("a", "one")], "here").sha256
    assert make_corpus("c", [Chunk("a", "one", expected="won")], "here").sha256 != bare
    lines.write_text('{"text": "a", "expected": 3}', encoding="utf-8")
    with pytest.raises(CorpusError, match="line 1: key 'expected' must be a string"):
        load_corpus(lines)
    lines.write_text('{"text": "a", "expectd": "b"}', encoding="utf-8")
    with pytest.raises(CorpusError, match="did you mean 'expected'"):
        load_corpus(lines)
