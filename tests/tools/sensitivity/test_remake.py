"""First runs of engines: what is measured is kept, what is missing is measured, and the page holds all of it."""

import json
import shutil
import subprocess

import pytest
import soundfile

from tests._clips import speak
from tools.sensitivity import abroad
from tools.sensitivity.first_run import place
from tools.sensitivity.remake import FIRST_RUNS, SOUND, FirstRun, figures_of, remake

RUN = FirstRun("flite-slt", "flite-slt", copies=1, shares=False)


def test_a_part_is_measured_once_and_a_class_that_is_missing_is_measured_alone(tmp_path):
    folder = tmp_path / "clips" / RUN.name
    folder.mkdir(parents=True)
    for number in range(2):
        soundfile.write(folder / f"c{number}.wav", speak(16000, words=2 + number, seed=number), 16000)
    (folder / "metadata.csv").write_text("".join(f"c{n}|{'word ' * (2 + n)}\n" for n in range(2)))
    assert list(remake(tmp_path, [RUN], [SOUND])) == ["flite-slt: sound"]
    assert list(remake(tmp_path, [RUN], [SOUND])) == []
    (figures,) = figures_of(tmp_path, RUN.name)
    stored = json.loads(figures.read_text())
    whole = {row["fault"] for row in stored["rows"]}
    assert {"silence", "robotic", "wrong-speaker", "noise-floor"} <= whole
    stored["rows"] = [row | {"named": 77} for row in stored["rows"] if row["fault"] != "silence"]
    figures.write_text(json.dumps(stored))
    assert list(remake(tmp_path, [RUN], [SOUND])) == ["flite-slt: sound"]
    again = json.loads(figures.read_text())["rows"]
    assert {row["fault"] for row in again} == whole
    assert {row["fault"] for row in again if row["named"] != 77} == {"silence"}, "what was measured is kept"
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nBefore.\n")
    place(page, tmp_path)
    text = page.read_text()
    assert "Before." in text and "### flite-slt" in text and "| silence |" in text
    place(page, tmp_path)
    assert page.read_text() == text, "the part is replaced, not added"


def test_an_engine_that_is_not_here_is_left_out_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("TTS_SOAK_PIPER", str(tmp_path / "no-python"))
    (run,) = (run for run in FIRST_RUNS if run.engine == "piper")
    (line,) = remake(tmp_path, [run])
    assert line.startswith("piper-joe: left out: TTS_SOAK_PIPER must name the interpreter")


@pytest.mark.parametrize("language", ["ja", *sorted(abroad.VOICES_ABROAD)])
def test_every_language_has_texts_for_a_run_that_is_its_own_reference(language):
    texts = abroad.texts_in(language)
    assert len(texts) >= 40 and len({chunk.text for chunk in texts}) == len(texts)
    assert {chunk.language for chunk in texts} == {language}


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng (apt)")
def test_no_language_is_spoken_as_english():
    for language, voice in abroad.VOICES_ABROAD.items():
        texts = [chunk.text for chunk in abroad.texts_in(language)]
        command = ["espeak-ng", "-q", "-x", "-v", voice, "\n".join(texts)]
        phonemes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert phonemes.strip() and "(en)" not in phonemes, language
