"""What a power cut may leave on the medium: only what was synced is sure, the rest is there in parts or not at all.

Content is sure after fsync of the file, names after fsync of their directory. Of the writes since then any subset may
have arrived, in parts; of the changes of names any beginning (journalling file systems keep these in order).
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct("<cQqI")


class Call(NamedTuple):
    op: str  # a acknowledged, c create, w write, t truncate, s sync, r rename, u unlink, m mkdir
    inode: int
    number: int
    path: str
    data: bytes


def read_log(path: Path) -> list[Call]:
    data = path.read_bytes()
    calls = []
    at = 0
    while at < len(data):
        op, inode, number, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        text = data[at : at + length].decode()
        at += length
        (size,) = struct.unpack_from("<I", data, at)
        at += 4
        calls.append(Call(op.decode(), inode, number, text, data[at : at + size]))
        at += size
    return calls


@dataclass
class Medium:
    """Synced contents and names, and what has not been synced yet."""

    content: dict[int, bytearray] = field(default_factory=dict)  # file -> synced bytes
    pending: dict[int, list[Call]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)  # synced path -> file; -1: directory
    renaming: list[tuple[str, Call]] = field(default_factory=list)  # (directory, change of names)
    current: dict[str, int] = field(default_factory=dict)


def _apply(content: bytearray, call: Call) -> None:
    if call.op == "t":
        del content[call.number :]
        content.extend(bytes(max(0, call.number - len(content))))
    else:
        content.extend(bytes(max(0, call.number - len(content))))
        content[call.number : call.number + len(call.data)] = call.data


def _rename(names: dict[str, int], call: Call) -> None:
    if call.op == "u":
        names.pop(call.path, None)
    elif call.op == "r":
        target = call.data.decode()
        for name in [n for n in names if n == call.path or n.startswith(call.path + "/")]:
            names[target + name[len(call.path) :]] = names.pop(name)
    else:
        names[call.path] = call.inode if call.op == "c" else -1


def _parent(path: str) -> str:
    return path.rsplit("/", 1)[0]


def crash_states(
    calls: list[Call], root: str, count: int, chance: random.Random
) -> Iterator[tuple[int, list[int], dict[str, bytes], list[str]]]:
    """(call, acknowledged so far, file -> content, directories) for ``count`` states after every call."""
    medium = Medium()
    fresh = 0
    files: dict[int, int] = {}  # inode -> number of the file that has it now; inodes are used again
    said: list[int] = []
    for at, call in enumerate(calls):
        if call.op == "a":
            said.append(call.number)
            continue
        if call.op == "c":
            fresh += 1
            files[call.inode] = fresh
            medium.content[fresh], medium.pending[fresh] = bytearray(), []
        if call.op in "wt":
            medium.pending[files[call.inode]].append(call)
        elif call.op == "s":
            _sync(medium, files, call)
        else:
            change = call._replace(inode=files.get(call.inode, -1))
            medium.renaming.append((_parent(change.path), change))
        following = calls[at + 1].op if at + 1 < len(calls) else ""
        if following == "a":  # acknowledged next: take the states after it as well, not before
            said = [*said, calls[at + 1].number]
            yield from ((at, list(said), *state) for state in _states(medium, root, count, chance))
            said.pop()
        else:
            yield from ((at, list(said), *state) for state in _states(medium, root, count, chance))


def _sync(medium: Medium, files: dict[int, int], call: Call) -> None:
    number = files.get(call.inode)
    if number is not None and not any(folder == call.path for folder, _ in medium.renaming):
        for write in medium.pending[number]:
            _apply(medium.content[number], write)
        medium.pending[number] = []
        return
    # Changes of names are kept in order, as every journalling file system keeps them.
    while any(folder == call.path for folder, _ in medium.renaming):
        _rename(medium.names, medium.renaming.pop(0)[1])


def _states(
    medium: Medium, root: str, count: int, chance: random.Random
) -> Iterator[tuple[dict[str, bytes], list[str]]]:
    for number in range(count):
        share = (0.0, 1.0)[number] if number < 2 else chance.random()
        names = dict(medium.names)
        arrived = len(medium.renaming) if share == 1.0 else int(chance.random() * share * (len(medium.renaming) + 1))
        for _, change in medium.renaming[:arrived]:
            _rename(names, change)
        contents: dict[str, bytes] = {}
        for path, file in names.items():
            if file < 0 or path.endswith("-shm"):
                continue
            content = bytearray(medium.content[file])
            for write in medium.pending[file]:
                if chance.random() < share:
                    _apply(content, write)
            contents[path[len(root) + 1 :]] = bytes(content)
        folders = [path[len(root) + 1 :] for path, file in names.items() if file < 0]
        yield {name: data for name, data in contents.items() if _parent("/" + name)[1:] in {"", *folders}}, folders
