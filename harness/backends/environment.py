"""What programs say when it is not the text: no connection, no name, no certificate, no room on the disk."""

from __future__ import annotations

import re

_NOT_THE_TEXT = re.compile(
    r"connection refused|failed to connect|could(n't| not) connect|no route to host|network is (unreachable|down)"
    r"|could not resolve|name or service not known|temporary failure in name resolution|getaddrinfo failed"
    r"|nodename nor servname|certificate verify failed|ssl certificate problem"
    r"|no space left on device|disk quota exceeded|read-only file system|too many open files",
    re.IGNORECASE,
)
_LAST = 2000  # characters of a log's end that are looked at


def not_the_text(said: str) -> bool:
    """Return whether the end of what a program said names something that no text can be the reason of."""
    return _NOT_THE_TEXT.search(said[-_LAST:]) is not None
