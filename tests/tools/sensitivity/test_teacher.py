"""Flite as a teacher: what it says when, written as in the text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tools.sensitivity.teacher import Teacher, spelled


@pytest.mark.parametrize(
    ("spoken", "text", "expected"),
    [
        (["dont", "go"], "Don't go.", ["don't", "go"]),
        (["john", "'s", "house"], "John's house", ["john's", "house"]),
        (["nineteen", "forty"], "1940", ["nineteen", "forty"]),
        (["well", "do", "well"], "We'll do well", []),
        (["3d"], "3d", []),
    ],
)
def test_what_was_said_is_written_as_in_the_text(spoken: list[str], text: str, expected: list[str]) -> None:
    assert [w for w, _, _ in spelled([(w, 0.0, 0.1) for w in spoken], text)] == expected


@pytest.fixture
def teacher(tmp_path: Path) -> Iterator[Teacher]:
    if not shutil.which("gcc") or not Path("/usr/include/flite/flite.h").exists():
        pytest.skip("needs gcc and the Debian package flite1-dev")
    with Teacher(tmp_path) as running:
        yield running


def test_the_teacher_tells_when_each_word_is_said(teacher: Teacher) -> None:
    said = teacher.say("We don't know John's house.", "slt")
    assert said is not None and said.samples is not None
    assert said.words == ["we", "don't", "know", "john's", "house"]
    assert said.parameters.shape[1] == 31
    assert abs(len(said.parameters) * 0.005 - len(said.samples) / 16_000) < 0.05
    assert said.times[-1][1] == pytest.approx(said.phones[-2][1])
    quiet = teacher.say("We don't know John's house.", "slt", audio=False)
    assert quiet is not None and quiet.samples is None
    assert np.array_equal(quiet.parameters, said.parameters)
