"""Values of one row to and from SQLite without loss, and the checksum over them.

SQLite would turn NaN into NULL, -0.0 into 0, integers above 63 bits into an error and lone surrogates into another;
each of these would make a record that reads back differently from what was acknowledged.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeAlias

import numpy as np

Cell: TypeAlias = int | float | str | bytes | None

_DOUBLE = struct.Struct("<d")
_NONFINITE = "$float"  # {"$float": "nan"} stands for a number that JSON has no word for


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")


def _spell_nonfinite(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = _plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {_NONFINITE: repr(value)}
    if isinstance(value, Mapping):
        return {key: _spell_nonfinite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spell_nonfinite(item) for item in value]
    return value


def _read_nonfinite(value: dict[str, Any]) -> Any:
    spelled = value.get(_NONFINITE)
    return float(spelled) if len(value) == 1 and isinstance(spelled, str) else value


def dump_json(value: Any) -> str:
    """Return strict JSON (no NaN token), keys in the order given. Raises TypeError for what JSON cannot hold."""
    try:
        return json.dumps(value, default=_plain, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_spell_nonfinite(value), default=_plain, allow_nan=False, separators=(",", ":"))


def load_json(text: str) -> Any:
    """Return the inverse of dump_json; tuples come back as lists."""
    return json.loads(text, object_hook=_read_nonfinite) if _NONFINITE in text else json.loads(text)


def _text(value: str) -> Cell:
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def to_cell(kind: str, value: Any) -> Cell:
    """Return one Python value as SQLite gives it back bit for bit."""
    if value is None:
        return None
    if kind == "int":
        whole = int(value)
        if not -(2**63) <= whole < 2**63:
            raise OverflowError(f"an integer of {whole.bit_length()} bits")
        return whole
    if kind == "real":
        number = float(value)
        return repr(number) if math.isnan(number) else number + 0.0
    if kind == "json":
        return dump_json(value)
    if kind == "seed":
        number_ = int(value)
        return number_ if -(2**63) <= number_ < 2**63 else str(number_)
    if kind == "blob":
        return bytes(value)
    return _text(str(value))


def from_cell(kind: str, cell: Cell) -> Any:
    """Return the inverse of to_cell."""
    if cell is None:
        return None
    if kind == "real":
        return float(cell)
    if kind == "json":
        return load_json(str(cell))
    if kind == "seed":
        return int(cell)
    if kind == "text" and isinstance(cell, bytes):
        return cell.decode("utf-8", "surrogatepass")
    return cell


def row_checksum(table: str, cells: Sequence[Cell], following: bytes = b"") -> str:
    """Return 16 hex digits over the table's name and the cells, id first.

    ``following``: what ``sealed_cells`` gave of the cells behind these, where it is at hand.
    """
    sealed = b"".join((table.encode(), sealed_cells(cells), following))
    return hashlib.blake2b(sealed, digest_size=8).hexdigest()


def sealed_cells(cells: Sequence[Cell]) -> bytes:
    """Return cells as the bytes that a checksum is taken of."""
    parts: list[bytes] = []
    for cell in cells:
        if cell is None:
            parts.append(b"n")
        elif isinstance(cell, str):
            raw = cell.encode()
            parts.append(b"s%d:%b" % (len(raw), raw))
        elif isinstance(cell, bytes):
            parts.append(b"b%d:%b" % (len(cell), cell))
        elif isinstance(cell, float):
            parts.append(b"f" + _DOUBLE.pack(cell))
        else:
            parts.append(b"i%d;" % cell)
    return b"".join(parts)
