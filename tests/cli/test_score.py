"""Judging audio that exists: lists as corpora, SIM from the prompt, one command."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from harness.core.errors import CorpusError
from harness.core.records import Attempt, Chunk, Status, Variant
from harness.corpora import load_corpus
from harness.scorers.base import Clip, observe
from harness.scorers.speaker import SpeakerScorer

TEXTS = {"LJ001-0001": "Printing, in the only sense; with which", "LJ001-0002": "in being comparatively modern."}


def voice(pitch, seconds=3.0, rate=16000):
    """A buzz with syllables: enough for the encoder, the same for the same pitch."""
    t = np.arange(int(seconds * rate)) / rate
    sound = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 12))
    return (0.1 * sound * (0.4 + 0.6 * (np.sin(2 * np.pi * 3 * t) > 0))).astype(np.float32)


@pytest.fixture
def lists(tmp_path):
    """The same two recordings as every kind of list."""
    (tmp_path / "wavs").mkdir()
    for name in TEXTS:
        soundfile.write(tmp_path / "wavs" / f"{name}.wav", voice(120), 16000)
        shutil.copy(tmp_path / "wavs" / f"{name}.wav", tmp_path / f"{name}.wav")
        (tmp_path / "wavs" / f"{name}.txt").write_text(TEXTS[name])
    rows = list(TEXTS.items())
    (tmp_path / "metadata.csv").write_text("".join(f"{n}|{t}|{t}\n" for n, t in rows))
    (tmp_path / "meta.lst").write_text("".join(f"{n}|hello|prompt.wav|{t}\n" for n, t in rows))
    (tmp_path / "list.jsonl").write_text("".join(json.dumps({"audio": f"{n}.wav", "text": t}) + "\n" for n, t in rows))
    (tmp_path / "list.csv").write_text("file_name;text\n" + "".join(f'{n}.wav;"{t}"\n' for n, t in rows))
    soundfile.write(tmp_path / "prompt.wav", voice(120), 16000)
    return tmp_path


@pytest.mark.parametrize("name", ["metadata.csv", "meta.lst", "list.jsonl", "list.csv", "wavs"])
def test_a_list_of_recordings_is_a_corpus_with_their_ids(lists, name):
    assert {chunk.id: chunk.text for chunk in load_corpus(str(lists / name)).chunks} == TEXTS


@pytest.mark.parametrize(
    ("name", "between"), [("own.csv", ";"), ("own.csv", "\t"), ("own.tsv", "\t"), ("own.csv", ",")]
)
def test_columns_may_be_set_apart_by_other_signs(tmp_path, name, between):
    (tmp_path / name).write_text(f'id{between}text\na{between}"One; two, three."\n')
    (chunk,) = load_corpus(str(tmp_path / name)).chunks
    assert (chunk.id, chunk.text) == ("a", "One; two, three.")


def test_a_recording_without_a_text_is_named(lists):
    (lists / "wavs" / "LJ001-0002.txt").unlink()
    with pytest.raises(CorpusError, match="no text for 'LJ001-0002'; put it beside the audio"):
        load_corpus(str(lists / "wavs"))


def clip_of(path: Path | None, variant: Variant, pitch=120.0):
    notes = {"prompt_audio": str(path)} if path else {}
    attempt = Attempt(0, 0, 0, "c", "v", sample_rate=16000, duration=3.0, notes=notes)
    return Clip(Chunk("c", "Hello there."), attempt, voice(pitch), 16000, variant)


def test_sim_is_measured_against_the_prompt_of_the_text(lists):
    scorer, variant = SpeakerScorer(), Variant("v", "recorded")
    assert observe(scorer, clip_of(None, variant)).payload["similarity"] is None
    same = observe(scorer, clip_of(lists / "prompt.wav", variant)).payload
    assert same["similarity"] == pytest.approx(1.0, abs=1e-3) and same["against"] == "the prompt of the text"
    other = observe(scorer, clip_of(lists / "prompt.wav", variant, pitch=240.0)).payload
    assert other["similarity"] < same["similarity"]
    own = Variant("v", "recorded", voice_prompt=lists / "prompt.wav")
    assert observe(scorer, clip_of(None, own)).payload["similarity"] == pytest.approx(1.0, abs=1e-3)
    lost = observe(scorer, clip_of(lists / "nope.wav", variant))
    assert lost.status is Status.NOT_AVAILABLE and "the prompt cannot be compared with" in lost.reason


def test_one_command_judges_a_list(lists):
    reports = lists / "reports"
    command = [sys.executable, "-m", "harness.cli", "score", str(lists / "meta.lst"), "--reports", str(reports)]
    done = subprocess.run(
        [*command, "--scorers", "signal,speaker", "-q"], capture_output=True, text=True, timeout=300, check=False
    )
    text = done.stdout + done.stderr
    assert done.returncode in (0, 1), text
    summary = json.loads((reports / "latest" / "summary.json").read_text())
    (row,) = summary["variants"].values()
    assert row["chunks"] == 2 and row["speaker_similarity"]["mean"] == pytest.approx(1.0, abs=1e-3)
    assert row["rtfx"]["value"] is None and row["confirmed"] == 0 and "RTFx CPU" not in text


def test_score_names_what_is_not_there(tmp_path):
    command = [sys.executable, "-m", "harness.cli", "score", str(tmp_path / "nope")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4 and "no such file or folder" in done.stderr
