"""Doors that strangers' bytes come through: whatever they are, the answer is a value or one line, never a traceback."""

import json
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.documents import deeper_than
from harness.core.printable import printable, printable_line
from harness.store import redact
from tests._places import ROOT
from tools.fuzz.doors import DOORS

CORPUS = ROOT / "tests" / "fuzz_corpus"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
FAST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("door", DOORS)
@FAST
@given(data=st.binary(max_size=400))
def test_any_bytes_are_a_value_or_one_line(door, data):
    DOORS[door](data)


@pytest.mark.parametrize("door", ["profile", "calibration", "manifest", "marks", "answer", "request"])
@FAST
@given(value=JSON, schema=st.sampled_from([None, 1, 2]))
def test_any_json_is_a_value_or_one_line(door, value, schema):
    if isinstance(value, dict) and schema is not None:
        value = {**value, "schema": schema, "kind": "reply", "run_id": "r"}
    DOORS[door](json.dumps(value).encode())


@FAST
@given(header=JSON, size=st.integers(0, 2**40))
def test_any_frame_is_a_value_or_one_line(header, size):
    text = json.dumps(header).encode()
    DOORS["frame"](struct.pack("<4sIQ", b"\xf5TSK", len(text), size) + text)


@pytest.mark.parametrize("file", sorted(CORPUS.glob("*/*")), ids=lambda file: f"{file.parent.name}-{file.name}")
def test_what_fuzzing_came_upon_stays_mended(file):
    DOORS[file.parent.name](file.read_bytes())


@FAST
@given(text=st.text(max_size=200))
def test_printing_and_redaction_settle(text):
    assert printable(printable(text)) == printable(text)
    assert "\n" not in printable_line(text)
    assert redact(redact(text, {}), {}) == redact(text, {})


@given(depth=st.integers(0, 200))
def test_depth_is_counted_without_recursion(depth):
    value: object = 1
    for _ in range(depth):
        value = [value]
    assert deeper_than(value, 64) == (depth > 64)
