"""A second, plain list of acknowledged attempts beside the journal, so that a damaged WAL cannot lose them unnoticed.

SQLite drops everything after a damaged WAL frame without a word: right for a torn tail, silent loss for a flipped bit
in the middle. One line a durable attempt (id, checksum of its row) shows what has to be there. It is not fsynced: a
kill leaves it whole, and after a power cut it may only be shorter than the journal, which hides nothing that was lost.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from harness.core.documents import read_limited
from harness.core.durable import write_all
from harness.core.errors import StoreError

_LINE = re.compile(rb"(\d{1,18}) ([0-9a-f]{16})")
_LIMIT = 256 << 20  # bytes: ten million attempts


class Ledger:
    """``acknowledged.log`` of one run."""

    def __init__(self, run: Path) -> None:
        self.path = run / "acknowledged.log"
        self._descriptor: int | None = None

    def append(self, number: int, row_checksum: str) -> None:
        """Add one attempt. Raises OSError."""
        line = f"{number} {row_checksum}\n".encode()
        if self._descriptor is None:
            self._descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
            )
            size = os.fstat(self._descriptor).st_size
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line  # the last line was torn; it was never acknowledged
        write_all(self._descriptor, line)

    def read(self) -> tuple[list[tuple[int, str]], list[int]]:
        """Return (attempt id, checksum) of every line, and the numbers of damaged lines (a torn last one is none).

        An id stands there twice where an attempt was lost and its number given to another. Raises StoreError.
        """
        if not self.path.exists() and not self.path.is_symlink():
            return [], []
        lines = read_limited(self.path, "list of acknowledged attempts", _LIMIT, StoreError).split(b"\n")
        acknowledged: list[tuple[int, str]] = []
        damaged: list[int] = []
        for number, raw in enumerate(lines[:-1], 1):
            line = raw.strip(b"\0")  # blocks that a power cut left as zeros
            match = _LINE.fullmatch(line)
            if match is not None:
                acknowledged.append((int(match[1]), match[2].decode()))
            elif not _could_be_torn(line):
                damaged.append(number)
        return acknowledged, damaged

    def sync(self) -> None:
        """Bring the list onto the medium; done when a run ends, so that an ended run has a line for each attempt."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # it shows losses, it is none
                os.fsync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _could_be_torn(line: bytes) -> bool:
    return re.fullmatch(rb"\d* ?[0-9a-f]{0,15}", line) is not None  # a write cut short
