"""Scorers that are left out on purpose: their classes are not asked, and the run says so."""

from dataclasses import replace

import numpy as np
import pytest

from harness.core.errors import ConfigError
from harness.core.records import Variant, VerdictWord
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.report import run_summary
from harness.store import Run
from harness.terminal import closing_lines
from tests.engine.test_session_backend_away import plan_of


def unasked(run):
    """Classes that apply and could not look."""
    detections = [one for attempt in run.attempts() for one in run.evidence(attempt.id).values()]
    return {one.fault for one in detections if one.applies and one.value is None}


def test_a_choice_of_scorers_is_judged_by_them(tmp_path):
    import soundfile

    corpus = load_corpus("generated:seed=5,chunks=3")
    rng = np.random.default_rng(1)
    t = np.arange(3 * 16000) / 16000
    for chunk in corpus.chunks:
        syllables = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * t + rng.uniform(0, 6))
        voice = sum(np.sin(2 * np.pi * 130 * k * t) / k for k in range(1, 25)) * syllables
        soundfile.write(tmp_path / f"{chunk.id}.wav", 0.1 * voice + rng.normal(0, 1e-4, t.size), 16000)
    variant = Variant("r", "recorded", {"manifest": str(tmp_path)})
    plan = plan_of(tmp_path, corpus, variant, 0.0, scorers={"signal": {}})
    assert unasked(Run.open(Engine(plan).run()))  # what was not measured could not look, and is not clean
    run = Run.open(Engine(replace(plan, left_out=("intelligibility", "pitch", "speaker", "edit_likelihood"))).run())
    assert unasked(run) == set()
    summary = run_summary(run)
    assert VerdictWord.NOT_JUDGED not in {verdict.word for verdict in run.verdicts().values()}
    assert any("judged without intelligibility, pitch" in line for line in closing_lines(summary))


def test_every_problem_of_a_variant_is_named(tmp_path):
    file = tmp_path / "v.toml"
    file.write_text("[variants.a]\nadapter = 'null'\nmodle = 'x'\nretries = -1\nseed = 'no'\n")
    with pytest.raises(ConfigError) as error:
        load_variants(file)
    lines = str(error.value).splitlines()
    assert len(lines) == 3 and "modle" in str(error.value) and "v.toml:4: variants.a.retries" in str(error.value)
