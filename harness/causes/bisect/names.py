"""Sets of parts in few words."""

from __future__ import annotations

import re
from collections.abc import Collection

_WHOLE = 5  # differing tensors of a block from which on it is named as one
_LAYERED = re.compile(r"blk\.(\d+)\.(.+?)(\.weight)?")


def named_set(names: Collection[str], of: Collection[str]) -> str:
    """Return the tensors in few words: whole blocks by number, else by kind with the blocks they are of.

    ``of``: all tensors that differ; a block is whole where all of its tensors among them, at least 5, are in the set.
    """
    blocks: dict[int, set[str]] = {}
    for name in of:
        if match := _LAYERED.fullmatch(name):
            blocks.setdefault(int(match[1]), set()).add(name)
    whole = sorted(number for number, members in blocks.items() if len(members) >= _WHOLE and members <= set(names))
    rest: dict[str, list[int]] = {}
    words = [f"{'blocks' if len(whole) > 1 else 'block'} {_numbers(whole)}"] if whole else []
    for name in sorted(names):
        match = _LAYERED.fullmatch(name)
        if match is None:
            words.append(name)
        elif int(match[1]) not in whole:
            rest.setdefault(match[2], []).append(int(match[1]))
    words += [f"blk.{_numbers(sorted(numbers))}.{kind}" for kind, numbers in rest.items()]
    return ", ".join(words)


def _numbers(numbers: list[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}" if len(numbers) > 1 else str(numbers[0])


def named_paths(names: Collection[str], of: Collection[str]) -> str:
    """Return parts named by their path ("/dec/ups.0/Conv") in few words: whole branches as "/dec/ups.0/*" with a count.

    ``of``: all parts that differ; a branch is whole where all of its parts among them are in the set.
    """
    chosen, words = set(names), []
    rest = sorted(chosen)
    while rest:
        branch = next((one for one in _branches(rest[0]) if _within(one, of) <= chosen), rest[0])
        members = _within(branch, of) if branch != rest[0] else {rest[0]}
        words.append(f"{branch}/* ({len(members)})" if len(members) > 1 else rest[0])
        rest = [name for name in rest if name not in members]
    return ", ".join(words)


def _branches(name: str) -> list[str]:
    """All beginnings of a path, the shortest first; of "/a/b/c": "/a", "/a/b"."""
    cuts = [at for at, letter in enumerate(name) if letter == "/" and at]
    return [name[:at] for at in cuts]


def _within(branch: str, of: Collection[str]) -> set[str]:
    return {name for name in of if name.startswith(f"{branch}/")}
