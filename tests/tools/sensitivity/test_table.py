"""docs/sensitivity.md and its parts: what is measured is what is written, on material whose truth is known."""

import json
import shutil

import numpy as np
import pytest

from harness.audio import AudioFile, read_audio
from harness.core.records import Chunk, Variant
from harness.experiments.sensitivity.figures import recall_rows, recall_rows_json
from harness.experiments.sensitivity.trial import InjectionTrial, TrialOutcome
from harness.verdicts import Limits, VerdictPolicy
from tests._clips import speak
from tools.sensitivity import abroad, healthy, numbers, process, streaming, words
from tools.sensitivity.table import Parts, write
from tools.sensitivity.voices import VOICES, recordings


def rows(fault, dose, found, missed):
    answers = [TrialOutcome.FOUND] * found + [TrialOutcome.MISSED] * missed
    return recall_rows_json(recall_rows([InjectionTrial(fault, fault, dose, "t", answer) for answer in answers]))


@pytest.fixture
def result():
    none = {"v": {"clips": 90, "alarmed": 0, "low": 0.0, "high": 0.04, "classes": {}}}
    return {
        "date": "2026-11-21",
        "seed": 0,
        "texts": 90,
        "corpus": "book",
        "limits_key": "0123456789abcdef",
        "limits": "limits fitted on 738 takes of 369 texts",
        "scorers": {"signal": {}, "intelligibility": {"asr": "pocketsphinx"}},
        "alarms": none,
        "rows": [*rows("silence", 80.0, 73, 0), *rows("click", -6.0, 40, 33), *rows("hum", 40.0, 20, 0)],
        "clean": [{"chunk": "book-0007", "why": ["click: 5 against 4.5"]}],
    }


def test_the_page_says_what_was_reached_and_what_was_not(tmp_path, result):
    run, docs, data = tmp_path / "results.json", tmp_path / "s.md", tmp_path / "s.json"
    run.write_text(json.dumps({"v": result}))
    write([run], Parts(), docs, data)
    page = docs.read_text()
    assert "2026-11-21, seed 0; 90 texts of `book`" in page and "words heard by pocketsphinx" in page
    assert "1 of 3 classes have a lower bound of 0.95" in page
    assert "tried too rarely for that bound: hum (20 of 20)" in page
    assert "Not reached: click (40 of 73)" in page
    assert "`book-0007`: click: 5 against 4.5" in page
    assert "| memory-leak |" in page, "classes of the whole run are named"
    quoted = json.loads(data.read_text())
    assert quoted["silence"].startswith("73 of 73 found as such at the preset dose (0.95 to 1.00)")


def test_parts_measured_on_the_same_clips_are_one_table(tmp_path, result):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps({"v": {**result, "rows": rows("silence", 80.0, 73, 0)}}))
    second.write_text(json.dumps({"v": {**result, "rows": rows("click", -6.0, 73, 0)}}))
    docs = tmp_path / "s.md"
    write([first, second], Parts(), docs, tmp_path / "s.json")
    assert docs.read_text().count("## Injected into v") == 1
    assert "2 of 2 classes have a lower bound" in docs.read_text()
    second.write_text(json.dumps({"v": {**result, "texts": 12}}))
    write([first, second], Parts(), docs, tmp_path / "s.json")
    assert docs.read_text().count("## Injected into v") == 2


def test_faults_of_the_process_are_found_in_a_living_worker(monkeypatch):
    wanted = {"process-error", "empty-output", "wav-header", "bad-wav"}
    few = {name: fault for name, fault in process.catalogue().items() if name in wanted}
    monkeypatch.setattr(process, "catalogue", lambda: few)
    measured = process.run(2, 1, 0)
    by_name = {(row["fault"], row["injector"]): row for row in measured["rows"]}
    assert {name for name, _ in by_name} == wanted
    assert all(row["named"] == row["count"] == 2 for row in by_name.values()), by_name
    assert measured["clean"] == 2 * len(by_name) and measured["alarms"] == 0


def test_a_streaming_program_that_holds_its_sound_back_is_told_from_one_that_streams():
    tried, clean, alarms = streaming.trials(2, 0, VerdictPolicy(Limits.default()))
    assert [one.names for one in tried] == [("fake-streaming",)] * 2
    assert clean == 2 and alarms == 0


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs the Debian package flite")
def test_a_number_read_as_another_is_told_from_one_read_as_it_is(tmp_path):
    assert numbers.misread("platform 12 at 9") == "platform 45 at 2"
    measured = numbers.run(6, 0)
    (row,) = measured["rows"]
    assert row["fault"] == "number-misread" and row["count"] == 6 and row["named"] >= 1
    assert measured["alarms"] == 0
    (tmp_path / "n.json").write_text(json.dumps(measured))
    write([], Parts(numbers=tmp_path / "n.json"), tmp_path / "s.md", tmp_path / "s.json")
    assert f"| number-misread |  | {row['dose']:g}" in (tmp_path / "s.md").read_text()


def test_alarms_are_counted_by_voice_and_said_why():
    def clips():
        for number, broken in enumerate((False, True)):
            samples = speak(16000, words=8, seed=number)
            if broken:
                samples = np.where(np.arange(len(samples)) % 50 == 0, np.nan, samples).astype(np.float32)
            audio = AudioFile(samples, 16000, 1, "FLOAT")
            yield healthy.twin("formants", Chunk(f"c{number}", "banana " * 8), audio, Variant("v", "recorded"))

    measured = healthy.together([healthy.measure(clips(), 0)])
    assert measured["alarms"]["formants"]["clips"] == 2
    assert measured["alarms"]["formants"]["alarmed"] == measured["alarms"]["formants"]["classes"]["nan-inf"] == 1
    listed = measured["listed"][-1]
    assert listed["clip"] == "c1" and any(why.startswith("nan-inf") for why in listed["why"])


def test_an_alarm_on_a_recording_says_what_looking_at_it_found(tmp_path):
    listed = [
        {"kind": "recordings 1998", "clip": clip, "why": ["click: 9 against 4.5"]} for clip in ("1998-15444-0009", "x")
    ]
    part = {
        "alarms": {"all": {"clips": 2, "alarmed": 2, "low": 0.1, "high": 1.0, "classes": {"click": 2}}},
        "listed": listed,
    }
    measured = {"date": "2026-11-21", "seed": 0, "heard": 0, "recordings": {"librispeech": part}}
    (tmp_path / "h.json").write_text(json.dumps(measured))
    write([], Parts(healthy=tmp_path / "h.json"), tmp_path / "s.md", tmp_path / "s.json")
    first, second = [line for line in (tmp_path / "s.md").read_text().splitlines() if line.startswith("- recordings")]
    assert "Looked at: a real click" in first and second.endswith("Not looked at yet.")


def test_another_take_of_a_voice_is_a_little_slower_or_higher_and_says_the_same():
    by_name = {voice.name: voice.again().command for voice in VOICES}
    assert "duration_stretch=1.05" in by_name["flite slt"] and "duration_stretch=1.68" in by_name["flite slt slow"]
    assert by_name["espeak en-us fast"][1:3] == ("-p", "58") and "280" in by_name["espeak en-us fast"]
    assert all({"{text}", "{output}"} <= set(command) for command in by_name.values())


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs the Debian package flite")
def test_clips_that_are_listened_to_are_judged_beside_another_reading():
    text = "The boats came back at noon, and nobody on the quay asked where the others were."
    whole = VOICES[0].say(text)
    kept = len(whole.samples) // 2
    cut = AudioFile(whole.samples[:kept], whole.sample_rate, 1, whole.subtype)
    clips = [healthy.twin("flite slt", Chunk(name, text), one, Variant("v", "recorded")) for name, one in
             (("whole", whole), ("cut", cut))]  # fmt: skip
    measured = healthy.together([healthy.measure(iter(clips), 2)])
    assert [one["clip"] for one in measured["listed"]] == ["cut"]
    assert any(why.startswith("truncation") and "reference" in why for why in measured["listed"][0]["why"])


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the Debian package espeak-ng")
def test_speech_in_other_languages_is_long_enough_to_be_put_in(tmp_path):
    spoken = abroad.speak(tmp_path / "abroad")
    languages = {path.name.rsplit("-", 1)[0] for path in spoken}
    assert len(spoken) >= 20 and languages == {"de", "fr", "ru", "zh"}
    assert all(read_audio(path).duration >= 2.5 for path in spoken)


def test_recordings_are_named_after_their_folder(tmp_path):
    (tmp_path / "reader").mkdir()
    for name in ("reader/a.flac", "b.wav", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [(kind, path.name) for kind, path in recordings(tmp_path)] == [
        (tmp_path.name, "b.wav"),
        ("reader", "a.flac"),
    ]


def test_a_word_ends_where_its_last_phone_ends():
    phones = [("pau", 0.1), ("dh", 0.15), ("ah", 0.22), ("pau", 0.4), ("k", 0.46), ("ae", 0.6), ("t", 0.71)]
    assert words.ends_by_phones(phones, [(0.1, 0.23), (0.4, 0.7)]) == [0.22, 0.71]


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc and flite1-dev for the teacher")
def test_word_times_of_the_aligner_are_those_of_the_teacher():
    from subprocess import CalledProcessError

    try:
        measured = words.run(2, 0)
    except CalledProcessError:
        pytest.skip("needs flite1-dev for the teacher")
    every = measured["voices"]["all"]
    assert every["aligned"] >= 0.7 * every["words"]
    assert every["share"] >= 0.7  # within 150 ms: the recognizer places a word less exactly than an aligner of phones
