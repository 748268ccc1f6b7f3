"""Inputs that users of speech reported: every one gets its right answer."""

from pathlib import Path

import pytest

from tests._places import ROOT
from tools.cases.__main__ import main, tried
from tools.cases.catalogue import CASES, Speech
from tools.cases.material import recordings

FOLDERS = [folder for folder in (ROOT / "shared/speech", ROOT.parent / "shared/speech") if folder.is_dir()]


@pytest.fixture(scope="module")
def speech() -> Speech:
    return recordings(FOLDERS[0]) if FOLDERS else {}


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_a_reported_input_gets_its_right_answer(number: int, speech: Speech) -> None:
    word, answer = tried(CASES[number], speech)
    if word == "left out":
        pytest.skip("no recordings beside the clone (../shared/speech)")
    assert word == "right", answer


def test_the_command_prints_right_or_wrong_and_says_what_it_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["A3, A4 hi", "A2 markup"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 right, 0 wrong, 1 left out"
