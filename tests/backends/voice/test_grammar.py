"""The grammar that keeps the embedded voice's phones in order, and the names that it is written in."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from harness.backends.voice.geometry import load_geometry
from harness.backends.voice.grammar import phone_grammar, token_names
from harness.core.paths import VOICES

VOICE = VOICES / "duo"


def test_no_name_of_a_token_begins_with_another() -> None:
    geometry = load_geometry(VOICE / "voice.json")
    names = sorted(token_names(geometry, 4096))
    assert len(set(names)) == 4096
    assert not any(after.startswith(name) for name, after in pairwise(names))


def test_names_are_those_of_the_model_files() -> None:
    gguf = pytest.importorskip("gguf", reason="needs gguf (extra voice-recipe)")
    field = gguf.GGUFReader(VOICE / "q4_k_s.gguf").fields["tokenizer.ggml.tokens"]
    names = [bytes(field.parts[place]).decode() for place in field.data]
    assert names == token_names(load_geometry(VOICE / "voice.json"), len(names))


def test_phones_come_once_and_in_order_with_a_last_marker_and_none_lasts_longer_than_half_a_second() -> None:
    geometry = load_geometry(VOICE / "voice.json")
    root, frames = phone_grammar(["hh", "ay1"], geometry).splitlines()
    assert re.findall(r'"([^"]*)"', root) == ["<m0><p_hh>", "<m1><p_ay1>", "<m2>"]
    assert root.count(" frames") == 2 and root.endswith('"<m2>"')
    assert [f"<a{book}_" in frames for book in range(4)] == [True, True, True, False]
    most = int(frames.partition("{0,")[2].removesuffix("}"))
    assert 0.4 < most * geometry.frame_seconds <= 0.5
