"""Recording a reference: several takes, a profile, limits; an interrupted recording goes on where it was."""

import pytest

from harness.core.errors import ConfigError
from harness.corpora import load_corpus
from harness.engine import reference
from harness.engine.progress import Quiet
from harness.store import Run, latest
from harness.verdicts import Limits
from harness.verdicts.profile import Profile


class StopAt(Quiet):
    def __init__(self, take, count):
        self.where = (f"take {take} of 2", count)

    def tick(self, tick):
        if (tick.stage, tick.done) == self.where:
            raise KeyboardInterrupt


@pytest.fixture
def declared(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "SCORERS", ("signal", "tokens"))
    path = tmp_path / "v.toml"
    path.write_text(
        "[variants.n]\nadapter='null'\nreference=true\nprofile='p.json.gz'\ncalibration='c.json'\n"
        "[variants.n.settings]\nseconds_per_word=0.05\nmode='speechlike'\ntokens=true\n"
    )
    return path


def record(path, **more):
    corpus = load_corpus("generated:seed=2,chunks=4")
    return reference.record_reference(
        path, "n", corpus, 2, None, path.parent / "reports", **{"progress": Quiet(), **more}
    )


def test_every_text_is_taken_with_each_seed_and_the_files_can_be_read(declared):
    written = record(declared)
    assert written == [declared.parent / "p.json.gz", declared.parent / "c.json"]
    profile = Profile.load(written[0])
    assert len(profile.records) == 4
    assert all(len(entry.durations) == 2 for entry in profile.records.values())
    assert Limits.load(written[1]).faults
    with Run.open(latest(declared.parent / "reports")) as run:
        seeds = [attempt.seed for attempt in run.attempts()]
    assert len(set(seeds)) == 8


def test_an_interrupted_recording_goes_on_where_it_was(declared):
    with pytest.raises(KeyboardInterrupt):
        record(declared, progress=StopAt(2, 2))
    path = latest(declared.parent / "reports")
    with Run.open(path) as run:
        before = [(a.chunk_id, a.take, a.audio_sha256) for a in run.attempts()]
    assert len(before) == 6
    record(declared, resume=path)
    with Run.open(path) as run:
        after = [(a.chunk_id, a.take, a.audio_sha256) for a in run.attempts()]
    assert after[:6] == before
    assert len(after) == 8
    assert len(Profile.load(declared.parent / "p.json.gz").records) == 4


def test_a_variant_that_names_no_place_for_its_profile_is_refused(declared):
    declared.write_text("[variants.n]\nadapter='null'\n")
    with pytest.raises(ConfigError, match="'profile' and 'calibration' must say where"):
        record(declared)
