"""DistillMOS: puts voices into the order in which they are known to sound, without torchaudio, and is an extra."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.audio import read_audio, resample
from harness.core.errors import MissingExtra
from harness.core.records import Attempt, Chunk, Samples, Status, Variant
from harness.scorers import observe
from harness.scorers.base import Clip
from harness.scorers.distillmos import INSTALL, DistillMosScorer

TEXTS = (
    "Anna Reed sat on her suitcase with her collar up and watched the river.",
    "The kettle is on and the lamp is lit before the evening comes.",
)


@pytest.fixture(scope="module")
def scorer() -> DistillMosScorer:
    if importlib.util.find_spec("distillmos") is None:
        pytest.skip(f"distillmos is not installed (pip install {INSTALL})")
    loaded = DistillMosScorer()
    loaded.setup()
    return loaded


def clip(samples: Samples) -> Clip:
    attempt = Attempt(session=0, epoch=0, sequence=0, chunk_id="c", variant="v")
    return Clip(Chunk("c", "x"), attempt, samples, 16_000, Variant("v", "null"))


def rated(scorer: DistillMosScorer, say: Callable[[str, Path], None], folder: Path) -> float:
    """The mean rating of the texts as one engine says them."""
    ratings = []
    for number, text in enumerate(TEXTS):
        path = folder / f"{number}.wav"
        say(text, path)
        audio = read_audio(path)
        ratings.append(scorer.observe(clip(resample(audio.samples, audio.sample_rate, 16_000)))["overall"])
    return float(np.mean(ratings))


def test_real_voices_come_in_the_order_in_which_people_hear_them(scorer: DistillMosScorer, tmp_path: Path) -> None:
    """Measured before on 8 clips each: hibari 4.68, Flite slt 3.39, kal16 2.99, eSpeak 2.19."""
    if importlib.util.find_spec("hibari") is None or not (shutil.which("flite") and shutil.which("espeak-ng")):
        pytest.skip("needs hibari-tts (pip) and flite and espeak-ng (apt-get install flite espeak-ng)")
    from hibari import Hibari

    voice = Hibari()

    def flite(name: str) -> Callable[[str, Path], None]:
        return lambda text, path: run("flite", "-voice", name, "-t", text, "-o", str(path))

    def run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)

    neural = rated(scorer, lambda text, path: voice.save(text, str(path), seed=0), tmp_path)
    slt, kal = rated(scorer, flite("slt"), tmp_path), rated(scorer, flite("kal16"), tmp_path)
    formants = rated(scorer, lambda text, path: run("espeak-ng", "-v", "en-us", "-w", str(path), text), tmp_path)
    assert neural > slt + 0.5 and neural > kal + 0.5
    assert min(slt, kal) > formants + 0.3
    assert all(1.0 <= one <= 5.0 for one in (neural, slt, kal, formants))


def test_hardly_any_audio_is_not_rated_and_nothing_is_printed(
    scorer: DistillMosScorer, capsys: pytest.CaptureFixture[str]
) -> None:
    tone = np.sin(2 * np.pi * 140 * np.arange(16_000) / 16_000).astype(np.float32)
    assert observe(scorer, clip(tone)).status is Status.OK
    assert observe(scorer, clip(tone[:800])).status is Status.NOT_AVAILABLE
    DistillMosScorer().setup()
    assert capsys.readouterr().out == ""


def test_torchaudio_is_neither_needed_nor_left_behind(scorer: DistillMosScorer) -> None:
    if importlib.util.find_spec("torchaudio") is None:
        assert "torchaudio" not in sys.modules


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="no-deps distillmos"):
        DistillMosScorer()
