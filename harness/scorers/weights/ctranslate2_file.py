"""The binary model file of CTranslate2, read without its library: what is in it, and whether it is whole.

Little-endian throughout. Strings are a 16-bit length (the closing zero counted) and that many bytes.

    u32 version of the format (6)         string name of the specification     u32 its revision
    u32 number of variables, then each:   string name, u8 rank, rank x u32 dimensions, u8 type, u32 bytes, the bytes
    u32 number of aliases, then each:     string alias, string name of the variable it stands for

There is no code in it and nothing that is executed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import ConfigError

_VERSIONS = (5, 6)  # 5: the same layout, by earlier converters
_MOST = 100_000  # variables of a file that is believed
_TYPES: dict[int, np.dtype[np.generic]] = {
    0: np.dtype("<f4"),
    1: np.dtype("i1"),
    2: np.dtype("<i2"),
    3: np.dtype("<i4"),
    4: np.dtype("<f2"),
}
_BFLOAT16 = 5  # numpy has no type for it: two bytes a number


@dataclass(frozen=True, slots=True)
class StoredVariable:
    """One array of the file. ``kind`` is its type's number; ``offset`` and ``size`` are in bytes."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The contents of a model file: its specification (such as WhisperSpec) and its arrays by name."""

    path: Path
    specification: str
    revision: int
    variables: dict[str, StoredVariable]
    aliases: dict[str, str]

    @classmethod
    def open(cls, path: Path) -> ModelFile:
        """Read the table of contents. Raises ConfigError unless the file is of this format and whole."""
        try:
            with path.open("rb") as file:
                return cls(path, *_contents(file, path.stat().st_size))
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
        except _Broken as error:
            raise ConfigError(f"{path}: {error}") from None

    def array(self, name: str) -> NDArray[np.generic]:
        """Return a variable as it is stored. Raises ConfigError where it is absent or of a type that numpy lacks."""
        variable = self.variables.get(self.aliases.get(name, name))
        if variable is None:
            raise ConfigError(f"{self.path}: has no variable {name!r}, as a {self.specification} known here would")
        if variable.kind not in _TYPES:
            raise ConfigError(f"{self.path}: {name} is stored in a type that is not read here (bfloat16)")
        kind = _TYPES[variable.kind]
        flat = np.fromfile(self.path, kind, count=variable.size // kind.itemsize, offset=variable.offset)
        return flat.reshape(variable.shape)


class _Broken(Exception):
    """Not this format, or not whole."""


def _contents(file: BinaryIO, length: int) -> tuple[str, int, dict[str, StoredVariable], dict[str, str]]:
    version = _number(file, "I")
    if version not in _VERSIONS:
        raise _Broken(f"is no CTranslate2 model file of version {' or '.join(map(str, _VERSIONS))}")
    specification, revision = _string(file), _number(file, "I")
    variables = [_variable(file, length) for _ in range(_count(file))]
    aliases = [(_string(file), _string(file)) for _ in range(_count(file))]
    if file.tell() != length:
        raise _Broken(f"has {length - file.tell()} bytes behind its end")
    return specification, revision, {variable.name: variable for variable in variables}, dict(aliases)


def _variable(file: BinaryIO, length: int) -> StoredVariable:
    name, rank = _string(file), _number(file, "B")
    shape = tuple(_number(file, "I") for _ in range(rank))
    kind, size = _number(file, "B"), _number(file, "I")
    offset = file.tell()
    width = 2 if kind == _BFLOAT16 else _TYPES[kind].itemsize if kind in _TYPES else 0
    if width * int(np.prod(shape, dtype=object)) != size:
        raise _Broken(f"is damaged: {name!r} of shape {shape} cannot have {size} bytes")
    if offset + size > length:
        raise _Broken(f"is truncated: {name!r} needs {offset + size} bytes, the file has {length}")
    file.seek(size, 1)
    return StoredVariable(name, shape, kind, offset, size)


def _count(file: BinaryIO) -> int:
    number = _number(file, "I")
    if number > _MOST:
        raise _Broken(f"is damaged: it claims {number} entries")
    return number


def _string(file: BinaryIO) -> str:
    data = file.read(_number(file, "H"))
    if not data.endswith(b"\0"):
        raise _Broken("is truncated or damaged in its table of contents")
    return data[:-1].decode("utf-8", "replace")


def _number(file: BinaryIO, kind: str) -> int:
    data = file.read(struct.calcsize(f"<{kind}"))
    try:
        return int(struct.unpack(f"<{kind}", data)[0])
    except struct.error:
        raise _Broken("is truncated: it ends within its table of contents") from None
