"""A section for what a suite asked: the answer, the picture, the tables; and that secrets are in no output."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from pydantic_core import to_jsonable_python

from harness.core.records import Claim
from harness.core.suites import DECLARED_SUITES, suite_of
from harness.experiments.canary.run import CanaryResult, Planted
from harness.experiments.divergence import Divergence, DivergenceEstimate, Figures
from harness.experiments.ladder.claims import GrowthExponents, LadderResult, LengthStep, first_lengths
from harness.experiments.parity.results import PairResult
from harness.experiments.parity.stages import StageParity
from harness.experiments.quantization.metrics import quantization_metrics
from harness.experiments.sensitivity.figures import RecallRow
from harness.experiments.sweep.run import SettingMetrics, SweepResult
from harness.report import write
from harness.report.claims_page import slopes
from harness.report.headline import VariantWord, headlines, sentence
from harness.report.sections import answer, section
from harness.report.sections.tables import blocks
from harness.stats import Estimate, proportion
from harness.store import Run
from tests._places import ROOT
from tests._report_run import PROVENANCE

TABLE = """**q2_k** (safe: at most 25%)

| setting | faulty |
| --- | ---: |
| temperature=0.3,top_p=0.9 | 1/3 |
| <script>alert(1)</script> | - |
"""


def claim(name, variant, passed, statement="as said", value=None, count=8):
    return Claim(name, variant, statement, passed, value, (0.0, 1.0) if value is not None else None, 0.1, count)


def experiment(root, suite, claims, results, table=TABLE, names=("f16", "q2_k")):
    """A finished run of an experiment whose variants spoke no soak."""
    manifest = {
        "harness": "0.1.0",
        "suite": suite,
        "corpus": {"name": "book", "sha256": "ab" * 32, "source": "x", "chunks": 3, "partial": False, "texts": []},
        "variants": [{"name": name, "reference": name == "f16"} for name in names],
        "reference": "f16",
        "limits": {},
        "profiles": {"q2_k": "voices/x/profile.json.gz"},
        "margins": {},
        "experiment": {suite: {}},
        "provenance": PROVENANCE,
    }
    with Run.create(root, manifest) as run:
        run.begin_session(names[0], "fresh", ["a"])
        run.record_claims(claims)
        (run.path / "results.json").write_text(json.dumps(to_jsonable_python(results)))
        (run.path / "results.md").write_text(table)
        run.finish("finished")
    return run.path


SHARE = proportion(1, 10)
STEP = LengthStep(
    2, attempts=10, spoken=10, crash=0, hang=0, silent=0, said="", cut=0, faulty=SHARE, classes=(), tokens=None,
    seconds=1.0, cpu_seconds=0.2, memory=None, rtfx=None,
)  # fmt: skip
STEPS = [STEP, replace(STEP, words=64, seconds=20.0)]
NOTHING = quantization_metrics([], [], seed=1)


def diverging(value, low, high):
    part, share = DivergenceEstimate(value, low, high), DivergenceEstimate(0.9, 0.8, 1.0)
    return Figures(100, 5, part, value, value, value, value, share, 3.2, 3.1, part, 0.9)


FED = Divergence(
    diverging(0.3, None, None),
    {},
    {f"{low}-{2 * low}": diverging(0.1, 0.05, 0.2) for low in (0, 32, 64)},
    chunks=5,
    generations=5,
)
PAIR = PairResult(
    "p", None, "mel", True, (), [StageParity("mel", ((4,), (4,)), cosine=0.9, problem="x")], "x", None, "none", {}
)
RECALL = RecallRow(
    "noise", "noise", 1.0, preset=True, count=8, named=6, found=6, not_judged=0, no_room=0, low=0.3, high=0.9
)
PLANTED = [Planted("silence", "a", True, False, ()), Planted("noise", "b", True, True, ())]
RESULTS = {
    "canary": {"q2_k": CanaryResult(PLANTED, SHARE)},
    "determinism": {},
    "ladder": {"q2_k": LadderResult(STEPS, GrowthExponents(), first_lengths(STEPS))},
    "parity": {"pairs": {"p": PAIR}},
    "quantization": {
        "f16": replace(NOTHING, model_bytes=8_000_000, faulty=SHARE),
        "q2_k": replace(
            NOTHING,
            model_bytes=3_000_000,
            faulty=SHARE,
            wer_difference=Estimate(0.02, -0.01, 0.05, 9),
            divergence=FED,
        ),
    },
    "isolation": {},
    "sensitivity": {"q2_k": {"rows": [RECALL, replace(RECALL, preset=False, named=0, low=0.0, high=0.4)]}},
    "sweep": {
        "q2_k": SweepResult(
            0.99,
            {
                f"temperature={t},top_p={p}": SettingMetrics(10, SHARE, None, word)
                for t, p, word in ((0.3, 0.8, "safe"), (0.3, 1.0, "undecided"), (1.3, 0.8, "unsafe"))
            },
            None,
            {},
        )
    },
}
SHOWN = {
    "canary": ["MISSED", "found"],
    "determinism": ["6 of 8", "NO"],
    "ladder": ["faulty texts, %", "words"],
    "parity": ["mel (out)"],
    "quantization": ["KL to the reference", "q2_k (3.0 MB)", "WER difference", "The divergence along a generation"],
    "isolation": ["NO"],
    "sensitivity": ["noise (6/8)"],
    "sweep": ["1/10 safe", "1/10 unsafe", "temperature 0.3", "top_p 1.0"],
}


@pytest.mark.parametrize("suite", list(RESULTS))
def test_every_suite_has_its_question_answer_and_picture(tmp_path, suite):
    claims = [claim("repeat", "q2_k", False, "q2_k is bad", 0.75), claim("threads", "q2_k", False)]
    path = experiment(tmp_path, suite, claims, RESULTS[suite])
    write(path)
    page = (path / "report.html").read_text()
    part = page.split('id="asked-title"', 1)[1].split("</section>", 1)[0]
    assert suite_of(suite).question in part
    assert "q2_k fails: q2_k is bad (and 1 more)" in part
    for text in SHOWN[suite]:
        assert text in part, text
    assert "temperature=0.3,top_p=0.9" in part  # the table that the experiment wrote
    assert "<script>alert" not in page
    assert "mathdefault" not in page  # text stays text: a logarithmic axis must not be typeset


@pytest.mark.parametrize(
    "results", [{}, {"q2_k": {}}, {"q2_k": None}, {"q2_k": {"settings": {}, "steps": [], "planted": []}}]
)
@pytest.mark.parametrize("suite", [name for name in DECLARED_SUITES if not suite_of(name).is_soak])
def test_a_section_without_figures_has_no_picture_and_stops_no_report(tmp_path, suite, results):
    path = experiment(tmp_path, suite, [claim("x", "q2_k", None, "too small", count=0)], results, "")
    with Run.open(path) as run:
        html = section(run)
    assert html is not None
    assert not html.drawings
    assert html.answer == "Nothing could be decided for q2_k."


def test_a_suite_of_tomorrow_has_a_section_too(tmp_path):
    path = experiment(tmp_path, "of-tomorrow", [claim("x", "q2_k", True)], {})
    write(path)
    page = (path / "report.html").read_text()
    assert "Of tomorrow" in page
    assert "temperature=0.3,top_p=0.9" in page


def test_an_experiment_is_judged_by_its_claims_and_not_as_a_soak_that_never_spoke(tmp_path):
    claims = [claim("repeat", "q2_k", True), claim("safe-region", "all settings", False, "none is safe")]
    summary = write(experiment(tmp_path, "sweep", claims, {}))
    words = headlines(summary)
    assert {name: shown.word for name, shown in words.items()} == {
        "f16": VariantWord.BASE,
        "q2_k": VariantWord.PASSES,
        "all settings": VariantWord.FAILS,
    }
    assert sentence(summary, words) == "all settings fails: safe region: none is safe."
    assert summary.variants["q2_k"].not_judged == 0


def test_an_experiment_whose_own_question_is_open_does_not_pass(tmp_path):
    claims = [claim("vocoder", "q2_k", True), claim("isolation", "q2_k", None, "too small to say where")]
    shown = headlines(write(experiment(tmp_path, "isolation", claims, {})))["q2_k"]
    assert (shown.word, shown.why) == (VariantWord.OPEN, "too small to say where")


def test_the_answer_says_what_fails_what_holds_and_what_nobody_knows():
    claims = [claim("a", "x", False, "x is bad"), claim("a", "y", True), claim("a", "z", None), claim("b", "y", None)]
    assert answer(claims) == (
        "x fails: x is bad; every claim that could be decided holds for y; nothing could be decided for z."
    )
    assert answer([]) == "The run came to no claim."


def test_tables_survive_cells_that_are_empty_or_too_many():
    (text, table) = blocks("**a**\n\n| x | y |\n| --- | ---: |\n| 1 |\n| 2 | 3 | 4 |\n| - | - |\n")
    assert text.text == "a"
    assert [list(row) for row in table.rows] == [["1", ""], ["2", "3"], ["-", "-"]]


# ------------------------------------------------------------------------------------------ secrets
CANARY = "hf_Zq7Rk2Lw9Xc4Vb8Nm1Tp6Js3"  # looks like a token; no such token was ever given out


def test_a_planted_secret_is_in_no_output(tmp_path):
    """In the environment under two names, in the command line, in settings, in what the backend prints to stderr."""
    plain = "correct-horse-battery"
    (tmp_path / "tts.py").write_text(
        "import sys, os\n"
        "print('Authorization: Bearer', os.environ['MY_SERVICE_TOKEN'], file=sys.stderr)\n"
        "print('password is', os.environ['DB_PASSWORD'], sys.argv, file=sys.stderr)\n"
        "sys.exit('cannot reach https://user:' + os.environ['DB_PASSWORD'] + '@example.test/')\n"
    )
    (tmp_path / "variants.toml").write_text(
        f"""
[variants.leaky]
adapter = "command"
[variants.leaky.settings]
command = ["{sys.executable}", "{tmp_path / "tts.py"}", "--api-key", "{CANARY}", "{{text}}", "{{output}}"]
"""
    )
    step = tmp_path / "step.md"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MY_SERVICE_TOKEN": CANARY,
        "DB_PASSWORD": plain,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(step),
    }
    files = [
        "--variants",
        tmp_path / "variants.toml",
        "--reports",
        tmp_path / "reports",
        "--junitxml",
        tmp_path / "j.xml",
    ]
    command = [
        sys.executable,
        "-m",
        "pytest",
        ROOT / "suites" / "stress",
        "--chunks",
        "2",
        "--scorers",
        "signal",
        *files,
    ]
    options = ["--no-confirm", "--quiet-chunks", "0", "-p", "no:cacheprovider", "-vv"]
    done = subprocess.run([*map(str, command), *options], capture_output=True, env=environment, cwd=ROOT, check=False)
    (run,) = (tmp_path / "reports").glob("2*")
    arguments = [sys.executable, "-m", "harness.cli", "report", run.name, "--tables", "--markdown", "--single-file"]
    again = subprocess.run(
        [*arguments, "--reports", str(tmp_path / "reports")], capture_output=True, env=environment, cwd=ROOT, check=True
    )
    outputs = {path.name: path.read_bytes() for path in run.rglob("*") if path.is_file() and not path.is_symlink()}
    expected = {"manifest.json", "journal.sqlite", "report.html", "report-single.html", "scores.csv", "scores.jsonl"}
    assert expected | {"summary.json", "summary.md", "model-card.md"} <= set(outputs)
    outputs |= {"junit": (tmp_path / "j.xml").read_bytes(), "step": step.read_bytes()}
    outputs |= {"stdout": done.stdout + again.stdout, "stderr": done.stderr + again.stderr}
    assert b"crash" in outputs["stdout"] or b"error" in outputs["stdout"]
    for name, content in outputs.items():
        for secret in (CANARY, plain):
            assert secret.encode() not in content, f"{secret} is in {name}"


def test_a_change_of_speed_is_told_by_what_its_interval_and_the_timings_allow(tmp_path):
    def measures(low, high, significant):
        return {"change": (low + high) / 2, "low": low, "high": high, "significant": significant, "beyond": False} | {
            "step": 0.0,
            "step_at": 3,
            "count": 60,
        }

    drift = Claim(
        "drift",
        "q2_k",
        "as said",
        True,
        0.0,
        details={
            "measures": {
                "rtfx": measures(-0.3, -0.1, False),
                "wer": measures(-0.1, 0.1, False),
                "loudness_lufs": measures(0.1, 0.3, False),
                "speech_rate": measures(0.1, 0.3, True),
            }
        },
    )
    with Run.open(experiment(tmp_path, "ladder", [drift], {})) as run:
        said = {row.measure: row.says for row in slopes(run, timed=False)}
        assert said == {
            "RTFx": "not judged: the timings are invalid",
            "WER": "no change",
            "loudness": "not significant among all that was tested",
            "speech rate": "significant, within its margin",
        }
        quiet = {row.measure: row.says for row in slopes(run, timed=True)}
        assert quiet["RTFx"] == "not significant among all that was tested"
