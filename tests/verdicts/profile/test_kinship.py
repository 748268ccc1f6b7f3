"""A reference of another voice: no fault of anybody; families of references in one file."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from harness.core.errors import ConfigError
from harness.core.records import ReferenceRecord, Variant
from harness.core.variants import load_variants
from harness.detectors import catalogue
from harness.plugin.selection import _take_references
from harness.verdicts.profile import Profile
from harness.verdicts.profile.kinship import COMMON, another_voice, of_another_voice, same_voice_meant

A = Variant("piper", "command", {"command": "piper"})
B = Variant("hibari", "python", {}, reference=True)


def test_most_chunks_below_the_floor_are_another_voice():
    assert another_voice([True] * 10 + [False] * 2, [0.48] * 12, {}).startswith("speaker similarity 0.48 on average")
    assert another_voice([True] * 3 + [False] * 9, [0.9] * 12, {}) == ""  # some chunks in another voice are a fault
    assert another_voice([True, True], [0.3, 0.3], {}) == ""  # too few to say


def test_another_sample_rate_is_another_voice():
    why = another_voice([], [], {"piper": 22050, "hibari": 24000})
    assert why == "piper speaks at 22.05 kHz and hibari speaks at 24 kHz"
    assert another_voice([], [], {"a": 24000, "b": None}) == ""


def test_what_is_meant_to_be_one_voice_is_held_to_it():
    codec = {"codec": "/voices/codec.npz"}
    f16 = Variant("f16", "llama_codec", codec, reference=True)
    assert same_voice_meant(Variant("q2_k", "llama_codec", codec), f16)
    assert same_voice_meant(replace(A, against="hibari", family=True), B)
    assert not same_voice_meant(replace(A, against="hibari"), B)
    assert not same_voice_meant(Variant("joe", "command", {"command": "piper"}), replace(A, reference=True))


def test_only_words_and_broken_samples_are_kept_of_another_voice():
    assert set(catalogue()) >= COMMON
    record = ReferenceRecord(
        "a", {"level-offset": [-20.0], "rumble": [0.1], "loop": [0.0], "skipped-words": [1.0]}, [3.0], [90], ["hello"],
        {"f0_median_hz": [120.0]},
    )  # fmt: skip
    kept = of_another_voice(Profile({}, {"k": record}, {"embeddings": {"e": [1.0]}}, {"judged": 3})).records["k"]
    assert set(kept.evidence) == {"loop", "skipped-words"}
    assert kept.transcripts == ["hello"] and not kept.durations and not kept.figures


def test_families_of_references_in_one_file(tmp_path):
    file = tmp_path / "variants.toml"
    file.write_text(
        "[defaults]\nadapter = 'null'\n[variants.f16]\n[variants.q4]\nreference = 'f16'\n"
        "[variants.big]\n[variants.big_q4]\nreference = 'big'\n[variants.alone]\n"
    )
    variants = {variant.name: variant for variant in load_variants(file)}
    assert {name: one.against for name, one in variants.items()} == {
        "f16": None, "q4": "f16", "big": None, "big_q4": "big", "alone": None,
    }  # fmt: skip
    assert [name for name, one in variants.items() if one.reference] == ["f16", "big"]
    wanted = {"q4": {"a"}, "big_q4": {"a", "b"}}
    _take_references(wanted, variants, file)
    assert wanted["f16"] == {"a"} and wanted["big"] == {"a", "b"}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("[variants.a]\n[variants.b]\nreference = 'aa'\n", "no other variant 'aa' (did you mean 'a'?)"),
        ("[variants.a]\nreference = 'a'\n[variants.b]\n", "no other variant 'a'"),
        ("[variants.a]\n[variants.b]\nreference='a'\n[variants.c]\nreference='b'\n", "against a reference itself"),
        ("[variants.a]\nreference = true\n[variants.b]\nreference = true\n", "two references, 'a' and 'b'"),
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_is_one_line(tmp_path, lines, problem):
    file = tmp_path / "variants.toml"
    file.write_text("[defaults]\nadapter = 'null'\n" + lines)
    with pytest.raises(ConfigError) as error:
        load_variants(file)
    assert problem in str(error.value) and "\n" not in str(error.value)


def test_a_canary_without_a_profile_does_not_ask_what_only_a_reference_tells():
    from harness.experiments.canary.run import Planted, _claim, _excused
    from harness.stats import proportion

    def run(value, reason=""):
        detection = SimpleNamespace(value=value, reason=reason)
        return SimpleNamespace(
            evidence=lambda _: {"level-offset": detection, "silence": detection, "sample-rate": detection}
        )

    attempt = SimpleNamespace(id=1)
    missed = {name: Planted(name, "a", True, False, ()) for name in ("level-offset", "silence", "sample-rate")}
    assert not _excused(run(-20.0), missed["level-offset"], attempt).asked
    assert _excused(run(3.0), missed["silence"], attempt).asked  # physics decides it: a miss is a miss
    assert not _excused(run(None, "no reference and no 40 chunks"), missed["sample-rate"], attempt).asked
    blind = "signal was not measured in this run"
    assert all(_excused(run(None, blind), one, attempt).asked for one in missed.values())  # that is what is looked for
    planted = [Planted("silence", "a", True, True, ("silence",)), _excused(run(-20.0), missed["level-offset"], attempt)]
    healthy = proportion(0, 1)
    claim = _claim("v", planted, healthy)
    assert claim.passed and "1 of 1 planted faults were found; level-offset not asked" in claim.statement
    assert _claim("v", planted[1:], healthy).passed is False  # nothing asked, nothing shown


def test_a_run_beside_another_voice_holds_neither_level_nor_timbre_against_it(tmp_path):
    """Two systems at two sample rates, one of them 20 dB softer and dull: told as another voice, not as 4 faults."""
    import numpy as np
    import soundfile

    from harness.core.records import Arm
    from harness.corpora import load_corpus
    from harness.engine.engine import Engine
    from harness.engine.plan import Confirmation, Plan
    from harness.report import run_summary
    from harness.store import Run

    corpus = load_corpus("generated:seed=5,chunks=4")
    ids = tuple(chunk.id for chunk in corpus.chunks)
    for name, rate, pitch, level in (("hibari", 24000, 130, 0.2), ("piper", 16000, 210, 0.02)):
        (tmp_path / name).mkdir()
        for number, chunk in enumerate(ids):
            t = np.arange(int((2.5 + 0.2 * number) * rate)) / rate
            voice = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 20))
            sound = level * voice * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * t + number))
            soundfile.write(tmp_path / name / f"{chunk}.wav", sound, rate)
    ours = Variant("hibari", "recorded", {"manifest": str(tmp_path / "hibari")}, reference=True)
    theirs = Variant("piper", "recorded", {"manifest": str(tmp_path / "piper")}, against="hibari")
    plan = Plan(
        "stress", corpus, (ours, theirs), {"hibari": ids, "piper": ids}, tmp_path / "reports", {"signal": {}},
        reference=ours, confirmation=Confirmation(enabled=False), quiet_chunks=0,
    )  # fmt: skip
    run = Run.open(Engine(plan).run())
    (event,) = run.events("another voice")
    assert event.data["reason"] == "piper speaks at 16 kHz and hibari speaks at 24 kHz"
    assert any(note.startswith("piper: another voice than hibari") for note in run_summary(run).notes)
    findings = [f for verdict in run.verdicts(variant="piper", arm=Arm.SOAK).values() for f in verdict.findings]
    by_reference = {f.fault for f in findings if f.limit_source.startswith("reference")}
    assert by_reference <= COMMON
    same = replace(theirs, family=True)  # named as its reference: the two are meant to be one voice
    plan = replace(plan, variants=(ours, same))
    run = Run.open(Engine(plan).run())
    assert run.events("another voice") == []
    findings = [f for verdict in run.verdicts(variant="piper", arm=Arm.SOAK).values() for f in verdict.findings]
    assert "level-offset" in {f.fault for f in findings if f.limit_source.startswith("reference")}
