"""One door for documents that somebody else may have written: bounded in size and depth, one clear line otherwise.

JSON (also gzipped) and TOML. A folder, a pipe, a device, a link to itself, a file that unpacks to gigabytes, brackets
nested a hundred thousand deep, a number of five thousand digits: each is an error that names the file.
"""

from __future__ import annotations

import gzip
import io
import json
import stat
import tomllib
import zlib
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from harness.core.errors import ConfigError, SoakError, first_problem

M = TypeVar("M")

JSON_LIMIT = 256 << 20  # bytes, unpacked; the profile of 10,000 chunks takes a tenth of it
TOML_LIMIT = 4 << 20
DEPTH_LIMIT = 64  # brackets within brackets


def read_limited(path: Path, what: str, limit: int = JSON_LIMIT, kind: type[SoakError] = ConfigError) -> bytes:
    """Return the bytes of a regular file. ``what`` it is stands in the message.

    Raises ``kind`` for a file that cannot be read, is none, or is longer than ``limit`` bytes.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise kind(f"{path}: cannot read the {what} (not a regular file)")
        if state.st_size > limit:
            raise kind(f"{path}: the {what} has {state.st_size} bytes, more than {limit}")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise kind(f"{path}: cannot read the {what} ({error.strerror or error})") from None
    except ValueError as error:  # a NUL in its name
        raise kind(f"{str(path)!r}: cannot read the {what} ({error})") from None
    if len(data) > limit:
        raise kind(f"{path}: the {what} has more than {limit} bytes")
    return data


def read_utf8(path: Path, what: str, limit: int = JSON_LIMIT, kind: type[SoakError] = ConfigError) -> str:
    """Return the text of a file. Raises ``kind`` as :func:`read_limited` does, and for bytes that are not UTF-8."""
    try:
        return read_limited(path, what, limit, kind).decode("utf-8-sig")  # with or without a byte order mark
    except UnicodeDecodeError as error:
        marked = error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = "; it looks like UTF-16, save it as UTF-8" if marked else ""
        raise kind(f"{path}: the {what} is not UTF-8 (byte {error.start}){hint}") from None


def read_json(path: Path, what: str, kind: type[SoakError] = ConfigError, limit: int = JSON_LIMIT) -> Any:
    """Return what a JSON file holds; one whose name ends in ``.gz`` is unpacked. Raises ``kind``."""
    data = read_limited(path, what, limit, kind)
    if path.suffix == ".gz":
        data = _unpacked(data, path, what, limit, kind)
    return parse_json(data, f"{path}: the {what}", kind)


def parse_json(data: str | bytes, where: str, kind: type[SoakError] = ConfigError) -> Any:
    """Return what a JSON text holds. Raises ``kind``, the message begins with ``where``."""
    try:
        value = json.loads(data, parse_constant=_no_constant)
    except RecursionError:
        raise kind(f"{where} is nested more than {DEPTH_LIMIT} deep") from None
    except ValueError as error:
        raise kind(f"{where} is not valid JSON: {str(error)[:200]}") from None
    if deeper_than(value, DEPTH_LIMIT):
        raise kind(f"{where} is nested more than {DEPTH_LIMIT} deep")
    return value


def parse_model(
    model: type[M], data: object, where: str, kind: type[SoakError] = ConfigError, *, strict: bool = False
) -> M:
    """Return a document as the model, dataclass or TypedDict that it should be.

    Raises ``kind``: where, the key, and what is wrong with it. With ``strict`` no text stands for a number.
    """
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(model)
    try:
        # as JSON, because what is strict otherwise takes nothing for a dataclass but one
        return (
            adapter.validate_json(json.dumps(data, default=str), strict=True)
            if strict
            else adapter.validate_python(data)
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        given = "" if first["type"] == "missing" else f" (got {str(first['input'])[:40]!r})"
        raise kind(f"{where}: {first_problem(error)}{given}") from None


def parse_toml(text: str, where: str, kind: type[SoakError] = ConfigError) -> dict[str, Any]:
    """Return the tables of a TOML text. Raises ``kind`` naming line and column; the message begins with ``where``."""
    try:
        value = tomllib.loads(text)
    except RecursionError:
        raise kind(f"{where}: nested more than {DEPTH_LIMIT} deep") from None
    except ValueError as error:  # its own errors, and Python's for a number of five thousand digits
        raise kind(f"{where}: not valid TOML: {str(error)[:200]}") from None
    if deeper_than(value, DEPTH_LIMIT):
        raise kind(f"{where}: nested more than {DEPTH_LIMIT} deep")
    return value


def deeper_than(value: object, limit: int) -> bool:
    """Return whether lists and tables are nested more than ``limit`` deep. Does not recurse itself."""
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            item
            for holder in level
            if isinstance(holder, dict | list)
            for item in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _unpacked(data: bytes, path: Path, what: str, limit: int, kind: type[SoakError]) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise kind(f"{path}: the {what} is not a whole gzip file ({error})") from None
    if len(unpacked) > limit:
        raise kind(f"{path}: the {what} unpacks to more than {limit} bytes")
    return unpacked
