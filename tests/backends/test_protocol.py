"""Frames between harness and worker: every split of the bytes gives the same messages, nothing else is accepted."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends import protocol
from harness.backends.protocol import FrameDecoder, Message, ProtocolError, encode_frame, plain_json
from harness.core.records import Capabilities, Request, SeedPolicy, TokenLayout, Variant

HEADERS = st.dictionaries(
    st.text(max_size=8).filter(lambda key: key != "arrays"),
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    max_size=4,
)
ARRAYS = st.dictionaries(
    st.sampled_from(["samples", "tokens"]),
    st.tuples(st.sampled_from([np.float32, np.int32]), st.lists(st.integers(0, 9), min_size=1, max_size=2)),
    max_size=2,
)


def _array(kind: type, shape: list[int]) -> np.ndarray:
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(kind)
    if kind is np.float32 and values.size:
        values.flat[0] = np.nan
    return values


@given(st.lists(st.tuples(HEADERS, ARRAYS), min_size=1, max_size=4), st.integers(1, 50))
@settings(max_examples=150, deadline=None)
def test_any_split_of_the_bytes_gives_the_same_messages(messages, step: int) -> None:
    sent = [(header, {name: _array(*spec) for name, spec in arrays.items()}) for header, arrays in messages]
    data = b"".join(part for header, arrays in sent for part in encode_frame(header, arrays))
    decoder, arrived = FrameDecoder(), []
    for start in range(0, len(data), step):
        arrived += decoder.feed(data[start : start + step])
    assert len(arrived) == len(sent)
    for (header, arrays), message in zip(sent, arrived, strict=True):
        assert {key: value for key, value in message.header.items() if key != "arrays"} == header
        assert message.arrays.keys() == arrays.keys()
        for name, array in arrays.items():
            assert message.arrays[name].dtype == array.dtype
            assert np.array_equal(message.arrays[name], array, equal_nan=array.dtype == np.float32)


@given(st.binary(min_size=1, max_size=200))
def test_bytes_that_are_no_frame_are_refused_at_once(data: bytes) -> None:
    if protocol.MAGIC.startswith(data[:4]) or data.startswith(protocol.MAGIC):
        return
    with pytest.raises(ProtocolError):
        list(FrameDecoder().feed(data))


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack("<4sIQ", protocol.MAGIC, 2, 1 << 50) + b"{}",
        struct.pack("<4sIQ", protocol.MAGIC, 1 << 31, 0),
        struct.pack("<4sIQ", protocol.MAGIC, 3, 0) + b"{x}",
        struct.pack("<4sIQ", protocol.MAGIC, 2, 0) + b"[]",
        struct.pack("<4sIQ", protocol.MAGIC, 2, 4) + b"{}1234",
        b"".join(encode_frame({}, {"samples": np.zeros(3, np.float32)})).replace(b"[3]", b"[9]"),
        b"".join(encode_frame({}, {"samples": np.zeros(3, np.float32)})).replace(b"float32", b"object0"),
        b"".join(encode_frame({}, {"samples": np.zeros(3, np.float32)})).replace(b"[3]", b'"3"')[: -0 or None],
    ],
)
def test_lying_frames_are_refused_without_allocating(frame: bytes) -> None:
    with pytest.raises(ProtocolError):
        list(FrameDecoder().feed(frame))


def test_lone_surrogate_crosses_the_pipe_unchanged() -> None:
    text = "a\ud800\0\U0001f600"
    (message,) = FrameDecoder().feed(b"".join(encode_frame({"text": text})))
    assert message.header["text"] == text


def test_plain_keeps_what_json_cannot_say() -> None:
    plain = plain_json(
        {"a": np.float32(0.5), "b": np.int64(3), "c": float("nan"), "d": (1, Path("x")), 5: np.arange(2), "e": -np.inf}
    )
    assert plain == {"a": 0.5, "b": 3, "c": "nan", "d": [1, "x"], "5": [0, 1], "e": "-inf"}
    json.dumps(plain, allow_nan=False)


def test_words_of_the_project_come_back_equal() -> None:
    variant = Variant(
        "n", "null", {"a": [1, {"b": 2}]}, "v", Path("/p"), 3, SeedPolicy.FIXED, True, "de", calibration=Path("/c")
    )
    assert protocol.variant_from_json(json.loads(json.dumps(protocol.variant_to_json(variant)))) == variant
    request = Request("c", "text", None, "v", "de", {"x": [1]})
    assert Request(**json.loads(json.dumps(protocol.request_to_json(request)))) == request
    layout = TokenLayout((4096, 8), 0.08, 2500, (1, 2))
    said = Capabilities(24000, layout, False, True, ("llm", "codec"), {"v": "1"})
    for reply in (said, Capabilities()):
        assert protocol.capabilities_from_json(json.loads(json.dumps(protocol.capabilities_to_json(reply)))) == reply


def test_message_without_a_kind_has_an_empty_one() -> None:
    assert Message({}).kind == ""
