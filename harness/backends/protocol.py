"""The words between the harness and its worker: length-prefixed frames of a JSON header and raw arrays.

No pickle: what comes back from a worker is data made by a program under test and must never be able to run code here.
A frame is ``magic, header length (uint32), payload length (uint64), header (UTF-8 JSON), payload``, little-endian. The
header's ``arrays`` lists name, type and shape of what follows in the payload, in order.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Capabilities, Computes, Json, Request, SeedPolicy, TokenLayout, Variant
from harness.core.records.answered import StoredCapabilities

MAGIC = b"\xf5TSK"
HEADER_LIMIT = 64 << 20  # bytes; a text of 1 MB takes at most 6 MB as escaped JSON
PAYLOAD_LIMIT = 1 << 30  # bytes; three hours of float32 at 24 kHz
_HEAD = struct.Struct("<4sIQ")
_TYPES = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4")}


class ProtocolError(Exception):
    """The other side sent bytes that are no frame."""


class _ArrayEntry(TypedDict):
    """What the header says of one array of its frame."""

    name: str
    type: str
    shape: list[int]


class FrameHeader(TypedDict, total=False):
    """The JSON of a frame, as far as the worker reads it; what it answers is checked by ``answers``."""

    kind: str
    arrays: list[_ArrayEntry]
    variant: Mapping[str, Any]
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """One frame."""

    header: FrameHeader
    arrays: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return str(self.header.get("kind", ""))

    @property
    def samples(self) -> NDArray[np.generic] | None:
        """Return the array of audio, where there is one."""
        return self.arrays.get("samples")

    @property
    def tokens(self) -> NDArray[np.generic] | None:
        """Return the array of speech tokens, where there is one."""
        return self.arrays.get("tokens")


def encode_frame(header: Mapping[str, object], arrays: Mapping[str, NDArray[np.generic]] | None = None) -> list[bytes]:
    """Return the parts of a frame, to be written one after the other.

    ``arrays`` may be float32 or int32, of any shape. Raises ProtocolError when they are too large for a frame.
    """
    listed, parts = [], []
    for name, array in (arrays or {}).items():
        kind = "int32" if np.issubdtype(array.dtype, np.integer) else "float32"
        listed.append({"name": name, "type": kind, "shape": list(array.shape)})
        parts.append(np.ascontiguousarray(array, dtype=_TYPES[kind]).tobytes())
    text = json.dumps({**header, "arrays": listed}, allow_nan=False).encode("ascii")
    size = sum(map(len, parts))
    if len(text) > HEADER_LIMIT or size > PAYLOAD_LIMIT:
        raise ProtocolError(f"{len(text) + size} bytes are too many for one answer")
    return [_HEAD.pack(MAGIC, len(text), size) + text, *parts]


class FrameDecoder:
    """Puts frames together from bytes as they arrive."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take bytes and yield every complete frame. Raises ProtocolError at the first byte that is out of place."""
        self._buffer += data
        while (message := self._take()) is not None:
            yield message

    def _take(self) -> Message | None:
        start = bytes(self._buffer[: len(MAGIC)])
        if not MAGIC.startswith(start):
            raise ProtocolError(f"not a frame: {bytes(self._buffer[:24])!r}")
        if len(self._buffer) < _HEAD.size:
            return None
        _, header_size, payload_size = _HEAD.unpack_from(self._buffer)
        if header_size > HEADER_LIMIT or payload_size > PAYLOAD_LIMIT:
            raise ProtocolError(f"a frame of {header_size} + {payload_size} bytes")
        end = _HEAD.size + header_size + payload_size
        if len(self._buffer) < end:
            return None
        frame = bytes(memoryview(self._buffer)[:end])
        del self._buffer[:end]
        try:
            header = json.loads(frame[_HEAD.size : _HEAD.size + header_size])
            if not isinstance(header, dict):
                raise TypeError(f"its header is a {type(header).__name__}")
            whole = cast(FrameHeader, header)
            return Message(whole, _arrays(whole, frame, _HEAD.size + header_size))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
            raise ProtocolError(f"a frame that cannot be read ({error})") from None


def _arrays(header: FrameHeader, frame: bytes, offset: int) -> dict[str, NDArray[np.generic]]:
    arrays: dict[str, NDArray[np.generic]] = {}
    for entry in header.get("arrays", []):
        kind = _TYPES[entry["type"]]
        count = math.prod(entry["shape"])
        # a copy, so that the array is writable and does not keep the whole frame in memory
        arrays[entry["name"]] = np.frombuffer(frame, kind, count, offset).reshape(entry["shape"]).copy()
        offset += count * kind.itemsize
    if offset != len(frame):
        raise ProtocolError("the arrays of a frame do not fill it")
    return arrays


def plain_json(value: object) -> Any:
    """Return ``value`` as plain JSON: numpy scalars as numbers, paths and unknown objects as text.

    A number that is not finite becomes the text ``nan``, ``inf`` or ``-inf``: what a backend printed is evidence, and
    JSON has no such numbers.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_json(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return plain_json(value.tolist())
    if isinstance(value, np.generic):
        return plain_json(value.item())
    if isinstance(value, int):  # beyond 64 bits no reader of the journal takes it as a number
        return int(value) if value.bit_length() < 64 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return str(value)


# ------------------------------------------------------------- the project's words as headers and back
def variant_to_json(variant: Variant) -> Json:
    """Return everything of a variant, as plain JSON."""
    data: Json = plain_json({**asdict(variant), "settings": dict(variant.settings)})
    return data


def variant_from_json(data: Mapping[str, Any]) -> Variant:
    """Return the inverse of :func:`variant_to_json`."""
    paths = {key: Path(data[key]) if data.get(key) else None for key in ("voice_prompt", "profile", "calibration")}
    tuples = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    return Variant(**{**data, **paths, **tuples, "seed_policy": SeedPolicy(data["seed_policy"])})


def request_to_json(request: Request) -> Json:
    """Return everything of a request but its tokens, as plain JSON; the tokens travel as an array."""
    data: Json = plain_json({**asdict(replace(request, tokens=None)), "overrides": dict(request.overrides)})
    return data


def capabilities_to_json(found: Capabilities) -> StoredCapabilities:
    """Return everything a backend says of itself, as plain JSON."""
    told = {each.name: getattr(found, each.name) for each in fields(found)}
    said: StoredCapabilities = plain_json(
        {**told, "layout": asdict(found.layout) if found.layout is not None else None}
    )
    return said


def capabilities_from_json(data: StoredCapabilities) -> Capabilities:
    """Return the inverse of :func:`capabilities_to_json`."""
    layout = data["layout"]
    return Capabilities(
        sample_rate=data["sample_rate"],
        layout=TokenLayout.of(layout) if layout is not None else None,
        seeded=data["seeded"],
        resets=data["resets"],
        stages=tuple(data["stages"]),
        details=data["details"],
        computes=Computes(data.get("computes", Computes.HERE)),
    )
