"""EPUB books: reading order, and archives that mean harm."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from harness.core.errors import CorpusError
from harness.corpora import epub, load_corpus

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
PACKAGE = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>
<dc:language>fr</dc:language></metadata><manifest>
<item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="b" href="text/second%20part.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/first.xhtml" media-type="application/xhtml+xml"/>
<item id="x" href="text/extra.xhtml" media-type="application/xhtml+xml"/>
<item id="p" href="cover.png" media-type="image/png"/></manifest>
<spine><itemref idref="n"/><itemref idref="a"/><itemref idref="p"/><itemref idref="b"/>
<itemref idref="x" linear="no"/></spine></package>"""
FIRST = """<?xml version="1.0"?><!DOCTYPE html><html><head><title>No</title><style>p {}</style></head><body>
<h1>Un</h1><p>Le <i>pre</i>mier jour, il fit beau &amp; chaud,
et l&#39;eau mon&shy;tait.</p><script/><script>no()</script><p>Tr\u00e8s<br/>vite, tout le monde rentra chez soi.</p>
</body></html>"""
SECOND = "<html><body><p>Le second jour fut gris, et personne ne sortit de la maison.</p></body></html>"


def book(path: Path, **changed: str | bytes | None) -> Path:
    files: dict[str, str | bytes | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": PACKAGE,
        "OPS/text/first.xhtml": FIRST,
        "OPS/text/second part.xhtml": SECOND,
        "OPS/text/extra.xhtml": "<p>not read</p>",
        "OPS/nav.xhtml": "<p>not read either</p>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, **changed}.items():
            if content is not None:
                archive.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(CorpusError) as caught:
        load_corpus(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_text_is_read_in_spine_order_with_the_books_language(tmp_path: Path) -> None:
    corpus = load_corpus(book(tmp_path / "livre.epub"))
    assert " ".join(chunk.text for chunk in corpus.chunks) == (
        "Un Le premier jour, il fit beau & chaud, et l'eau montait. Tr\u00e8s vite, tout le monde rentra chez soi. "
        "Le second jour fut gris, et personne ne sortit de la maison."
    )
    assert corpus.chunks[0].id == "livre-0001" and {chunk.language for chunk in corpus.chunks} == {"fr"}
    assert corpus.chunks[-1].text.startswith("Le second")
    assert {chunk.language for chunk in load_corpus(tmp_path / "livre.epub", language="fr-CA").chunks} == {"fr-CA"}


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><container>&b;</container>'
FILE_ENTITY = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><container>&a;</container>'
LOCKED = '<encryption><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>'
FONTS = '<encryption><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/></encryption>'


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"META-INF/container.xml": None}, "container.xml is missing"),
        ({"META-INF/container.xml": "<container/>"}, "rootfile"),
        ({"META-INF/container.xml": "<container>"}, "well-formed"),
        ({"META-INF/container.xml": BOMB}, "entities"),
        ({"META-INF/container.xml": FILE_ENTITY}, "entities"),
        ({"META-INF/encryption.xml": LOCKED}, "DRM"),
        ({"META-INF/rights.xml": "<rights/>"}, "DRM"),
        ({"OPS/book.opf": None}, "missing"),
        ({"OPS/book.opf": "<package/>"}, "0 documents"),
        ({"OPS/book.opf": '<package><spine><itemref idref="q"/></spine></package>'}, "'q'"),
        ({"OPS/text/first.xhtml": None}, "first.xhtml' is missing"),
        ({"OPS/text/first.xhtml": b"<p>\xff\xfe\xfd</p>"}, "first.xhtml' is not utf-8"),
        ({"OPS/text/first.xhtml": "<p>a\0b</p>"}, "NUL"),
        ({"OPS/text/first.xhtml": "<p/>", "OPS/text/second part.xhtml": "<p> </p>"}, "no text"),
    ],
)
def test_each_broken_book_is_one_clear_line(tmp_path: Path, changed: dict[str, str | bytes | None], part: str) -> None:
    message = refusal(book(tmp_path / "bad.epub", **changed))
    assert part in message and "bad.epub" in message


def test_obfuscated_fonts_are_no_drm(tmp_path: Path) -> None:
    assert load_corpus(book(tmp_path / "fonts.epub", **{"META-INF/encryption.xml": FONTS})).chunks


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "bomb.epub", **{"OPS/text/first.xhtml": b"<p>" + b"a " * (epub.MAX_MEMBER_BYTES // 2)})
    assert path.stat().st_size < 2**18
    assert "zip bomb" in refusal(path)
    monkeypatch.setattr(epub, "MAX_TOTAL_BYTES", 2000)
    many = book(tmp_path / "many.epub", **{"OPS/text/second part.xhtml": "<p>word</p>" * 200})
    assert "zip bomb" in refusal(many)


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    whole = book(tmp_path / "whole.epub").read_bytes()
    plain = tmp_path / "plain.epub"
    plain.write_bytes(b"this is no zip file")
    assert "not an EPUB" in refusal(plain)
    cut = tmp_path / "cut.epub"
    cut.write_bytes(whole[: len(whole) // 2])
    assert "not an EPUB" in refusal(cut)
    at = whole.index(b"first.xhtml") + 30
    flipped = tmp_path / "flipped.epub"
    flipped.write_bytes(whole[:at] + bytes(byte ^ 0xFF for byte in whole[at : at + 40]) + whole[at + 40 :])
    assert "damaged" in refusal(flipped)


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    data = bytearray(book(tmp_path / "secret.epub").read_bytes())
    directory = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)  # entry of container.xml
    data[directory + 8] |= 1
    (tmp_path / "secret.epub").write_bytes(data)
    assert "encrypted" in refusal(tmp_path / "secret.epub")
