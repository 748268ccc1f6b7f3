"""The report's page, tables and marks, made from a store that was written for the purpose; no browser."""

import csv
import json
import re
from html import unescape
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.core.errors import ConfigError
from harness.core.records import Arm, VerdictWord
from harness.report import marks, write
from harness.report.advice import advice
from harness.report.diff import anchors, word_diff
from harness.report.exports import github_annotations, junit_properties, verdict_markdown, write_markdown, write_tables
from harness.report.headline import VariantWord, headlines, sentence
from harness.report.material import read_report_data
from harness.report.pictures import MEL, WAVE, WIDTH, picture
from harness.report.review import chunks_to_review
from harness.store import Run
from tests._places import ROOT
from tests._report_run import WORDS, heard, make_run

HOSTILE = "</script><script>document.title='owned'</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A run with its report, which no test may change."""
    path = make_run(tmp_path_factory.mktemp("runs"))
    return path, write(path)


@pytest.fixture
def summary(rendered):
    return rendered[1]


def _with(summary, name, **fields):
    row = summary.variants[name].model_copy(update=fields)
    return summary.model_copy(update={"variants": {**summary.variants, name: row}})


def test_the_summary_sets_each_variant_against_the_reference_that_ran_along(summary):
    base = summary.variants["q4"].against
    assert base.name == "f16"
    assert base.fault_rate.value == pytest.approx(2 / 8)
    assert base.fault_rate.low < 2 / 8 < base.fault_rate.high
    assert base.wer.value == pytest.approx(2 * 4 / (8 * len(WORDS)))
    assert base.tokens.value == pytest.approx(1.0)
    assert summary.variants["f16"].against is None


def test_without_the_reference_in_the_run_its_frozen_profile_is_compared_with(tmp_path):
    path = make_run(tmp_path, names=("other", "q4"), reference_figures=True)
    base = write(path).variants["q4"].against
    assert (base.name, base.how) == ("f16", "its committed profile")
    assert base.fault_rate.value == pytest.approx(2 / 8 - 1 / 100)
    assert base.wer.value == pytest.approx(2 * 4 / (8 * len(WORDS)) - 1 / len(WORDS))
    assert base.tokens.value == pytest.approx((300 + 3.5) / 200, rel=0.01)


@pytest.mark.parametrize(("share", "valid"), [(0.05, True), (0.6, False), (None, None)])
def test_timings_are_valid_only_when_others_left_the_machine_alone(tmp_path, share, valid):
    from harness.report.timings import timings

    with Run.open(make_run(tmp_path, chunks=1, faulty=(), load=share)) as run:
        seconds = timings(run)
    assert seconds.valid is valid
    assert bool(seconds.reason) is (valid is not True)


def test_the_one_sentence_names_the_worst_variant_and_its_claim(summary):
    words = headlines(summary)
    assert (words["f16"].word, words["q4"].word) == (VariantWord.PASSES, VariantWord.FAILS)
    assert sentence(summary, words).startswith(
        "q4 fails: fault rate: 2 of 8 chunks are faulty; most often skipped-words"
    )


def test_nothing_judged_is_never_called_a_pass(summary):
    why = {"the recognizer is missing": 8}
    changed = _with(summary, "f16", clean=0, faulty=0, not_judged=8, not_judged_because=why)
    shown = headlines(changed)["f16"]
    assert shown.word is VariantWord.BLIND
    assert "recognizer is missing" in shown.why


def test_too_few_chunks_are_undecided_not_passed(summary):
    first, *rest = summary.variants["f16"].claims
    small = first.model_copy(update={"passed": None, "statement": "too small to say"})
    assert headlines(_with(summary, "f16", claims=[small, *rest]))["f16"].word is VariantWord.OPEN


@pytest.mark.parametrize(
    ("faults", "judged", "told"),
    [
        ({"robotic": 5}, 12, "q4: robotic (5 of 12 chunks) may be how this voice is"),
        ({"robotic": 2}, 8, None),  # so few may be faults of a chunk
        ({"robotic": 5}, 60, None),  # such a run is its own reference
        ({"skipped-words": 5}, 12, None),  # no voice leaves words out by nature
        ({"crash": 12}, 12, None),
    ],
)
def test_what_many_chunks_of_a_small_run_share_may_be_the_voice(summary, faults, judged, told):
    base = summary.variants["q4"].model_copy(update={"against": None, "reference": None})
    row = {"chunks": judged, "faulty": max(faults.values()), "clean": judged - max(faults.values()), "faults": faults}
    alone = summary.model_copy(update={"variants": {"q4": base.model_copy(update=row)}})
    lines = [line for line in advice(alone, headlines(alone)) if "how this voice is" in line]
    assert [line[: len(told or "")] for line in lines] == ([told] if told else [])


def test_the_page_allows_only_its_own_script_and_style(rendered):
    page = (rendered[0] / "report.html").read_text()
    policy = unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"<[^>]+\sstyle=", page), "an inline style would be dropped by the policy"
    assert not re.search(r"<[^>]+\son\w+=", page), "an inline handler would be dropped by the policy"


def make_and_write(tmp_path, **given):
    path = make_run(tmp_path, **given)
    write(path)
    return path


def test_nothing_hostile_leaves_its_place(tmp_path):
    path = make_and_write(
        tmp_path, text=HOSTILE, names=("f16", HOSTILE), chunk_id=HOSTILE + "#", stderr=HOSTILE, transcript=HOSTILE
    )
    page = (path / "report.html").read_text()
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img src=x" not in page
    assert json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))["items"][0]["variant"] == HOSTILE


def test_lone_surrogates_in_a_transcript_do_not_stop_the_report(tmp_path):
    path = make_and_write(tmp_path, transcript="a \ud800 b", text="a b")
    assert "<span>\\ud800</span>" in (path / "report.html").read_text()


def test_a_chunk_to_review_tells_when_it_was_asked_for(rendered):
    page = (rendered[0] / "report.html").read_text()
    assert page.count("asked at 2026-11-29 08:00:02 UTC") == 1  # the fault at position 2


def test_pictures_and_audio_lie_beside_the_page_and_are_named_relative_to_it(rendered):
    path = rendered[0]
    page = (path / "report.html").read_text()
    pictures = re.findall(r'<img src="([^"]+)"', page)
    sounds = re.findall(r'<audio [^>]*src="([^"]+)"', page)
    assert len(pictures) == len(sounds) == 2
    assert all((path / name).is_file() for name in (*pictures, *sounds))
    assert 'preload="none"' in page


def test_a_single_file_needs_nothing_beside_it(tmp_path):
    path = make_run(tmp_path)
    write(path, single_file=True)
    page = (path / "report-single.html").read_text()
    addresses = re.findall(r'(?:src|href|url)"?[=:]\s?"([^"]+)"', page)
    assert addresses
    assert {address.split(",")[0] for address in addresses if not address.startswith("#")} == {
        "data:image/webp;base64",
        "data:audio/flac;base64",
    }


def test_a_single_file_holds_every_sound_once(tmp_path):
    path = make_run(tmp_path, faulty=(2, 5))
    write(path, single_file=True)
    page = (path / "report-single.html").read_text()
    sounds = re.findall(r"data:audio/flac;base64,[A-Za-z0-9+/=]+", page)
    assert len(sounds) == len(set(sounds)) == 4  # two chunks, each in two variants


def test_pruned_audio_is_said_and_breaks_nothing(tmp_path):
    path = make_run(tmp_path)
    for sound in (path / "audio").iterdir():
        sound.unlink()
    write(path)
    assert "No audio" in (path / "report.html").read_text()


def test_every_variant_keeps_a_share_of_the_queue(tmp_path):
    path = make_run(tmp_path, chunks=30, faulty=tuple(range(30)))
    with Run.open(path) as run:
        chosen, left = chunks_to_review(read_report_data(run), most=10)
    assert (len(chosen), left) == (10, 20)
    badness = [row.badness for row in chosen]
    assert badness == sorted(badness, reverse=True)


def test_the_diff_gives_each_heard_word_its_time():
    payload = heard(WORDS[:5] + WORDS[9:])
    words = word_diff(payload)
    assert [w.said for w in words if w.op == "delete"] == [" ".join(WORDS[5:9])]
    after = next(w for w in words if w.said == WORDS[9])
    assert after.start == pytest.approx(5 * 0.25)


def test_anchors_tie_words_of_the_text_to_seconds_and_grow_in_both():
    pairs = anchors(heard(WORDS[:5] + WORDS[9:], delay=1.0))
    assert pairs[0] == [0, 1.0]
    assert [4, 2.0] in pairs
    assert [9, 2.25] in pairs
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(pairs))


def test_an_alignment_that_does_not_fit_its_words_stops_no_report():
    payload = {**heard(WORDS), "hypothesis": "the ferry"}
    assert [w.heard for w in word_diff(payload)] == ["the", "ferry"]


def test_anchors_are_left_out_where_the_words_are_not_those_of_the_hypothesis():
    assert anchors({**heard(WORDS), "hypothesis": "forty two"}) == []


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(1), np.full(4000, np.nan), np.ones(300), np.full(16000, 9e9)]
)
def test_a_picture_of_anything_has_the_same_size(samples):
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(picture(samples.astype(np.float32), 16000)))
    assert image.size == (WIDTH, WAVE + MEL)


def test_the_waveform_shows_where_it_is_loud():
    import io

    from PIL import Image

    samples = np.concatenate([np.zeros(8000), 0.9 * np.sin(np.arange(8000) / 5)]).astype(np.float32)
    alpha = np.asarray(Image.open(io.BytesIO(picture(samples, 16000))).convert("RGBA"))[:WAVE, :, 3] > 128
    assert alpha[:, : WIDTH // 2 - 4].sum(axis=0).max() <= 3
    assert alpha[:, WIDTH // 2 + 4 :].sum(axis=0).min() > WAVE / 2


# ------------------------------------------------------------------------------------------ tables and Markdown
def test_every_score_is_a_column_and_every_attempt_a_row(tmp_path):
    lines, table = write_tables(make_run(tmp_path, chunks=4, faulty=(1,)))
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(rows) == 8
    bad = next(row for row in rows if row["faults"])
    assert (bad["variant"], bad["chunk_id"], bad["faults"]) == ("q4", "book-0002", "skipped-words")
    assert bad["intelligibility.wer.errors"] == 4
    assert (bad["speaker.status"], bad["speaker.reason"]) == ("n/a", "no encoder")
    with table.open(newline="") as file:
        cells = list(csv.DictReader(file))
    assert [row["signal.loudness_lufs"] for row in cells] == [str(row["signal.loudness_lufs"]) for row in rows]


def test_a_spreadsheet_runs_no_transcript(tmp_path):
    path = make_run(tmp_path, chunks=1, faulty=(), text="=cmd|' /C calc'!A0", transcript="@SUM(1)")
    with write_tables(path)[1].open(newline="") as file:
        row = next(csv.DictReader(file))
    assert row["text"].startswith("'=")
    assert row["intelligibility.text"].startswith("'@")


def test_markdown_is_appended_to_the_step_summary_and_nothing_breaks_out_of_it(tmp_path, monkeypatch):
    name = "q4|</table><img src=x>`@everyone`\n# big"
    summary = write(make_run(tmp_path, names=("f16", name)))
    step = tmp_path / "step.md"
    step.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    write_markdown(summary)
    text = step.read_text()
    assert text.startswith("before\n")
    assert "<" not in text
    assert "@everyone" not in text
    table = [line for line in verdict_markdown(summary).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table[:4]} == {11}
    assert "# big" not in text.replace("### ", "")


def test_annotations_stay_one_line_each(tmp_path):
    summary = write(make_run(tmp_path, names=("f16", "q4,a:b\n::error::x")))
    (line,) = github_annotations(summary)
    assert "\n" not in line
    assert line.startswith("::error title=q4%2Ca%3Ab%0A%3A%3Aerror%3A%3Ax%3A fails::")


def test_junit_properties_can_be_written_as_xml(tmp_path):
    with Run.open(make_run(tmp_path, chunk_id="a\x00b#")) as run:
        attempt = next(a for a in run.attempts(variant="q4", arm=Arm.SOAK) if a.sequence == 2)
        pairs = dict(junit_properties(attempt, run.verdict(attempt.id), run.observations(attempt.id)))
    assert pairs["chunk"] == "a?b0003"
    assert pairs["verdict"] == VerdictWord.FAULTY.value
    assert pairs["fault.skipped-words"].startswith("6 against 3 at 1.20-2.20 s")


# ------------------------------------------------------------------------------------------ marks
def saved(tmp_path, run_path, words):
    """A marks file as the page writes it: ``words`` by position of the second variant's faulty chunk."""
    with Run.open(run_path) as run:
        attempts = {a.sequence: a for a in run.attempts(variant="q4", arm=Arm.SOAK)}
    rows = [
        {"attempt": attempts[p].id, "audio_sha256": attempts[p].audio_sha256, "mark": word, "note": "heard it"}
        for p, word in words.items()
    ]
    file = tmp_path / "marks.json"
    file.write_text(json.dumps({"schema": 1, "run_id": run_path.name, "marks": rows}))
    return file


def test_marks_become_figures_and_a_limit_that_would_have_kept_silent(tmp_path):
    path = make_run(tmp_path, faulty=(1, 2, 5, 6))
    file = saved(tmp_path, path, {1: "false alarm", 2: "real", 5: "real"})
    with Run.open(path) as run:
        (row,) = marks.mark_counts(run, marks.read_marks(file, run))
    assert (row.fault, row.real, row.false, row.unmarked) == ("skipped-words", 2, 1, 1)
    assert row.false_share == pytest.approx(1 / 3)
    assert row.quiet_limit == pytest.approx(5.0)
    assert row.lost == 0


def test_marks_are_kept_merged_and_shown(tmp_path):
    path = make_run(tmp_path)
    runner = CliRunner()
    for words in ({2: "real"}, {5: "false alarm"}):
        done = runner.invoke(main, ["marks", str(saved(tmp_path, path, words)), "--reports", str(tmp_path)])
        assert done.exit_code == 0, done.output
    assert "marked as false alarms: 1 of 16 judged chunks" in done.output
    assert "2 marks are too few to suggest a limit" in done.output
    page = (path / "report.html").read_text()
    items = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S).group(1))["items"]
    assert sorted(item["mark"]["mark"] for item in items) == ["false alarm", "real"]


def test_marks_of_other_audio_are_refused(tmp_path):
    path = make_run(tmp_path)
    file = saved(tmp_path, path, {2: "real"})
    file.write_text(re.sub(r'"audio_sha256": "\w+"', f'"audio_sha256": "{"0" * 64}"', file.read_text()))
    with Run.open(path) as run, pytest.raises(ConfigError, match="mark 1: the run has no such audio"):
        marks.read_marks(file, run)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "not a marks file"),
        ("{", "not valid JSON"),
        (
            '{"schema": 1, "run_id": "x", "marks": [{"attempt": 1, "mark": "maybe"}]}',
            "neither 'real' nor 'false alarm'",
        ),
        ('{"schema": 1, "run_id": "x", "marks": [{}]}', "mark 1 names no attempt"),
    ],
)
def test_a_wrong_marks_file_is_one_clear_line(tmp_path, text, says):
    file = tmp_path / "m.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        marks.parse_marks(file)


def test_the_report_command_writes_what_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    path = make_run(tmp_path)
    done = CliRunner().invoke(main, ["report", path.name, "--tables", "--markdown", "--reports", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for name in ("report.html", "summary.json", "scores.csv", "scores.jsonl", "summary.md", "model-card.md"):
        assert (path / name).stat().st_size > 0


def test_the_command_line_does_not_say_where_things_are_installed():

    from harness.report.page import _command

    root = ROOT
    words = [
        "/opt/x/bin/pytest",
        str(root / "suites" / "stress"),
        "--reports=/home/me/runs",
        "--variants",
        "/home/me/v.toml",
        "-k",
        "a or b",
    ]
    assert _command(words) == "pytest suites/stress --reports=runs --variants v.toml -k 'a or b'"
