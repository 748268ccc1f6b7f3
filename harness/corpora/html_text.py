"""The readable text of an HTML document: block elements become paragraphs, what is never read aloud is left out."""

from __future__ import annotations

from html.parser import HTMLParser

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
LISTS = ("dd", "dl", "dt", "li", "ol", "ul", "caption", "table", "td", "th", "tr")
SECTIONS = ("address", "article", "aside", "body", "div", "footer", "header", "main", "nav", "section")
PARTS = ("blockquote", "figcaption", "figure", "hr", "p", "pre")
BLOCKS = frozenset((*HEADINGS, *LISTS, *SECTIONS, *PARTS))
UNSPOKEN = frozenset(["script", "style", "head", "template", "rt", "rp", "svg", "math"])  # rt: the gloss above a word


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unspoken: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in UNSPOKEN:
            self._unspoken.append(tag)
        elif tag in BLOCKS:
            self.parts.append("\n\n")
        elif tag == "br":
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in UNSPOKEN:  # <script/> in XHTML has no end tag to wait for
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unspoken:
            del self._unspoken[self._unspoken.index(tag) :]
        elif tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._unspoken:
            # A line break in the source is a space on the page; only block elements part paragraphs.
            self.parts.append(data.replace("\r", " ").replace("\n", " "))


def html_to_text(document: str) -> str:
    """Return plain text with a blank line between paragraphs; soft hyphens are removed, entities become characters."""
    reader = _Reader()
    reader.feed(document)
    reader.close()
    return "".join(reader.parts).replace("\u00ad", "")
