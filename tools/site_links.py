"""A hook of mkdocs: links from docs/ to files of the clone must lead somewhere; the site shows them as plain text."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s:#]+)(#[^)\s]*)?\)")
_LOG = logging.getLogger("mkdocs.hooks.site_links")


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Return the page with links out of docs/ as their text; warn, which --strict makes an error, where one is dead."""
    source, docs = Path(page.file.abs_src_path), Path(config["docs_dir"]).resolve()

    def settled(link: re.Match[str]) -> str:
        target = (source.parent / link[2]).resolve()
        if target.is_relative_to(docs):
            return link[0]
        if not target.exists():
            _LOG.warning("%s: link to %s, which is not there", source.name, link[2])
        return link[1]

    return _LINK.sub(settled, markdown)
