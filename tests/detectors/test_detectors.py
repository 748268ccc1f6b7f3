"""The fault classes: what each sees in observations, healthy and broken, and what it says when it cannot look."""

from __future__ import annotations

import math
import types as python_types
from dataclasses import replace
from typing import Any

import pytest

from harness.core.errors import ConfigError
from harness.core.records import Attempt, Chunk, Detection, DetectorInput, Measurement, Outcome, ReferenceRecord, Status
from harness.detectors import catalogue, collect, detect_all, explain, get
from harness.detectors._heard import compare_transcript, match
from harness.detectors._origin import heard_twice
from harness.detectors.base import BaseFault, DetectorValue, Family
from harness.detectors.sample_rate import agreed_shift
from harness.detectors.wrong_speaker import IN_ITS_RUN
from harness.text import word_syllables as syllables

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
    "periodicity_db_halves": [12.0, 11.0],
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


def edits_of(text: str) -> dict[str, Any]:
    """What the scorer says of a text that was spoken as written."""
    words = text.split()
    placed = [{"word": w, "start": i * WORD, "end": (i + 1) * WORD, "logprob": -0.1} for i, w in enumerate(words)]
    return {"words": placed, "edits": [], "unexplained": []}


def view(
    words: list[dict[str, Any]] | None = None,
    text: str = TEXT,
    *,
    reference: ReferenceRecord | None = None,
    outcome: Outcome = Outcome.OK,
    **changes: dict[str, Any],
) -> DetectorInput:
    """An attempt as it would be seen; ``changes`` update the payload of a scorer."""
    words = said(text.split()) if words is None else words
    end = max((w["end"] for w in words), default=0.0)
    heard = {"reference": text, "hypothesis": " ".join(w["word"] for w in words), "words": words}
    signal = {**SIGNAL, "duration": end + 0.3, "speech_end": end}
    payloads = {"signal": signal, "pitch": PITCH, "tokens": TOKENS, "speaker": SPEAKER, "intelligibility": heard}
    payloads["edit_likelihood"] = {**edits_of(text), "second": None}
    observations = {
        name: Measurement(name, "1", Status.OK, {**payload, **changes.get(name, {})})
        for name, payload in payloads.items()
    }
    attempt = Attempt(0, 0, 0, "a", "v", outcome=outcome, detail="signal 11", duration=end + 0.3)
    return DetectorInput(Chunk("a", text), attempt, observations if outcome is Outcome.OK else {}, reference)


def value(fault: str, seen: DetectorInput) -> float:
    detection = get(fault).evidence(seen)
    assert detection.value is not None, detection.reason
    return detection.value


def over(fault: str, seen: DetectorInput) -> bool:
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
        decidable = bool(fault.judged_by) or any(limit is not None for limit in limits)
        assert decidable, f"{name} can never find anything"
        assert set(fault.observes) <= {"signal", "pitch", "tokens", "speaker", "intelligibility", "edit_likelihood"}
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
        twin = python_types.ModuleType(path)
        twin.Twice = type("Twice", (BaseFault,), {"name": "twice", "__module__": path})  # type: ignore[attr-defined]
        return twin

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
    attempt_view = view()
    for detection in detect_all(attempt_view):
        if not detection.applies:
            continue
        assert detection.value is not None, f"{detection.fault}: {detection.reason}"
        limit = get(detection.fault).default_limit
        assert limit is None or detection.value <= limit, detection
        physics = get(detection.fault).physical_limit
        assert physics is None or detection.value <= physics, detection


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
        ("robotic", "pitch", {"periodicity_db_halves": [12.0, -8.0]}),
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
    by_class = {detection.fault: detection for detection in detect_all(view(outcome=outcome))}
    beyond = [name for name, detection in by_class.items() if detection.applies and (detection.value or 0) > 0]
    assert beyond == [fault]
    assert "signal 11" in by_class[fault].detail


def test_sample_rate_needs_duration_and_pitch_to_agree() -> None:
    then = ReferenceRecord("a", figures={"f0_median_hz": [175.0], "duration": [view().attempt.duration or 0]})
    half = {"duration": (view().attempt.duration or 0) / 2}
    both = view(reference=then, signal=half, pitch={"f0_median_hz": 350.0})
    assert value("sample-rate", both) == pytest.approx(math.log(2), abs=1e-6)
    assert value("sample-rate", view(reference=then, signal=half)) <= 0.0, "short speech at the right pitch"
    assert value("sample-rate", view(reference=then, pitch={"f0_median_hz": 350.0})) <= 0.0, "another voice"
    assert not get("sample-rate").evidence(view()).applies


@pytest.mark.parametrize(
    ("faster", "higher", "fault"),
    [
        (0.42, 0.14, False),  # another voice that reads fast
        (0.05, 0.20, True),  # 1.25 times as fast, of a text that the voice reads slowly
        (-0.55, -0.70, True),
        (-0.22, -0.04, False),  # a slow reading of a short text
        (0.01, 0.10, False),  # a lively one
        (0.2, -0.2, False),
    ],
)
def test_a_rate_is_wrong_where_pace_and_pitch_agree_within_what_texts_vary(faster, higher, fault):
    assert (agreed_shift(faster, higher) > get("sample-rate").default_limit) is fault


@pytest.mark.parametrize(
    ("faster", "higher", "brighter", "fault"),
    [
        (0.18, 0.12, 0.22, True),  # 1.25 times as fast, in a phrase that the voice speaks low: its spectrum tells
        (0.18, 0.12, -0.30, False),  # the same without an s: nothing but a lively reading
        (0.28, 0.16, -0.30, True),  # pace and pitch suffice
        (0.00, 0.46, 0.12, False),  # a smaller head with a higher voice
        (0.00, 0.00, 0.30, False),
    ],
)
def test_the_spectrum_may_bear_out_a_wrong_rate_and_never_refutes_one(faster, higher, brighter, fault):
    assert (agreed_shift(faster, higher, brighter) > get("sample-rate").default_limit) is fault


def test_short_speech_is_compared_with_the_voice_of_its_own_run_and_with_no_other_recording() -> None:
    heard = view(speaker={"speech_seconds": 2.0, "similarity": 0.4, "encoder": "e"})
    assert not get("wrong-speaker").evidence(heard).applies
    own = replace(heard, voice={IN_ITS_RUN: 1.6})
    assert get("wrong-speaker").evidence(own).value == pytest.approx(0.6)


# ------------------------------------------------------------------------------------------- transcripts
def scored(kind: str, first: int, after: int, gain: float, second: float | None = None, *words: str) -> dict[str, Any]:
    """One edit as the scorer tells it."""
    span = [first * WORD, max(first, after) * WORD]
    return {"kind": kind, "ref": [first, after], "said": list(words), "gain": gain, "second": second, "span": span}


def edited(*edits: dict[str, Any], text: str = TEXT, unexplained: list[dict[str, Any]] | None = None) -> DetectorInput:
    gone = {place for edit in edits if edit["kind"] in ("omit", "end") for place in range(*edit["ref"])}
    heard = " ".join(word for place, word in enumerate(text.split()) if place not in gone)
    scores = {"edits": list(edits), "unexplained": unexplained or []}
    return view(text=text, edit_likelihood=scores, intelligibility={"hypothesis": heard})


def stretch(at: int, seconds: float, expected: float = 0.0, **changes: Any) -> dict[str, Any]:
    told = {"language": None, "probability": None, "own": None, "heard": "", **changes}
    return {"span": [at * WORD, at * WORD + seconds], "ref": [at, at], "seconds": seconds, "expected": expected, **told}


END = len(TEXT.split())


@pytest.mark.parametrize(
    ("fault", "edit", "told"),
    [
        ("skipped-words", scored("omit", 3, 4, 7.0, 5.0), "'climbed' not spoken"),
        ("skipped-words", scored("omit", 0, 2, 9.0, 8.0), "'the old' not spoken"),
        ("loop", scored("repeat", 5, 6, -1.0, -2.0), "'narrow' spoken again"),
        ("loop", scored("insert", 7, 7, 30.0, 28.0, "climbed", "the", "narrow", "stairs"), "spoken again"),
        ("loop", scored("insert", END, END, 60.0, 55.0, *TEXT.split()[9:], *TEXT.split()[9:]), "spoken again"),
        ("inserted-words", scored("insert", 7, 7, 8.0, 6.0, "purple"), "'purple' spoken"),
        ("truncation", scored("end", END - 1, END, 8.0, 6.0), "'beam' not spoken"),
        ("truncation", scored("omit", END - 4, END, 40.0, 33.0), "'its steady golden beam' not spoken"),
    ],
)
def test_an_edit_that_explains_the_audio_better_is_named_with_its_words(
    fault: str, edit: dict[str, Any], told: str
) -> None:
    attempt_view = edited(edit)
    assert over(fault, attempt_view) and told in get(fault).evidence(attempt_view).detail
    others = {"skipped-words", "loop", "inserted-words", "truncation", "state-bleed", "number-misread"} - {fault}
    assert not [
        name for name in others if get(name).evidence(attempt_view).value is not None and over(name, attempt_view)
    ]


def test_both_models_have_to_grant_an_edit() -> None:
    assert not over("skipped-words", edited(scored("omit", 3, 4, 7.0, -4.0)))
    both = value("inserted-words", edited(scored("insert", 3, 3, 9.0, 9.0, "purple")))
    assert value("inserted-words", edited(scored("insert", 3, 3, 9.0, 5.0, "purple"))) == both - 2.0
    assert value("inserted-words", edited(scored("insert", 3, 3, 9.0, 20.0, "purple"))) == both, "it only takes away"


def test_words_for_which_there_was_time_are_less_missing_than_those_without() -> None:
    def missing(seconds: float) -> float:
        attempt_view = edited(scored("omit", 3, 4, 6.0, 6.0))
        words, at = [], 0.0
        for number, word in enumerate(TEXT.split()):
            long = seconds if number == 3 else 0.06 * (len(word) + 1)
            words.append({"word": word, "start": at, "end": at + long, "logprob": -0.1})
            at += long
        payload = {**attempt_view.observations["edit_likelihood"].payload, "words": words}
        measurement = replace(attempt_view.observations["edit_likelihood"], payload=payload)
        return value(
            "skipped-words",
            replace(attempt_view, observations={**attempt_view.observations, "edit_likelihood": measurement}),
        )

    assert missing(0.02) > 6.0 > missing(0.5), "seven letters take half a second"
    assert missing(0.0) <= 10.0, "a fast speaker is no proof"
    assert missing(5.0) == 0.0


def test_a_word_that_was_heard_as_another_is_not_missing() -> None:
    omitted, misheard = scored("omit", 3, 4, 6.0, 6.0), scored("replace", 3, 4, 8.0, 7.0, "climate")
    assert over("skipped-words", edited(omitted))
    assert not over("skipped-words", edited(omitted, misheard))
    far = scored("replace", 9, 10, 8.0, 7.0, "lid")
    assert over("skipped-words", edited(omitted, far)), "a misheard word elsewhere says nothing of this one"


def test_a_new_word_is_not_its_neighbour_said_twice() -> None:
    twice, new = scored("repeat", 6, 7, 1.0, 0.0), scored("insert", 7, 7, 8.0, 8.0, "purple")
    assert over("loop", edited(twice)) and not over("loop", edited(twice, new))


def test_words_of_the_text_before_are_state_bleed() -> None:
    bleeding = edited(scored("insert", 0, 0, 20.0, 15.0, "brought", "everyone", "together"))
    before = Chunk("z", "Every autumn, the harvest festival brought everyone together again.")
    detection = get("state-bleed").evidence(replace(bleeding, previous=before))
    assert detection.value == 17.5 and "'brought everyone together'" in detection.detail
    other = Chunk("z", "Nobody knew what the clock in the hall was for.")
    assert get("state-bleed").evidence(replace(bleeding, previous=other)).value == 0.0
    assert get("state-bleed").evidence(replace(view(), previous=before)).value == 0.0
    assert not get("state-bleed").evidence(bleeding).applies
    assert not get("state-bleed").evidence(replace(bleeding, previous=Chunk("z", TEXT))).applies, "that is a loop"


def test_words_of_the_text_before_are_state_bleed_where_they_are_only_roughly_heard() -> None:
    before = Chunk("z", "Every autumn, the harvest festival brought everyone together again.")
    sound = [stretch(0, 2.4, heard="vest of festival brought everyone to gather again"), stretch(END, 0.0)]
    misheard = scored("replace", 0, 1, 6.0, 3.0, "brought", "everyone", "together", "again", "the")
    for bleeding in (edited(unexplained=sound), edited(misheard)):
        assert over("state-bleed", replace(bleeding, previous=before)), "named"
        assert over("inserted-words", bleeding), "and no alarm that was none before"
        assert value("state-bleed", replace(bleeding, previous=Chunk("z", "Nobody knew the hour."))) == 0.0
    shared = f"Yes, {TEXT.split()[-1]}. Every autumn the festival brought the steady golden beam together."
    rather = [stretch(0, 2.4, heard="festival brought the steady golden beam"), stretch(END, 0.0)]
    assert over("state-bleed", replace(edited(unexplained=rather), previous=Chunk("z", shared))), "shared words"
    own = [stretch(3, 2.4, heard="the narrow stairs every evening"), stretch(END, 0.0)]
    assert value("state-bleed", replace(edited(unexplained=own), previous=Chunk("z", f"Yes. {TEXT}"))) == 0.0, "a loop"


def test_a_phrase_again_is_a_loop_where_it_is_heard_within_a_word_or_beside_the_words() -> None:
    again = TEXT.split()[3:8]
    within = edited(scored("replace", 8, 9, 5.0, 8.0, *again, "evening"))
    beside = edited(unexplained=[stretch(8, 2.0, heard=" ".join(again)), stretch(END, 0.0)])
    for heard in (within, beside):
        assert over("loop", heard) and over("inserted-words", heard)
    assert not over("loop", edited(scored("replace", 8, 9, 5.0, 8.0, "every", "seven", "ring"))), "misheard"
    few = [stretch(8, 0.9, heard="every evening"), stretch(END, 0.0)]
    assert not over("loop", edited(unexplained=few)), "a misheard word and its neighbour look like that too"


def test_a_phrase_that_was_misheard_alike_twice_is_a_loop() -> None:
    sound = [stretch(8, 2.0, heard="to lie the lamb because to lie the lamb"), stretch(END, 0.0)]
    assert not over("loop", edited(unexplained=sound)), "the clip holds it once"
    twice = f"{' '.join(TEXT.split()[:9])} to lie the lamb because to lie the lamb because sailors"
    heard = view(edit_likelihood={"edits": [], "unexplained": sound}, intelligibility={"hypothesis": twice})
    assert over("loop", heard)
    written = f"{TEXT} to lie the lamb because to lie the lamb because"
    assert heard_twice(twice, TEXT) and not heard_twice(twice, written), "the text says it twice"


def test_sound_without_words_is_speech_too_many() -> None:
    babble = [stretch(9, 2.0), stretch(END, 0.1)]
    detection = get("inserted-words").evidence(edited(unexplained=babble))
    assert over("inserted-words", edited(unexplained=babble)) and "2.00 s too many" in detection.detail
    misheard = [stretch(9, 1.0, 0.9), stretch(END, 0.0)]
    assert not over("inserted-words", edited(unexplained=misheard)), "the words that belong there take that long"


def test_a_word_without_length_was_spoken_in_the_sound_beside_it() -> None:
    place = next(place for place, word in enumerate(TEXT.split()) if word == "harbour")
    sound = [stretch(place, 0.6), stretch(END, 0.0)]
    words = said(TEXT.split())
    words[place] |= {"start": sound[0]["span"][1], "end": sound[0]["span"][1]}
    heard = edited(unexplained=sound)
    collapsed = view(edit_likelihood={"unexplained": sound}, intelligibility={"words": words})
    assert over("inserted-words", heard) and not over("inserted-words", collapsed)
    more = [{**sound[0], "seconds": 1.6}, sound[1]]
    assert over("inserted-words", view(edit_likelihood={"unexplained": more}, intelligibility={"words": words}))


@pytest.mark.parametrize(
    ("written", "timed", "pauses", "too_many"),
    [
        ("1951", (0.0, 0.2), [], False),  # sixteen letters are said in more than the time of the last token
        ("harbour", (0.0, 0.4), [[0.05, 0.4]], False),  # timed with the pause behind it
        ("harbour", (0.0, 0.4), [], True),
    ],
)
def test_a_word_timed_with_hardly_any_of_its_sound_was_spoken_beside_it(
    written: str, timed: tuple[float, float], pauses: list[list[float]], too_many: bool
) -> None:
    place = next(place for place, word in enumerate(TEXT.split()) if word == "harbour")
    sound = [stretch(place, 0.5), stretch(END, 0.0)]
    words, edge = said(TEXT.split()), sound[0]["span"][1]
    words[place] |= {"word": written, "start": edge + timed[0], "end": edge + timed[1]}
    signal = {**SIGNAL, "pauses": [[edge + a, edge + b] for a, b in pauses]}
    heard = view(edit_likelihood={"unexplained": sound}, intelligibility={"words": words}, signal=signal)
    assert over("inserted-words", heard) is too_many


def test_words_left_out_of_a_transcript_are_the_sound_before_its_last_word() -> None:
    last = {**stretch(END, 0.2, 1.0), "ref": [END - 2, END]}
    sound = {**stretch(END - 3, 0.6), "ref": [END - 3, END - 3]}
    assert not over("inserted-words", edited(unexplained=[sound, last]))
    assert over("inserted-words", edited(unexplained=[sound, {**last, "seconds": 0.9}])), "they were spoken behind it"


def test_sound_after_the_last_word_is_a_tail() -> None:
    assert over("gibberish-tail", edited(unexplained=[stretch(END, 1.5)]))
    assert value("gibberish-tail", edited(unexplained=[stretch(END, 0.2)])) == pytest.approx(0.2)
    assert value("inserted-words", edited(unexplained=[stretch(END, 1.5)])) == 0.0


def test_the_text_again_behind_its_end_is_a_loop_and_babble_is_none() -> None:
    again = " ".join(TEXT.split()[-5:])
    assert over("loop", edited(unexplained=[stretch(END, 3.0, heard=f"{again} {again} her voice in the air")]))
    assert not over("loop", edited(unexplained=[stretch(END, 3.0, heard="her voice in the air of it all")]))
    assert not over("loop", edited(unexplained=[stretch(END, 0.4, heard=again)])), "less than a tail"


def test_a_stretch_in_another_language_is_named() -> None:
    german = stretch(9, 2.0, language="de", probability=0.9, own=0.02, heard="dast ist")
    attempt_view = edited(unexplained=[german, stretch(END, 0.0)])
    assert (
        over("language-switch", attempt_view)
        and "2.0 s in German" in get("language-switch").evidence(attempt_view).detail
    )
    english = stretch(9, 2.0, language="de", probability=0.02, own=0.97)
    assert not over("language-switch", edited(unexplained=[english, stretch(END, 0.0)]))
    robotic = stretch(9, 1.2, language="nn", probability=0.06, own=0.45)
    assert not over("language-switch", edited(unexplained=[robotic, stretch(END, 0.0)])), "no language is likely"
    alike = {**stretch(9, 1.2, 0.6, language="th", probability=0.5, own=0.07, heard="every leaving"), "ref": [7, 8]}
    assert not over("language-switch", edited(unexplained=[alike, stretch(END, 0.0)])), "those are its words, misheard"
    longer = {**alike, "seconds": 3.0}
    assert over("language-switch", edited(unexplained=[longer, stretch(END, 0.0)])), "they take no 3 s"
    wordless = stretch(9, 2.0, language="ja", probability=0.9, own=0.01, heard="...")
    assert over("language-switch", edited(unexplained=[wordless, stretch(END, 0.0)])), "dots are no words of the text"
    unknown = stretch(9, 2.0, language="en", probability=0.97, own=None)
    assert not get("language-switch").evidence(edited(unexplained=[unknown, stretch(END, 0.0)])).applies


def test_a_number_heard_as_another_is_misread_and_a_misheard_word_is_not() -> None:
    text = "he bought 45 apples and 12 pears"

    def heard(first: int, gain: float, *words: str) -> float:
        return value("number-misread", edited(scored("replace", first, first + 1, gain, gain, *words), text=text))

    assert heard(2, 12.0, "50") == 12.0
    assert heard(2, 12.0, "forty-five") == 0.0
    assert heard(3, 12.0, "apes") == 0.0


def test_a_recognizer_that_does_not_understand_the_reference_judges_no_words() -> None:
    """What it finds missing or new in a voice that it cannot read is its own doing; not judged is not clean."""
    for missed, judged in ((0.1, True), (0.6, False)):
        attempt_view = view(reference=ReferenceRecord("a", {"unintelligible": (missed,)}))
        for name in ("truncation", "skipped-words", "loop", "inserted-words", "gibberish-tail"):
            detection = get(name).evidence(attempt_view)
            assert (detection.value is not None) is judged, name
            assert judged or "does not understand the reference" in detection.reason


def test_one_common_word_heard_in_ten_seconds_of_babble_is_unintelligible() -> None:
    babble = {"duration": 7.5, "speech_end": 7.2}
    assert value("unintelligible", view(said(["the"]), signal=babble)) > 0.9
    cut_off = view(said(TEXT.split()[:4]))
    assert value("unintelligible", cut_off) < 0.1, "what was said is in the text: it broke off"


def test_speech_without_the_words_is_unintelligible_and_truncated_speech_is_not() -> None:
    assert value("unintelligible", view(said(["zzyqx", "blorp"] * 12))) > 0.9
    assert value("unintelligible", view([])) == 1.0
    assert value("unintelligible", view(said(TEXT.split()[:8]))) < 0.1
    assert value("unintelligible", view(said(TEXT.split() * 2))) < 0.1


def test_a_text_that_the_recognizer_cannot_follow_in_the_reference_is_not_judged() -> None:
    hopeless = ReferenceRecord("a", evidence={"unintelligible": [0.9, 0.8, 0.95]})
    detection = get("unintelligible").evidence(view(said(["zzyqx"] * 20), reference=hopeless))
    assert detection.value is None and detection.applies
    assert "reference" in detection.reason


def test_pairing_prefers_phrases_to_single_chance_matches() -> None:
    text = ("the", "fox", "and", "the", "bear")
    assert [(i, j) for i, j, _ in match(text, ("and", "the", "bear"))] == [(2, 0), (3, 1), (4, 2)]


def test_hearing_nothing_at_all_is_no_error() -> None:
    heard = compare_transcript(view([]))
    assert heard.precision == heard.recall == 0.0


# ------------------------------------------------------------------------------------------- what cannot be judged
def without(scorer: str, status: Status | None) -> DetectorInput:
    attempt_view = view()
    kept = {name: o for name, o in attempt_view.observations.items() if name != scorer}
    if status is not None:
        kept[scorer] = Measurement(scorer, "1", status, {}, "it broke")
    return replace(attempt_view, observations=kept)


def test_a_scorer_that_failed_makes_its_classes_unable_to_judge() -> None:
    detections: dict[str, Detection] = {e.fault: e for e in detect_all(without("speaker", Status.ERROR))}
    assert detections["wrong-speaker"].value is None and detections["wrong-speaker"].applies
    assert "it broke" in detections["wrong-speaker"].reason


def test_what_a_run_did_not_measure_only_matters_to_essential_classes() -> None:
    missing = {e.fault: e for e in detect_all(without("speaker", None))}
    assert not missing["wrong-speaker"].applies
    deaf = {e.fault: e for e in detect_all(without("intelligibility", None))}
    assert deaf["unintelligible"].applies and deaf["unintelligible"].value is None
    no_tokens = {e.fault: e for e in detect_all(without("tokens", Status.NOT_AVAILABLE))}
    assert not no_tokens["token-range"].applies


def test_a_figure_that_a_clip_does_not_have_matters_only_to_essential_classes() -> None:
    no_pause = {e.fault: e for e in detect_all(view(signal={"noise_floor_dbfs": None}))}
    assert not no_pause["noise-floor"].applies and no_pause["noise-floor"].reason == "noise_floor_dbfs is unknown"
    no_length = {e.fault: e for e in detect_all(view(signal={"duration": None}))}
    assert no_length["near-empty"].applies and no_length["near-empty"].value is None


def test_a_class_that_crashes_or_gives_nan_could_not_judge() -> None:
    class Broken(BaseFault):
        name, family = "broken", Family.WAVEFORM

        def measure(self, view: DetectorInput) -> DetectorValue:
            raise ZeroDivisionError("by zero")

    class Nan(Broken):
        def measure(self, view: DetectorInput) -> DetectorValue:
            return DetectorValue(float("nan"))

    assert Broken().evidence(view()) == Detection("broken", None, "", reason="ZeroDivisionError: by zero")
    detection = Nan().evidence(view())
    assert detection.value is None and "not a number" in detection.reason and detection.applies


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
    monkeypatch.setattr("harness.detectors.measured", lambda: {"click": "73 of 73 found as such"})
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


def test_a_header_that_lost_audio_is_a_fault_and_a_streaming_placeholder_is_not() -> None:
    def with_repairs(*repairs: str) -> DetectorInput:
        attempt_view = view()
        return replace(attempt_view, attempt=replace(attempt_view.attempt, notes={"repairs": list(repairs)}))

    assert over("wav-header", with_repairs("data size 90000 (truncated) read as 4000 bytes"))
    assert not over("wav-header", with_repairs("data size 4294967295 (streaming placeholder) read as 4000 bytes"))


def test_sound_that_comes_only_when_all_is_made_is_fake_streaming() -> None:
    def first_after(ttfa: float | None, wall: float) -> Detection:
        attempt_view = view()
        timed = replace(attempt_view.attempt, ttfa=ttfa, wall_seconds=wall)
        return get("fake-streaming").evidence(replace(attempt_view, attempt=timed))

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
    attempt_view = view(None, PAUSED, signal={"pauses": gaps, "longest_pause": longest, "duration": 8.0 + seconds})
    assert over("internal-silence", attempt_view) is fault


def test_a_pause_in_another_place_than_the_longest_still_counts() -> None:
    gaps = [[1.0, 4.0], [6.0, 9.0]]
    longest = {"seconds": 3.0, "ratio": None, "span": gaps[0]}
    assert over("internal-silence", view(None, PAUSED, signal={"pauses": gaps, "longest_pause": longest}))


def test_what_is_expected_decides_how_long_speech_should_be() -> None:
    short = {"duration": 0.9, "speech_start": 0.1, "speech_end": 0.8, "pauses": []}
    attempt_view = view([], "h@'l@U w3:ld " * 9, signal=short)
    assert over("near-empty", attempt_view)
    assert not over("near-empty", replace(attempt_view, chunk=replace(attempt_view.chunk, expected="hello world")))


def test_a_low_voice_at_half_its_rate_is_told_by_its_spectrum_where_its_pitch_is_out_of_range() -> None:
    seconds = view().attempt.duration or 0
    figures = {"f0_median_hz": [98.0], "f0_p05_hz": [75.0], "duration": [seconds / 2], "rolloff99_hz": [6200.0]}
    then, limit = ReferenceRecord("a", figures=figures), get("sample-rate").default_limit
    half = view(reference=then, signal={"rolloff99_hz": 3150.0}, pitch={"f0_median_hz": 90.0})
    slow = view(reference=then, signal={"rolloff99_hz": 6000.0}, pitch={"f0_median_hz": 96.0})
    assert value("sample-rate", half) > limit > value("sample-rate", slow)
