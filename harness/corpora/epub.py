"""Reading the text of an EPUB (2 or 3) in spine order, with the standard library's zip and HTML readers.

The file is not trusted: what is unpacked is bounded, XML entities are refused, and nothing is written to disk.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from harness.core.errors import CorpusError
from harness.core.records import Corpus
from harness.corpora.files import numbered, read_bytes
from harness.corpora.html_text import html_to_text
from harness.text.chunker import chunk_text

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
FONT_OBFUSCATION = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
MAX_MEMBER_BYTES = 16 * 2**20  # unpacked, of one file in the archive
MAX_TOTAL_BYTES = 32 * 2**20  # unpacked, of all files that are read
MAX_DOCUMENTS = 10_000
TEXT_TYPES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


class _Archive:
    """The zip file, counting what it has unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        read_bytes(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise CorpusError(f"{path}: not an EPUB, the zip archive cannot be read: {error}") from error
        self._names = set(self._zip.namelist())
        self._total = 0

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def close(self) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Return one member. Raises CorpusError when it is missing, encrypted, damaged, or unpacks to too much."""
        if name not in self._names:
            raise CorpusError(f"{self.path}: {name!r} is missing from the archive")
        if self._zip.getinfo(name).flag_bits & 0x1:
            raise CorpusError(f"{self.path}: {name!r} is encrypted; only books without DRM can be read")
        limit = min(MAX_MEMBER_BYTES, MAX_TOTAL_BYTES - self._total)
        try:
            with self._zip.open(name) as member:
                data = member.read(limit + 1)  # the sizes in the archive's own directory may lie
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
            raise CorpusError(f"{self.path}: {name!r} is damaged: {error}") from error
        if len(data) > limit:
            raise CorpusError(
                f"{self.path}: {name!r} unpacks to too much (limits: {MAX_MEMBER_BYTES} bytes a file, "
                f"{MAX_TOTAL_BYTES} in all); it may be a zip bomb"
            )
        self._total += len(data)
        return data


def read_epub(path: Path, language: str | None, max_words: int) -> Corpus:
    """Return the book's text, chunked; ids are ``<stem>-0001`` and so on.

    ``language`` None takes the one the book states, else ``en``.
    Raises CorpusError for what is no EPUB, is encrypted, too large, or has no text.
    """
    archive = _Archive(path)
    try:
        _refuse_drm(archive)
        package_name = _package_name(archive)
        package = _xml(archive, package_name)
        spoken = language or _language(package) or "en"
        names = _spine(package, package_name, path)
        chunks: list[str] = []
        for name in names:  # chapter by chapter, so that no chunk crosses two documents
            text = html_to_text(_decode(archive.read(name), name, path))
            chunks += chunk_text(text, max_words, min(8, max_words), spoken)
    finally:
        archive.close()
    if not chunks:
        raise CorpusError(f"{path}: the book has no text in its {len(names)} documents")
    return numbered(path, chunks, spoken)


def _refuse_drm(archive: _Archive) -> None:
    """Obfuscated fonts are harmless; any other encrypted content means that the text cannot be read."""
    if "META-INF/rights.xml" in archive and ENCRYPTION not in archive:
        raise CorpusError(f"{archive.path}: protected by DRM (META-INF/rights.xml); it cannot be read")
    if ENCRYPTION not in archive:
        return
    for element in _xml(archive, ENCRYPTION).iter():
        if _tag(element) == "EncryptionMethod" and element.get("Algorithm") not in FONT_OBFUSCATION:
            raise CorpusError(f"{archive.path}: protected by DRM ({ENCRYPTION}); it cannot be read")


def _xml(archive: _Archive, name: str) -> Element:
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(archive.read(name))
    except DefusedXmlException as error:
        raise CorpusError(f"{archive.path}: {name!r} declares XML entities, which are refused") from error
    except (ParseError, ValueError, LookupError) as error:  # LookupError: an encoding nobody knows
        raise CorpusError(f"{archive.path}: {name!r} is no well-formed XML: {error}") from error
    return root


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _package_name(archive: _Archive) -> str:
    if CONTAINER not in archive:
        raise CorpusError(f"{archive.path}: not an EPUB, {CONTAINER} is missing")
    for element in _xml(archive, CONTAINER).iter():
        if _tag(element) == "rootfile" and element.get("full-path"):
            return str(element.get("full-path"))
    raise CorpusError(f"{archive.path}: {CONTAINER} names no 'rootfile' with a 'full-path'")


def _language(package: Element) -> str | None:
    languages = (element.text for element in package.iter() if _tag(element) == "language" and element.text)
    return next((text.strip() for text in languages if text.strip()), None)


def _spine(package: Element, package_name: str, path: Path) -> list[str]:
    """Archive names of the text documents in reading order; the navigation document is left out."""
    items = {element.get("id"): element for element in package.iter() if _tag(element) == "item"}
    names: list[str] = []
    for reference in (element for element in package.iter() if _tag(element) == "itemref"):
        item = items.get(reference.get("idref"))
        if item is None:
            raise CorpusError(
                f"{path}: {package_name!r}: the spine names {reference.get('idref')!r}, not in the manifest"
            )
        wanted = reference.get("linear", "yes") != "no" and "nav" not in item.get("properties", "").split()
        if wanted and item.get("media-type", TEXT_TYPES[0]) in TEXT_TYPES:
            target = unquote(item.get("href", "").partition("#")[0])
            names.append(posixpath.normpath(posixpath.join(posixpath.dirname(package_name), target)))
    names = list(dict.fromkeys(names))  # a document that stands in the spine twice is read once
    if not names or len(names) > MAX_DOCUMENTS:
        raise CorpusError(f"{path}: {package_name!r}: {len(names)} documents in the spine, need 1 to {MAX_DOCUMENTS}")
    return names


def _decode(data: bytes, name: str, path: Path) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # the two that EPUB allows
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: {name!r} is not {encoding}: byte {error.start}") from error
    if "\0" in text:
        raise CorpusError(f"{path}: {name!r} has a NUL character, no text document")
    return text
