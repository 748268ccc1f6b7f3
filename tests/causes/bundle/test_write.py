"""One zip for a bug report: read back, opened in a browser, and searched for secrets and for other chunks."""

import io
import json
import re
import zipfile

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from harness.causes.bundle.told import first_divergence
from harness.causes.shrink.files import LIMITS
from harness.causes.shrink.outcome import ShownRate, ShrinkOutcome, SpokenText
from harness.cli import main
from harness.core.records import Arm, Attempt, Finding, Outcome, Verdict, VerdictWord
from harness.store import Run
from harness.verdicts import Limits
from tests._report_run import RATE, WORDS, clip, make_run
from tests.report.test_page_in_browser import HOSTILE, browser
from tools.attacks.secret_texts import CANARY, readable

__all__ = ["browser"]
CHUNK, REST = "book-0003", ("book-0001", "book-0002", "book-0006", "book-0008")


def bundled(run, *arguments):
    result = CliRunner().invoke(main, ["bundle", run.name, CHUNK, "--reports", str(run.parent), *arguments])
    assert result.exit_code == 0, result.output
    return run.parent / "bundles" / f"{run.name}-q4-{CHUNK}.zip"


def add_replays(path):
    """Three replays of the faulty chunk: the same seed and one of two others show it."""
    with Run.open(path, write=True) as run:
        first = next(a for a in run.attempts(variant="q4", arm=Arm.SOAK) if a.chunk_id == CHUNK)
        session = run.begin_session("q4", "replay", [CHUNK] * 3, {"of": first.id})
        run.begin_epoch(session, "start", {})
        for number, shown in enumerate((True, True, False)):
            tokens = np.arange(180, dtype=np.int32).reshape(60, 3)
            tokens[40 + number :] += 1
            arm = Arm.REPLAY_NEW_SEED if number else Arm.REPLAY_SAME_SEED
            attempt = run.record_attempt(
                Attempt(
                    *(session, 0, number, CHUNK, "q4", arm, 100 + number),
                    seed=number,
                    outcome=Outcome.OK,
                    sample_rate=RATE,
                    duration=2.0,
                    tokens=tokens,
                ),
                clip(2.0, 200 + number),
            )
            finding = Finding("skipped-words", 6.0, 3.0, "voice", "words")
            verdict = Verdict(VerdictWord.FAULTY, (finding,)) if shown else Verdict(VerdictWord.CLEAN)
            run.record_verdict(attempt.id, verdict, "k")
        run.finish("finished")


def add_shrink(path):
    """What `tts-soak shrink` left of the same finding."""
    outcome = ShrinkOutcome(
        run=path.name,
        variant="q4",
        fault="skipped-words",
        original=SpokenText(id=CHUNK, text=" ".join(WORDS), seed=2),
        smallest=SpokenText(id=CHUNK, text="nobody expected", seed=2),
        earlier=[],
        bound_to="text",
        complete=True,
        rate=ShownRate.of((4, 4)),
        rate_before=None,
        test=None,
        requests=17,
        questions=9,
        seconds=3.0,
    )
    asked = {"run": path.name, "chunk": CHUNK, "fault": "skipped-words", "seeds": 20}
    manifest = {"suite": "shrink", "variants": [{"name": "q4"}], "experiment": {"shrink": asked}}
    with Run.create(path.parent / "causes", manifest) as run:
        run.finish("finished")
        (run.path / "results.json").write_text(outcome.model_dump_json())
        Limits.default().save(run.path / LIMITS)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = make_run(tmp_path_factory.mktemp("runs"), chunks=8)
    add_replays(path)
    add_shrink(path)
    return path


@pytest.fixture(scope="module")
def archive(run):
    with zipfile.ZipFile(bundled(run)) as opened:
        assert opened.testzip() is None
        yield opened


def text(archive, name):
    return archive.read(name).decode()


def test_every_sound_can_be_heard_again(archive, run):
    rows = json.loads(text(archive, "replays.json"))
    assert [(row["rendition"], row["shows"]) for row in rows] == [
        ("as found", True),
        ("replay, same seed", True),
        ("replay, new seed 1", True),
        ("replay, new seed 2", False),
        ("reference f16", False),
    ]
    for row in rows:
        samples, rate = soundfile.read(io.BytesIO(archive.read(row["audio"])))
        assert rate == RATE
        assert len(samples) == round(row["seconds"] * RATE)
    with Run.open(run) as opened:
        (first,) = [a for a in opened.attempts(variant="q4", arm=Arm.SOAK) if a.chunk_id == CHUNK]
        stored = opened.read_audio(first)[0]
    np.testing.assert_allclose(soundfile.read(io.BytesIO(archive.read(rows[0]["audio"])))[0], stored, atol=1e-4)


def test_the_verdict_tells_limits_and_where_they_came_from(archive):
    verdict = json.loads(text(archive, "verdict.json"))
    (finding,) = verdict["findings"]
    assert finding["source"] == "voice: fitted on 600 takes"
    assert finding["span"] == [1.2, 2.2]
    assert {row["fault"] for row in verdict["scores"]} == {"skipped-words", "clipping"}


def test_the_issue_can_be_acted_on(archive):
    issue = text(archive, "issue.md")
    assert issue.startswith("# ")
    heads = re.findall(r"^## (.*)$", issue, re.MULTILINE)
    assert heads[:5] == ["Smallest input", "Expected and heard", "How often", "Environment", "Reproduce"]
    assert "> nobody expected" in issue
    assert "| expected | the ferry had been" in issue
    assert "late since noon" not in issue.split("| heard")[1].splitlines()[0]
    assert "In the run: 2 of 8 (3.2% to 65.1% with 95% confidence)" in issue
    assert "with other seeds: 1 of 2" in issue
    assert "4 of 4 (39.8% to 100.0% with 95% confidence)" in issue
    assert "a cpu" in issue
    assert "--corpus smallest.jsonl" in issue
    assert json.loads(text(archive, "smallest.jsonl"))["text"] == "nobody expected"
    assert json.loads(text(archive, "original.jsonl"))["text"] == " ".join(WORDS)


def test_tokens_are_there_with_the_place_where_they_part_from_the_reference(archive):
    tokens = json.loads(text(archive, "tokens.json"))
    assert tokens["compared_with"] == "reference f16"
    assert tokens["first_divergence"] is None  # the stand-ins for both have the same
    assert np.array(tokens["found"]).shape == (60, 3)
    first = np.arange(12).reshape(6, 2)
    other = first.copy()
    other[4, 1] = 99
    assert first_divergence(first, other) == 4
    assert first_divergence(first, first[:3]) == 3


def test_nothing_of_other_chunks_is_in_it(archive):
    for name in archive.namelist():
        for chunk in REST:
            assert chunk.encode() not in archive.read(name), (name, chunk)


def test_the_same_finding_gives_the_same_bytes(run):
    once = bundled(run).read_bytes()
    assert bundled(run).read_bytes() == once


def unpacked(archive, folder):
    archive.extractall(folder)
    return folder / "index.html"


def opened(browser, path):
    """The page offline, and what the console complained of."""
    page, complaints = browser.new_context(offline=True).new_page(), []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    return page, complaints


def test_the_page_shows_and_plays_it_all_from_disk(browser, archive, tmp_path):
    page, complaints = opened(browser, unpacked(archive, tmp_path))
    assert page.locator("#input blockquote").inner_text() == "nobody expected"
    assert page.locator("#words del").count() >= 1
    assert page.locator("audio").count() == 5
    length = page.evaluate(
        "() => new Promise(done => { const a = document.querySelector('audio'); "
        "a.onloadedmetadata = () => done(a.duration); a.onerror = () => done(-1); a.preload = 'auto'; a.load(); })"
    )
    assert length == pytest.approx(4.0, abs=0.01)
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 500)")
    assert page.locator("img").count() == 2
    for link in page.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href'))"):
        assert (tmp_path / link).is_file(), link
    assert complaints == []


def test_what_a_text_and_a_log_hold_stays_dead_on_the_page(browser, tmp_path):
    path = make_run(tmp_path, text=HOSTILE, stderr=HOSTILE, transcript=HOSTILE)
    with zipfile.ZipFile(bundled(path)) as zipped:
        page, complaints = opened(browser, unpacked(zipped, tmp_path / "out"))
    assert page.evaluate("window.owned") is None
    assert "{{7*7}}" in page.content()
    assert complaints == []


def test_no_member_holds_a_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_SERVICE_API_KEY", CANARY)
    monkeypatch.setenv("HOME", "/home/somebody")
    told = f"api_key={CANARY} in /home/somebody/models/voice.gguf"
    path = make_run(tmp_path, text=f"my password is {CANARY}", stderr=told, transcript=f"key {CANARY}")
    with zipfile.ZipFile(bundled(path)) as zipped:
        for name in zipped.namelist():
            content = zipped.read(name).decode("latin-1")
            assert readable(content) == "", name
            assert "/home/somebody" not in content, name
        assert "[redacted]" in zipped.read("issue.md").decode()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["book-0001", "--variant", "q4"], 6, "nothing to find"),
        (["book-0003", "--fault", "loop"], 4, "no finding 'loop'"),
        (["book-9999"], 4, "no chunk 'book-9999'"),
        (["book-0003", "--out", "/proc/no/such.zip"], 4, "cannot be written"),
    ],
)
def test_wrong_use_is_one_line(run, arguments, code, told):
    result = CliRunner().invoke(main, ["bundle", run.name, *arguments, "--reports", str(run.parent)])
    assert result.exit_code == code, result.output
    assert told in result.output
    assert result.output.strip().count("\n") == 0
