"""The report in a real browser: a reviewer's journey, both themes, the phone, and hostile content that stays dead."""

import json
import shutil
from itertools import pairwise

import numpy as np
import pytest

from harness.report import write
from harness.store.sounds import Sounds
from tests._report_run import RATE, clip, make_run
from tests.report.test_sections import RESULTS, claim, experiment

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
HOSTILE = (
    "</script><script>window.owned=1</script>\"'><img src=x onerror=window.owned=1><svg onload=window.owned=1>{{7*7}}"
)
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (rgb) => rgb.slice(0, 3).reduce((sum, v, i) => sum + linear(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = light(parse(getComputedStyle(document.body).backgroundColor));
  const names = ['body', 'small', '.note', '.word-fails', '.word-passes', 'del', 'summary', '#verdicts thead th'];
  return names.map((name) => {
    const ink = light(parse(getComputedStyle(document.querySelector(name)).color));
    return [name, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)];
  });
}"""


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = make_run(tmp_path_factory.mktemp("runs"), chunks=10, faulty=(1, 4, 7))
    write(path, single_file=True)
    return path


@pytest.fixture
def open_page(browser, report):
    """Open a file of the report offline; whatever the console complains of fails the test."""
    contexts, complaints = [], []

    def open_(name="report.html", run=None, **given):
        context = browser.new_context(offline=True, accept_downloads=True, **given)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((run or report).joinpath(name).as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def current(page):
    return page.evaluate("document.querySelector('.chunk.current')?.id")


def playing(page):
    """Label and position of what is playing."""
    script = "[...document.querySelectorAll('audio')].filter(a => !a.paused).map(a => [a.ariaLabel, a.currentTime])"
    return page.evaluate(script)


def until(page, script, argument=None, seconds=15):
    """Wait for a script to become true. Asked from outside: the page's own policy forbids evaluating text in it."""
    for _ in range(20 * seconds):
        if page.evaluate(script, argument):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {script}")


def wait_playing(page, label):
    until(
        page,
        "label => [...document.querySelectorAll('audio')].some(a => !a.paused && a.currentTime > 0.05"
        " && a.ariaLabel.startsWith(label))",
        label,
    )


def test_flac_and_wav_beside_the_page_play(browser, tmp_path):
    whole = np.rint(clip(1.0, 220) * 20000).astype(np.int16) / np.float32(32768)
    (tmp_path / "audio").mkdir()
    names = [Sounds(tmp_path).write(samples, RATE)[0] for samples in (whole, clip(1.0, 330))]
    assert [name.rpartition(".")[2] for name in names] == ["flac", "wav"]
    (tmp_path / "page.html").write_text("".join(f"<audio autoplay src={name}></audio>" for name in names))
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    until(page, "[...document.querySelectorAll('audio')].every(a => a.currentTime > 0.05 && !a.error)")
    page.close()


def test_a_reviewer_decides_with_the_keyboard_alone(open_page, tmp_path):
    page = open_page()
    assert "q4 fails" in page.inner_text(".lead")
    page.keyboard.press("j")
    assert current(page) == "q1"
    page.keyboard.press("s")  # from half a second before the fault
    wait_playing(page, "q4")
    assert playing(page)[0][1] >= 0.6
    page.keyboard.press("Space")
    assert playing(page) == []
    page.keyboard.press("r")
    page.keyboard.press("j")
    assert current(page) == "q2"
    page.keyboard.press("f")
    page.keyboard.press("n")
    page.keyboard.type("just a breath")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    assert current(page) == "q1"
    assert page.inner_text("#progress") == "2 of 3 marked"
    with page.expect_download() as waiting:
        page.keyboard.press("d")
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    saved = json.loads(file.read_text())
    assert [(row["mark"], row["note"]) for row in saved["marks"]] == [("real", ""), ("false alarm", "just a breath")]
    assert all(row["faults"] == ["skipped-words"] for row in saved["marks"])


def test_marks_that_were_saved_can_be_read_back(open_page, report, tmp_path):
    from harness.report import marks
    from harness.store import Run

    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("f")
    with page.expect_download() as waiting:
        page.click("#save")
    waiting.value.save_as(tmp_path / "m.json")
    with Run.open(report) as run:
        (row,) = marks.mark_counts(run, marks.read_marks(tmp_path / "m.json", run))
    assert (row.false, row.unmarked) == (1, 2)


def test_a_switch_keeps_the_word_and_goes_on_playing(open_page):
    page = open_page()
    page.keyboard.press("j")
    page.evaluate("document.querySelector('#q1 [data-t=\"0.75\"]').click()")  # the fourth word of q4
    wait_playing(page, "q4")
    page.keyboard.press("b")
    wait_playing(page, "f16")
    before, after = page.evaluate("[...document.querySelectorAll('#q1 audio')].map(a => a.currentTime)")
    assert after - before == pytest.approx(0.4, abs=0.35)  # f16 starts speaking 0.4 s later
    assert len(playing(page)) == 1
    assert page.get_attribute("#q1 [data-take='1']", "aria-pressed") == "true"


def test_without_alignment_a_switch_keeps_the_second(open_page):
    page = open_page()
    page.keyboard.press("j")
    page.uncheck("#aligned")
    page.evaluate("document.querySelector('#q1 audio').currentTime = 2")
    page.click("#q1 [data-take='1']")
    until(page, "document.querySelectorAll('#q1 audio')[1].currentTime > 1.9")
    assert page.evaluate("document.querySelectorAll('#q1 audio')[1].currentTime") == pytest.approx(2.0, abs=0.05)


def test_keys_can_be_turned_off_and_do_not_act_while_a_note_is_written(open_page):
    page = open_page()
    page.keyboard.press("j")
    page.focus("#q1 .marks input")
    page.keyboard.type("jrf")
    assert current(page) == "q1"
    assert page.inner_text("#progress") == "0 of 3 marked"
    page.uncheck("#keys")
    page.focus("#q1")
    page.keyboard.press("j")
    assert current(page) == "q1"


def test_marks_outlive_a_reload(open_page):
    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("r")
    page.reload()
    assert page.inner_text("#progress") == "1 of 3 marked"
    assert page.get_attribute("#q1 [data-mark='real']", "aria-pressed") == "true"


def test_help_opens_and_closes_with_the_keyboard(open_page):
    page = open_page()
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")


def test_a_mark_of_the_strip_chart_leads_to_its_chunk(open_page):
    page = open_page()
    xlink = "'http://www.w3.org/1999/xlink', 'href'"
    link = page.evaluate(f"document.querySelector('#run-title ~ figure a').getAttributeNS({xlink})")
    page.evaluate(f"location.hash = '{link}'")
    until(page, f"document.querySelector('.chunk.current')?.id === '{link[1:]}'")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(open_page, theme):
    page = open_page(color_scheme=theme)
    ratios = page.evaluate(CONTRAST)
    assert [(name, round(ratio, 1)) for name, ratio in ratios if ratio < 4.5] == []


def test_charts_follow_the_theme(open_page):
    script = "getComputedStyle(document.querySelector('svg.chart text')).fill"
    assert open_page(color_scheme="light").evaluate(script) != open_page(color_scheme="dark").evaluate(script)


def test_a_phone_scrolls_down_only(open_page):
    page = open_page(viewport={"width": 360, "height": 740}, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_pictures_are_shown_and_the_fault_is_marked_on_them(open_page):
    page = open_page()
    page.keyboard.press("j")
    until(page, "document.querySelector('#q1 img').naturalWidth === 640")
    span = [page.get_attribute("#q1 .span", name) for name in ("x", "width")]
    assert [float(value) for value in span] == [30.0, 25.0]  # 1.2 to 2.2 s of 4 s


def test_everything_has_a_name_that_can_be_read_out(open_page):
    page = open_page()
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, img, audio, svg[role=img], [role=region], [role=group]')]"
        ".filter(e => !(e.ariaLabel || e.alt || e.textContent.trim() || e.labels?.length))"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert nameless == []
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_one_file_plays_alone(open_page, report, tmp_path):
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    shutil.copy(report / "report-single.html", alone)
    page = open_page("report-single.html", run=alone)
    page.keyboard.press("j")
    page.keyboard.press("Space")
    wait_playing(page, "q4")
    page.keyboard.press("2")
    wait_playing(page, "f16")
    page.keyboard.press("1")
    wait_playing(page, "q4")
    assert page.evaluate("document.querySelector('#q1 img').naturalWidth") == 640


def test_nothing_hostile_runs(open_page, tmp_path):
    path = make_run(
        *(tmp_path,),
        text=HOSTILE,
        names=("f16", "q4" + HOSTILE),
        chunk_id=HOSTILE + "#",
        stderr=HOSTILE,
        transcript=HOSTILE,
        corpus=HOSTILE,
    )
    write(path, single_file=True)
    for name in ("report.html", "report-single.html"):
        page = open_page(name, run=path)
        for key in ("j", "r", "n"):
            page.keyboard.press(key)
        page.keyboard.type(HOSTILE)
        page.keyboard.press("Escape")
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        page.reload()
        page.wait_for_timeout(200)
        assert page.evaluate("window.owned") is None
        assert page.evaluate("document.querySelectorAll('script').length") == 2
        assert page.evaluate("document.querySelectorAll('img[src=x], svg[onload]').length") == 0
        assert HOSTILE in page.inner_text("#q1")


def test_the_policy_stops_script_that_gets_in_all_the_same(open_page, browser, report):
    context = browser.new_context(offline=True)
    page = context.new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto((report / "report.html").as_uri())
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.owned=1\">')")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.owned=1'}))"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.owned") is None
    assert any("Content Security Policy" in text for text in refused)
    context.close()


def test_on_paper_nothing_is_hidden_behind_a_player(open_page):
    page = open_page(viewport={"width": 703, "height": 1000})  # A4 within its margins
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert not page.is_visible("#bar")
    assert not page.is_visible("#q1 .player")
    assert page.is_visible("#q1 .words")
    assert len(page.pdf()) > 10_000


@pytest.mark.parametrize("suite", ["quantization", "sweep", "determinism"])
def test_an_experiment_can_be_read_on_a_phone_and_read_out(open_page, tmp_path, suite):
    claims = [claim(f"claim-{i}", name, i != 1, "as it was", 0.75) for i in range(8) for name in ("f16", "q2_k")]
    path = experiment(tmp_path, suite, claims, RESULTS[suite])
    write(path)
    page = open_page(run=path, viewport={"width": 360, "height": 740}, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.is_visible("#asked-title")
    assert page.evaluate("document.querySelector('#asked-title ~ figure svg').getAttribute('aria-label').length") > 20
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_page_over_all_runs_has_the_last_night_on_top(open_page, report):
    from harness.report.nights import write_night
    from harness.report.trend import render_index

    reports = report.parent
    hostile = "canary: " + HOSTILE
    suites = [
        {"suite": "stress", "run": report.name, "problem": "", "seconds": 61.0, "gate": False},
        {"suite": "sweep", "run": None, "problem": hostile, "seconds": 1.0, "gate": False},
    ]
    night = {"began_utc": "2026-01-02T03:00:00Z", "exit": 1, "gate": False, "baseline": None, "quick": False}
    write_night(reports, {**night, "suites": suites, "failed": [hostile], "reported": ["stress: wer of q4: worse"]})
    render_index(reports)
    page = open_page("index.html", run=reports, viewport={"width": 360, "height": 740}, is_mobile=True)
    assert "ended with exit code 1" in page.inner_text(".lead")
    assert HOSTILE in page.inner_text(".lead")
    assert "stress: wer of q4: worse" in page.inner_text("#night-title ~ details")
    assert page.evaluate("window.owned") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click("#night-title ~ .wrap a")
    assert page.url.endswith("/report.html")
