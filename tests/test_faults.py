"""The fault classes: what each sees in observations, healthy and broken, and what it says when it cannot look."""

from __future__ import annotations

import math
import types as python_types
from dataclasses import replace
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.faults import catalogue, collect, explain, gather, get
from harness.faults._heard import hear, match, word_seconds
from harness.faults.base import BaseFault, Family, Seen
from harness.text import word_syllables as syllables
from harness.types import Attempt, Chunk, Evidence, Observation, Outcome, ReferenceRecord, Status, View

TEXT = (
    "the old keeper climbed the narrow stairs every evening to light the lamp "
    "because sailors far beyond the harbour trusted its steady golden beam"
)
WORD = 0.3  # s

SIGNAL: dict[str, Any] = {
    "duration": 7.5,
    "sample_rate": 16000,
    "peak_dbfs": -3.0,
    "active_rms_dbfs": -20.0,
    "dc_ratio": 0.001,
    "constant": False,
    "nonfinite_fraction": 0.0,
    "clipped_fraction": 0.0,
    "clipped_longest_run": 0,
    "over_one_fraction": 0.0,
    "rail_jumps": 0,
    "active_fraction": 0.9,
    "speech_start": 0.0,
    "speech_end": 7.2,
    "envelope_cv": 1.2,
    "flatness": 1e-4,
    "rolloff99_hz": 5000.0,
    "noise_floor_dbfs": -75.0,
    "clicks": {"count": 0, "worst_ratio": 1.6, "worst_dbfs": -20.0, "times": []},
    "periodic": {"ratio": 0.02, "period": 9, "seconds": 0.02, "span": [1.0, 1.02]},
    "pauses": [],
    "longest_pause": {"seconds": None, "ratio": None, "span": None},
    "spans": {},
}
PITCH: dict[str, Any] = {
    "f0_median_hz": 175.0,
    "voiced_fraction": 0.6,
    "voiced_seconds": 4.0,
    "harmonicity_db": 12.0,
    "harmonicity_db_halves": [12.0, 11.0],
}
TOKENS: dict[str, Any] = {
    "count": 560,
    "frames": 180,
    "cap": 2000,
    "cap_hit": False,
    "length_mismatch": 0.0,
    "finish_reason": "stop",
    "codebooks": [{"size": 1024, "unique": 150, "entropy_bits": 7.0, "out_of_range": 0}],
    "cycle": {"period": 1, "repeats": 2, "span": [0.1, 0.2]},
}
SPEAKER: dict[str, Any] = {"encoder": "resemblyzer", "similarity": 0.9, "speech_seconds": 7.0}


def said(words: list[str], *, spacing: float = WORD, start: float = 0.0) -> list[dict[str, Any]]:
    """Words spoken one after another."""
    return [
        {"word": w, "start": start + i * spacing, "end": start + (i + 1) * spacing - 0.02, "probability": 0.5}
        for i, w in enumerate(words)
    ]


def view(
    words: list[dict[str, Any]] | None = None,
    text: str = TEXT,
    *,
    reference: ReferenceRecord | None = None,
    outcome: Outcome = Outcome.OK,
    **changes: dict[str, Any],
) -> View:
    """An attempt as it would be seen; ``changes`` update the payload of a scorer."""
    words = said(text.split()) if words is None else words
    end = max((w["end"] for w in words), default=0.0)
    heard = {"reference": text, "hypothesis": " ".join(w["word"] for w in words), "words": words}
    signal = {**SIGNAL, "duration": end + 0.3, "speech_end": end}
    payloads = {"signal": signal, "pitch": PITCH, "tokens": TOKENS, "speaker": SPEAKER, "intelligibility": heard}
    observations = {
        name: Observation(name, "1", Status.OK, {**payload, **changes.get(name, {})})
        for name, payload in payloads.items()
    }
    attempt = Attempt(0, 0, 0, "a", "v", outcome=outcome, detail="signal 11", duration=end + 0.3)
    return View(Chunk("a", text), attempt, observations if outcome is Outcome.OK else {}, reference)


def value(fault: str, seen: View) -> float:
    found = get(fault).evidence(seen)
    assert found.value is not None, found.reason
    return found.value


def over(fault: str, seen: View) -> bool:
    """Whether a value meets the class's own limits without a reference."""
    chosen = get(fault)
    limit = chosen.physical_limit if chosen.default_limit is None else chosen.default_limit
    assert limit is not None
    return value(fault, seen) > limit


def test_every_class_is_complete_and_named_after_its_file() -> None:
    for name, fault in catalogue().items():
        assert fault.name == name
        assert fault.title and fault.causes and fault.sources and fault.unit
        assert fault.injectors, f"{name} cannot be made on purpose"
        limits = (fault.physical_limit, fault.default_margin, fault.default_limit)
        known = bool(fault.judged_by) or any(limit is not None for limit in limits)
        assert known, f"{name} can never find anything"
        assert set(fault.observes) <= {"signal", "pitch", "tokens", "speaker", "intelligibility"}
        assert name in explain(fault) and fault.title in explain(fault)


def test_what_explains_what_has_no_circle() -> None:
    faults = catalogue()

    def causes_of(name: str, seen: tuple[str, ...] = ()) -> None:
        assert name not in seen, f"circle: {seen}"
        for following in faults[name].explains:
            causes_of(following, (*seen, name))

    for name in faults:
        causes_of(name)


def test_two_classes_of_one_name_are_refused() -> None:
    def module(path: str) -> python_types.ModuleType:
        made = python_types.ModuleType(path)
        made.Twice = type("Twice", (BaseFault,), {"name": "twice", "__module__": path})  # type: ignore[attr-defined]
        return made

    with pytest.raises(ValueError, match=r"defined twice: in a\.twice and b\.twice"):
        collect([module("a.twice"), module("b.twice")])
    with pytest.raises(ValueError, match="must be named after it"):
        collect([module("a.other")])
    with pytest.raises(ValueError, match="exactly one fault class, it defines 0"):
        collect([python_types.ModuleType("empty")])


def test_an_unknown_class_gets_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="did you mean 'truncation'"):
        get("trunkation")


def test_healthy_speech_is_beyond_no_default() -> None:
    seen = view()
    for found in gather(seen):
        if not found.applies:
            continue
        assert found.value is not None, f"{found.fault}: {found.reason}"
        limit = get(found.fault).default_limit
        assert limit is None or found.value <= limit, found
        physics = get(found.fault).physical_limit
        assert physics is None or found.value <= physics, found


@pytest.mark.parametrize(
    ("fault", "scorer", "change"),
    [
        ("silence", "signal", {"peak_dbfs": -75.0}),
        ("silence", "signal", {"peak_dbfs": None, "constant": True}),
        ("near-empty", "signal", {"duration": 0.3, "speech_end": 0.25}),
        ("overlong", "signal", {"duration": 90.0}),
        ("nan-inf", "signal", {"nonfinite_fraction": 1e-6}),
        ("clipping", "signal", {"clipped_fraction": 0.02, "clipped_longest_run": 9}),
        ("clipping", "signal", {"over_one_fraction": 0.02}),
        ("double-scaling", "signal", {"rail_jumps": 4000}),
        ("constant-dc", "signal", {"dc_ratio": 0.4}),
        ("constant-dc", "signal", {"constant": True, "dc_ratio": None}),
        ("short-repeat", "signal", {"periodic": {"ratio": 1e-8, "period": 4, "seconds": 2.0, "span": [3.0, 5.0]}}),
        ("noise", "signal", {"envelope_cv": 0.002}),
        ("internal-silence", "signal", {"longest_pause": {"seconds": 3.5, "ratio": 9, "span": [2.0, 5.5]}}),
        ("bandwidth", "signal", {"rolloff99_hz": 900.0}),
        ("click", "signal", {"clicks": {"count": 3, "worst_ratio": 14.0, "worst_dbfs": -9.0, "times": [1.0, 2.0]}}),
        ("lost-audio", "tokens", {"length_mismatch": -0.8}),
        ("robotic", "pitch", {"harmonicity_db_halves": [12.0, -8.0]}),
        ("wrong-speaker", "speaker", {"similarity": 0.3}),
        ("runaway", "tokens", {"count": 2000, "cap_hit": True}),
        ("runaway", "tokens", {"cap": None, "cap_hit": True}),
        ("token-range", "tokens", {"codebooks": [{"size": 1024, "entropy_bits": 7.0, "out_of_range": 3}]}),
        ("codebook-collapse", "tokens", {"codebooks": [{"size": 1024, "unique": 5, "entropy_bits": 1.8}]}),
        ("token-loop", "tokens", {"cycle": {"period": 7, "repeats": 30, "span": [2.0, 7.0]}}),
    ],
)
def test_a_broken_figure_is_seen(fault: str, scorer: str, change: dict[str, Any]) -> None:
    assert not over(fault, view())
    assert over(fault, view(**{scorer: change}))


@pytest.mark.parametrize(
    ("fault", "scorer", "change"),
    [
        ("rumble", "pitch", {"voiced_fraction": 0.05}),
        ("noise-floor", "signal", {"noise_floor_dbfs": -40.0}),
        ("level-offset", "signal", {"active_rms_dbfs": -28.0}),
    ],
)
def test_what_only_a_reference_can_tell_is_not_judged_without_one(
    fault: str, scorer: str, change: dict[str, Any]
) -> None:
    healthy, margin = value(fault, view()), get(fault).default_margin
    assert margin is not None and get(fault).default_limit is None
    assert abs(value(fault, view(**{scorer: change})) - healthy) > margin


def test_words_of_the_text_before_are_state_bleed() -> None:
    words = TEXT.split()
    bleeding = view(said(["harvest", "festival", "brought", "everyone", "together", *words]))
    before = Chunk("z", "Every autumn, the harvest festival brought everyone together again.")
    found = get("state-bleed").evidence(replace(bleeding, previous=before))
    assert found.value is not None and found.value > 3.0 and found.span == pytest.approx((0.0, 5 * WORD), abs=0.1)
    other = Chunk("z", "Nobody knew what the clock in the hall was for.")
    assert get("state-bleed").evidence(replace(bleeding, previous=other)).value == 0.0
    assert get("state-bleed").evidence(replace(view(), previous=before)).value == 0.0
    assert not get("state-bleed").evidence(bleeding).applies


def test_a_single_clipped_peak_is_no_clipping() -> None:
    assert value("clipping", view(signal={"clipped_fraction": 0.01, "clipped_longest_run": 2})) == 0.0


@pytest.mark.parametrize(
    ("outcome", "fault"),
    [
        (Outcome.CRASH, "crash"),
        (Outcome.HANG, "hang"),
        (Outcome.TIMEOUT, "hang"),
        (Outcome.ERROR, "process-error"),
        (Outcome.NO_AUDIO, "empty-output"),
        (Outcome.BAD_AUDIO, "bad-wav"),
    ],
)
def test_a_failed_request_is_one_fault_and_needs_no_scorer(outcome: Outcome, fault: str) -> None:
    seen = {found.fault: found for found in gather(view(outcome=outcome))}
    beyond = [name for name, found in seen.items() if found.applies and (found.value or 0) > 0]
    assert beyond == [fault]
    assert "signal 11" in seen[fault].detail


def test_sample_rate_needs_duration_and_pitch_to_agree() -> None:
    then = ReferenceRecord("a", figures={"f0_median_hz": [175.0], "duration": [view().attempt.duration or 0]})
    half = {"duration": (view().attempt.duration or 0) / 2}
    both = view(reference=then, signal=half, pitch={"f0_median_hz": 350.0})
    assert value("sample-rate", both) == pytest.approx(math.log(2), abs=1e-6)
    assert value("sample-rate", view(reference=then, signal=half)) <= 0.0, "short speech at the right pitch"
    assert value("sample-rate", view(reference=then, pitch={"f0_median_hz": 350.0})) <= 0.0, "another voice"
    assert not get("sample-rate").evidence(view()).applies


# ------------------------------------------------------------------------------------------- transcripts
def misheard(words: list[dict[str, Any]], every: int) -> list[dict[str, Any]]:
    """A blunt recognizer: every n-th word is heard as something else, in its place."""
    return [{**w, "word": "zzyqx"} if i % every == every - 1 else w for i, w in enumerate(words)]


@pytest.mark.parametrize("every", [100, 4, 3])
def test_words_that_were_misheard_are_not_missing(every: int) -> None:
    seen = view(misheard(said(TEXT.split()), every))
    for fault in ("skipped-words", "truncation", "loop"):
        assert value(fault, seen) < 1.0, fault
    for fault in ("gibberish-tail", "inserted-words"):
        assert value(fault, seen) < 0.5, fault


@pytest.mark.parametrize("every", [100, 4, 3])
def test_a_skipped_stretch_is_found_among_misheard_words(every: int) -> None:
    words = TEXT.split()
    spoken = misheard(said(words[:8] + words[13:]), every)
    seen = view(spoken)
    found = get("skipped-words").evidence(seen)
    assert found.value is not None and found.value > 3.0
    assert found.span is not None and found.span[0] - 0.7 < 8 * WORD < found.span[1] + 0.7
    assert value("truncation", seen) < 1.5


def test_the_references_own_pace_of_each_word_is_what_counts() -> None:
    """One word of the text is always drawn out: without the reference it looks like speech too many."""
    spoken = said(TEXT.split())
    for word in spoken[10:]:
        word["end"] += 2.0
    for word in spoken[11:]:
        word["start"] += 2.0
    spoken[10]["word"] = "zzyqx"
    seen = view(spoken)
    assert value("inserted-words", seen) > 1.5
    usual = word_seconds(hear(seen))
    assert usual[10] == pytest.approx(2.3, abs=0.1) and sum(usual) == pytest.approx(8.8, abs=0.2)
    drawn_out = ReferenceRecord("a", word_seconds=usual)
    assert value("inserted-words", replace(seen, reference=drawn_out)) < 0.2
    skipped = view([w for i, w in enumerate(said(TEXT.split())) if i != 10], reference=drawn_out)
    assert value("skipped-words", skipped) == 1.0


def test_sound_in_which_no_word_is_heard_is_speech_too_many_all_the_same() -> None:
    """A recognizer that knows noise hears nothing in babble, or lends its time to a word beside it."""
    for absorbed in (False, True):
        spoken = said(TEXT.split())
        for word in spoken[9:]:
            word["start"] += 2.0
            word["end"] += 2.0
        if absorbed:
            spoken[8]["end"] += 2.0
        found = get("inserted-words").evidence(view(spoken))
        assert found.value == pytest.approx(2.0, abs=0.3), absorbed
        assert "no word was heard" in found.detail


def test_an_anchor_at_the_wrong_one_of_two_like_words_is_nothing_inserted() -> None:
    text = "she warmed it with the lantern and cooled it with spit and warmed it again before the others came up"
    spoken = said(text.split())
    kept = [w for i, w in enumerate(spoken) if not 6 < i < 13]  # a stretch not heard, the time is there
    kept[6]["word"] = "and"
    assert value("inserted-words", view(kept, text)) < 0.5


def test_five_short_words_skipped_count_as_more_than_their_time() -> None:
    text = "grandfather thought of it as a curious machine because everybody else understood nothing of clockwork"
    words = text.split()
    spoken, at = [], 0.0
    for i, word in enumerate(words):
        length = 0.045 * len(word) + 0.03
        if not 2 <= i < 6:
            spoken.append({"word": word, "start": at, "end": at + length, "probability": 0.5})
            at += length
    found = value("skipped-words", view(spoken, text))
    assert 2.5 < found <= 4.0


def test_words_before_that_are_all_misheard_are_state_bleed_by_their_letters() -> None:
    before = Chunk("z", "Every autumn, the harvest festival brought everyone together again.")
    bleeding = view(said(["thehar", "vistfest", "avull", "brot", "efryone", *TEXT.split()]))
    found = get("state-bleed").evidence(replace(bleeding, previous=before))
    assert found.value is not None and found.value > 3.0
    again = view(said([*TEXT.split()[:6], *TEXT.split()]))
    shared = Chunk("z", "Nobody knew what the old keeper climbed the narrow stairs for.")
    assert value("state-bleed", replace(bleeding, previous=shared)) == 0.0
    assert not get("state-bleed").evidence(replace(again, previous=Chunk("z", TEXT))).applies, "that is a loop"


def test_one_common_word_heard_in_ten_seconds_of_babble_is_unintelligible() -> None:
    babble = {"duration": 7.5, "speech_end": 7.2}
    assert value("unintelligible", view(said(["the"]), signal=babble)) > 0.9
    cut_off = view(said(TEXT.split()[:4]))
    assert value("unintelligible", cut_off) < 0.1, "what was said is in the text: it broke off"


def test_a_word_heard_by_chance_in_the_murmur_does_not_hide_the_tail() -> None:
    spoken = said(TEXT.split())
    spoken[-1]["start"] += 1.8
    spoken[-1]["end"] += 1.8
    assert value("gibberish-tail", view(spoken)) > 1.3


def test_a_skipped_start_is_found() -> None:
    seen = view(said(TEXT.split()[4:]))
    found = get("skipped-words").evidence(seen)
    assert found.value is not None and found.value > 3.0
    assert "'the old keeper climbed'" in found.detail


@pytest.mark.parametrize("every", [100, 4])
def test_a_lost_end_is_truncation_and_not_a_skip(every: int) -> None:
    seen = view(misheard(said(TEXT.split()[:-5]), every))
    assert value("truncation", seen) > 3.0
    assert value("skipped-words", seen) < 1.0


def test_words_after_the_text_are_a_tail() -> None:
    seen = view(said([*TEXT.split(), "wugs", "blick", "dax", "fep", "toma"]))
    found = get("gibberish-tail").evidence(seen)
    assert found.value == pytest.approx(5 * WORD, abs=0.3)
    assert found.span is not None and found.span[0] == pytest.approx(len(TEXT.split()) * WORD, abs=0.2)
    assert value("truncation", seen) == 0.0


def test_a_long_pause_at_the_end_is_no_tail() -> None:
    words = said(TEXT.split())
    end = words[-1]["end"]
    seen = view(words, signal={"duration": end + 3.0, "speech_end": end + 2.8, "pauses": [[end, end + 2.8]]})
    assert value("gibberish-tail", seen) < 0.2


def test_a_phrase_said_twice_is_a_loop() -> None:
    words = TEXT.split()
    seen = view(said(words[:12] + words[6:12] + words[6:12] + words[12:]))
    found = get("loop").evidence(seen)
    assert found.value is not None and found.value > 8.0
    assert "heard again" in found.detail


def test_a_phrase_that_is_misheard_alike_both_times_is_a_loop_all_the_same() -> None:
    words = TEXT.split()
    misspelt = [word if i % 3 == 0 else f"{word}ugg" for i, word in enumerate(words[6:14])]
    twice = view(said([*words[:6], *misspelt, *misspelt, *words[14:]]))
    once = view(said([*words[:6], *misspelt, *words[14:]]))
    assert value("loop", twice) > 4.0
    assert value("loop", once) == 0.0


def aligned(**changes: Any) -> Observation:
    """What forced alignment says of a text of which it found every word once, ``changes`` apart."""
    payload = {"aligned": True, "reference": TEXT, "missing_runs": [], "repeats": [], **changes}
    return Observation("forced_alignment", "1", Status.OK, payload)


def test_a_loop_that_the_aligner_does_not_see_is_found_by_its_sound() -> None:
    """Heard the second time as other words, which run together are the same letters."""
    words = TEXT.split()
    twice = view(said([*words[:9], "clim", "the", "narrowstares", "every", "eevning", *words[9:]]))
    blind = replace(twice, observations={**twice.observations, "forced_alignment": aligned()})
    assert value("loop", blind) > 3.0
    squeezed = said(words)
    for late, extra in enumerate(["climbed", "the", "narrow", "stairs"]):
        at = squeezed[9 + late]["start"]
        squeezed.insert(9 + late, {"word": extra, "start": at, "end": at + 0.02, "probability": 0.5})
    assert value("loop", view(squeezed)) < 1.0, "there is no time for them: they stand at the wrong place"


def test_what_is_said_twice_between_words_that_were_misheard_is_a_loop() -> None:
    words = TEXT.split()
    strange = ["wallop", "brandish", "cutlery", "quern"]
    heard_twice = [*words[:8], *strange, "wal", "lopbran", "dishcut", "leryquern", *words[12:]]
    assert value("loop", view(said(heard_twice))) > 3.0


def test_a_row_of_words_without_a_trace_needs_no_aligner() -> None:
    words = TEXT.split()
    gone = view(said(words[:8] + words[13:]))
    blind = replace(gone, observations={**gone.observations, "forced_alignment": aligned()})
    assert value("skipped-words", blind) > 3.0
    there = said(words)
    unheard = [w for i, w in enumerate(there) if not 8 <= i < 13]
    kept = view(unheard)
    kept = replace(kept, observations={**kept.observations, "forced_alignment": aligned()})
    assert value("skipped-words", kept) < 1.0, "the time is there: they were misheard"


def test_a_recognizer_that_does_not_understand_the_reference_judges_no_words() -> None:
    """What it finds missing or new in a voice that it cannot read is its own doing; not judged is not clean."""
    cut_off = TEXT.split()[:14]
    for missed, judged in ((0.1, True), (0.6, False)):
        reference = ReferenceRecord("a", {"unintelligible": (missed,)})
        seen = view(said(cut_off), reference=reference)
        seen = replace(seen, observations={**seen.observations, "forced_alignment": aligned()})
        for name in ("truncation", "skipped-words", "loop", "inserted-words", "gibberish-tail"):
            found = get(name).evidence(seen)
            assert (found.value is not None) is judged, name
            assert judged or "does not understand the reference" in found.reason


def test_a_repeat_that_the_text_asks_for_is_no_loop() -> None:
    text = "never again said the crow and never again said the fox and never again said the bear in the wood"
    assert value("loop", view(text=text)) < 1.0


def test_speech_that_is_not_in_the_text_is_inserted() -> None:
    words = TEXT.split()
    seen = view(said([*words[:10], "wugs", "blick", "dax", "fep", "toma", "goff", *words[10:]]))
    assert value("inserted-words", seen) > 1.2
    assert value("skipped-words", seen) < 1.0


def test_speech_without_the_words_is_unintelligible_and_truncated_speech_is_not() -> None:
    assert value("unintelligible", view(said(["zzyqx", "blorp"] * 12))) > 0.9
    assert value("unintelligible", view([])) == 1.0
    assert value("unintelligible", view(said(TEXT.split()[:8]))) < 0.1
    assert value("unintelligible", view(said(TEXT.split() * 2))) < 0.1


def test_a_text_that_the_recognizer_cannot_follow_in_the_reference_is_not_judged() -> None:
    hopeless = ReferenceRecord("a", evidence={"unintelligible": [0.9, 0.8, 0.95]})
    found = get("unintelligible").evidence(view(said(["zzyqx"] * 20), reference=hopeless))
    assert found.value is None and found.applies
    assert "reference" in found.reason


def test_transcripts_without_times_cannot_place_words() -> None:
    words = [{**w, "start": None, "end": None} for w in said(TEXT.split())]
    seen = replace(view(), observations={**view().observations})
    payload = {**seen.observations["intelligibility"].payload, "words": words}
    seen.observations["intelligibility"] = Observation("intelligibility", "1", Status.OK, payload)  # type: ignore[index]
    found = get("skipped-words").evidence(seen)
    assert found.value is None and found.applies and "times" in found.reason
    assert value("unintelligible", seen) == pytest.approx(0.0)


def test_pairing_prefers_phrases_to_single_chance_matches() -> None:
    text = ("the", "fox", "and", "the", "bear")
    assert [(i, j) for i, j, _ in match(text, ("and", "the", "bear"))] == [(2, 0), (3, 1), (4, 2)]


def test_hearing_nothing_at_all_is_no_error() -> None:
    heard = hear(view([]))
    assert heard.precision == heard.recall == 0.0 and not heard.regions


# ------------------------------------------------------------------------------------------- what cannot be judged
def without(scorer: str, status: Status | None) -> View:
    seen = view()
    kept = {name: o for name, o in seen.observations.items() if name != scorer}
    if status is not None:
        kept[scorer] = Observation(scorer, "1", status, {}, "it broke")
    return replace(seen, observations=kept)


def test_a_scorer_that_failed_makes_its_classes_unable_to_judge() -> None:
    seen: dict[str, Evidence] = {e.fault: e for e in gather(without("speaker", Status.ERROR))}
    assert seen["wrong-speaker"].value is None and seen["wrong-speaker"].applies
    assert "it broke" in seen["wrong-speaker"].reason


def test_what_a_run_did_not_measure_only_matters_to_essential_classes() -> None:
    missing = {e.fault: e for e in gather(without("speaker", None))}
    assert not missing["wrong-speaker"].applies
    deaf = {e.fault: e for e in gather(without("intelligibility", None))}
    assert deaf["unintelligible"].applies and deaf["unintelligible"].value is None
    no_tokens = {e.fault: e for e in gather(without("tokens", Status.NOT_AVAILABLE))}
    assert not no_tokens["token-range"].applies


def test_a_figure_that_a_clip_does_not_have_matters_only_to_essential_classes() -> None:
    no_pause = {e.fault: e for e in gather(view(signal={"noise_floor_dbfs": None}))}
    assert not no_pause["noise-floor"].applies and no_pause["noise-floor"].reason == "noise_floor_dbfs is unknown"
    no_length = {e.fault: e for e in gather(view(signal={"duration": None}))}
    assert no_length["near-empty"].applies and no_length["near-empty"].value is None


def test_a_class_that_crashes_or_gives_nan_could_not_judge() -> None:
    class Broken(BaseFault):
        name, family = "broken", Family.WAVEFORM

        def measure(self, view: View) -> Seen:
            raise ZeroDivisionError("by zero")

    class Nan(Broken):
        def measure(self, view: View) -> Seen:
            return Seen(float("nan"))

    assert Broken().evidence(view()) == Evidence("broken", None, "", reason="ZeroDivisionError: by zero")
    found = Nan().evidence(view())
    assert found.value is None and "not a number" in found.reason and found.applies


def test_little_speech_is_not_held_against_the_voice() -> None:
    assert not get("wrong-speaker").evidence(view(speaker={"speech_seconds": 1.0})).applies


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("cat", 1),
        ("banana", 3),
        ("made", 1),
        ("table", 2),
        ("wanted", 2),
        ("rhythm", 1),
        ("42", 3),
        ("日本", 2),
        ("!", 0),
    ],
)
def test_syllables(word: str, count: float) -> None:
    assert syllables(word) == count


def test_an_explanation_says_what_was_measured_or_that_nothing_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.faults.measured", lambda: {"click": "73 of 73 found as such"})
    assert "found: 73 of 73 found as such" in explain(get("click"))
    assert "found: not measured" in explain(get("hum"))
    assert "judged over the whole run: claim 'memory'" in explain(get("memory-leak"))


def test_a_short_even_phrase_is_no_noise_and_a_hum_is() -> None:
    flat = {"envelope_cv": 0.3, "flatness": 2e-4}
    gliding = {"f0_p05_hz": 150.0, "f0_p95_hz": 210.0, "voiced_fraction": 0.8}
    assert not over("noise", view(signal=flat, pitch=gliding))
    assert over("noise", view(signal=flat, pitch={**gliding, "f0_p95_hz": 151.0})), "nothing glides: a hum"
    assert over("noise", view(signal={**flat, "flatness": 0.5}, pitch=gliding)), "flat: noise over a voice"
    assert over("hum", view(signal={"envelope_cv": 0.05, "flatness": 1e-8}))
    assert not over("hum", view(signal={"envelope_cv": 0.9, "flatness": 1e-8})), "it moves as speech does"


def test_tokens_in_the_wrong_codebook_are_told_from_a_stray_one() -> None:
    def books(first: int, second: int) -> dict[str, Any]:
        return {"codebooks": [{"size": 512, "out_of_range": first}, {"size": 128, "out_of_range": second}]}

    assert not over("token-order", view(tokens=books(0, 2)))
    assert over("token-order", view(tokens=books(0, 90)))


def test_a_number_heard_as_another_is_misread_and_a_misheard_word_is_not() -> None:
    text = "he bought 45 apples and 12 pears"
    words = said(text.replace("45", "50").split())
    seen = view(words, text)
    payload = dict(seen.observations["intelligibility"].payload)

    def with_operations(*operations: dict[str, Any]) -> float:
        payload["alignment"] = list(operations)
        seen.observations["intelligibility"] = Observation("intelligibility", "1", Status.OK, payload)  # type: ignore[index]
        return value("number-misread", seen)

    assert with_operations({"op": "substitute", "ref": [2, 3], "hyp": [2, 3]}) == 1.0
    assert with_operations({"op": "substitute", "ref": [3, 4], "hyp": [3, 4]}) == 0.0
    assert with_operations({"op": "delete", "ref": [2, 3], "hyp": [2, 2]}) == 0.0
    assert not get("number-misread").evidence(view()).applies


def test_another_script_in_the_transcript_is_another_language() -> None:
    seen = view(said(["the", "old", "keeper", "你好你好你好你好"]))
    payload = {
        **seen.observations["intelligibility"].payload,
        "text": "the old keeper 你好你好你好你好",
        "engine": "whisper",
    }
    seen.observations["intelligibility"] = Observation("intelligibility", "1", Status.OK, payload)  # type: ignore[index]
    assert over("language-switch", seen)
    deaf = {**payload, "engine": "pocketsphinx"}
    seen.observations["intelligibility"] = Observation("intelligibility", "1", Status.OK, deaf)  # type: ignore[index]
    assert not get("language-switch").evidence(seen).applies


def test_a_header_that_lost_audio_is_a_fault_and_a_streaming_placeholder_is_not() -> None:
    def with_repairs(*repairs: str) -> View:
        seen = view()
        return replace(seen, attempt=replace(seen.attempt, notes={"repairs": list(repairs)}))

    assert over("wav-header", with_repairs("data size 90000 (truncated) read as 4000 bytes"))
    assert not over("wav-header", with_repairs("data size 4294967295 (streaming placeholder) read as 4000 bytes"))


def test_sound_that_comes_only_when_all_is_made_is_fake_streaming() -> None:
    def first_after(ttfa: float | None, wall: float) -> Evidence:
        seen = view()
        timed = replace(seen.attempt, ttfa=ttfa, wall_seconds=wall)
        return get("fake-streaming").evidence(replace(seen, attempt=timed))

    late, early = first_after(3.9, 4.0).value, first_after(0.2, 4.0).value
    assert late is not None and early is not None
    assert late - early > (get("fake-streaming").default_margin or 1.0)
    assert not first_after(None, 4.0).applies and not first_after(0.1, 0.2).applies


MARKED = '<speak><prosody rate="slow" pitch="-2st">Hi there.</prosody></speak>'
PAUSED = f'{TEXT} <break time="3s"/> {TEXT}'


def test_markup_is_no_reason_to_expect_more_speech() -> None:
    spoken = {"duration": 0.9, "speech_start": 0.1, "speech_end": 0.8, "pauses": []}
    assert not over("near-empty", view([], MARKED, signal=spoken))
    assert not over("overlong", view([], MARKED, signal={**spoken, "duration": 1.6}))


@pytest.mark.parametrize(("seconds", "fault"), [(3.0, False), (3.4, False), (0.0, False), (5.5, True)])
def test_a_pause_that_the_text_asks_for_is_no_dead_air(seconds: float, fault: bool) -> None:
    gaps = [[2.0, 2.0 + seconds]] if seconds else []
    longest = {"seconds": seconds, "ratio": None, "span": gaps[0] if gaps else None}
    seen = view(None, PAUSED, signal={"pauses": gaps, "longest_pause": longest, "duration": 8.0 + seconds})
    assert over("internal-silence", seen) is fault


def test_a_pause_in_another_place_than_the_longest_still_counts() -> None:
    gaps = [[1.0, 4.0], [6.0, 9.0]]
    longest = {"seconds": 3.0, "ratio": None, "span": gaps[0]}
    assert over("internal-silence", view(None, PAUSED, signal={"pauses": gaps, "longest_pause": longest}))


def test_what_is_expected_decides_how_long_speech_should_be() -> None:
    short = {"duration": 0.9, "speech_start": 0.1, "speech_end": 0.8, "pauses": []}
    seen = view([], "h@'l@U w3:ld " * 9, signal=short)
    assert over("near-empty", seen)
    assert not over("near-empty", replace(seen, chunk=replace(seen.chunk, expected="hello world")))
