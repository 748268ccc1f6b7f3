"""The files and edits that docs/extending.md tells people to make, for tests that make them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from tests._places import ROOT

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
_BLOCK = r"((?:(?:    .*)?\n)+)"
_FILE = re.compile(rf"^    # (\w+/[\w.]+)\n{_BLOCK}", re.M)
_EDIT = re.compile(rf"\]\(\.\./(harness/[^)]+)\) below `([^`]+)`:\n\n{_BLOCK}")


def write_files(suite: str, folder: Path) -> None:
    """Write the files of a suite's folder as the page has them."""
    blocks = re.split(r"(?m)^(?=    # \w+/[\w.]+$)", PAGE)
    files = dict(match.groups() for block in blocks if (match := _FILE.match(block)))
    named = {path: content for path, content in files.items() if path.startswith(f"{suite}/")}
    assert named, f"docs/extending.md has no files of {suite}"
    for path, content in named.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(textwrap.dedent(content).strip() + "\n", encoding="utf-8")


def make_edits(clone: Path) -> list[str]:
    """Make every edit of the page in a copy of the clone; return the files that were changed."""
    changed: list[str] = []
    for name, anchor, block in _EDIT.findall(PAGE):
        lines = (clone / name).read_text(encoding="utf-8").split("\n")
        (place,) = [number for number, line in enumerate(lines) if anchor in line]
        indent = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
        lines[place + 1 : place + 1] = [indent + line for line in textwrap.dedent(block).strip().split("\n")]
        (clone / name).write_text("\n".join(lines), encoding="utf-8")
        changed.append(name)
    return changed
