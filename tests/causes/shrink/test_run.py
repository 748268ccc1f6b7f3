"""From a finding to the smallest input that still shows it: planted causes, kills, and what is no cause at all."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.causes.shrink.minimise import minimise
from harness.causes.shrink.outcome import ShrinkOutcome
from harness.causes.shrink.pieces import Level, groups, joined, marks_of, pieces_of, tag_groups, without, without_marks
from harness.causes.standard import RunStandard, limits_for_one, shown_alone
from harness.causes.target import find_target
from harness.cli import main
from harness.core.records import (
    Arm,
    Attempt,
    Chunk,
    Detection,
    DetectorInput,
    Measurement,
    Request,
    Status,
    VerdictWord,
)
from harness.core.variants import load_variants
from harness.corpora import make_corpus
from harness.engine.assessor import PendingVerdict
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.experiments.injection.actions import InjectionState
from harness.experiments.injection.plan import InjectionRule
from harness.experiments.injection.triggers import drawn_numbers, rule_strikes
from harness.store import Run
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.this_run import OwnBound, fitted_detectors
from tests._places import ROOT
from tests._report_run import make_run

LONG = (
    "The ferry had been late since noon, and nobody expected it before four. In the harbour office a clerk wrote "
    "{word} in his book; outside, the gulls were loud. Nine men waited with their boxes, and one sang an old song."
)
CHUNKS = [
    Chunk("plain", "One plain text to begin with."),
    Chunk("dye", "Vermilion is a colour, she said."),
    Chunk("dull", "A third one, quite dull."),
    Chunk("text", LONG.format(word="Worcester")),
    Chunk("seed", "It was then, in the warm rain, that the magnolia opened."),
    Chunk("history", "She had never eaten a quince before. He had."),
]
PLAN = """
[variants.bad]
adapter = "faulty"
[variants.bad.settings]
seconds_per_word = 0.02
[variants.bad.settings.faulty]
adapter = "null"
seed = {seed}
plan = [
  {{ fault = "process-error", words = ["worcester"] }},
  {{ fault = "process-error", words = ["magnolia"], seed_fraction = 0.4 }},
  {{ fault = "process-error", words = ["quince"], after = ["vermilion"] }},
]
[variants.tape]
adapter = "recorded"
seed_policy = "none"
settings = {{ manifest = "." }}
"""


def soaked(folder, plan_seed):
    """A finished soak of CHUNKS by the null backend with the three faults in it."""
    file = folder / "variants.toml"
    file.write_text(PLAN.format(seed=plan_seed))
    corpus = make_corpus("six", CHUNKS, "test")
    variant = next(one for one in load_variants(file) if one.name == "bad")
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan("stress", corpus, (variant,), {"bad": ids}, folder / "reports", quiet_chunks=0)
    return Engine(plan).run()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    for plan_seed in range(20):  # the seed of the chunk must be one of those that are struck
        path = soaked(tmp_path_factory.mktemp("soaked"), plan_seed)
        with Run.open(path) as opened:
            faulty = {a.chunk_id for a in opened.attempts(arm=Arm.SOAK) if opened.verdict(a.id).findings}
        if "seed" in faulty:
            assert faulty == {"text", "seed", "history"}
            return path
    raise AssertionError("no seed of 20 is struck by a fraction of 0.4")


@pytest.fixture(scope="module")
def of_text(run):
    """Directory and outcome of the whole shrink of the chunk with a fault of its text, and what was printed."""
    result = shrink(run, "text")
    assert result.exit_code == 0, result.output
    return *outcome(result), result.stdout


def shrink(run, chunk, *arguments):
    return CliRunner().invoke(main, ["shrink", run.name, chunk, "--reports", str(run.parent), *arguments])


def outcome(result):
    folder = Path(result.stdout.strip().splitlines()[-1].removeprefix("in "))
    return folder, ShrinkOutcome.model_validate_json((folder / "results.json").read_text())


def entries(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# --------------------------------------------------------------------------- the algorithm
@pytest.mark.parametrize("needed", [{7}, {0}, {39}, {3, 31}, {1, 2, 20}])
def test_exactly_what_is_needed_is_left_and_one_item_is_found_in_a_dozen_questions(needed):
    asked = []

    def shows(items):
        asked.append(items)
        return needed <= set(items)

    assert set(minimise(range(40), shows)) == needed
    assert len(asked) == len(set(asked)) or len(needed) > 1
    if len(needed) == 1:
        assert len(asked) <= 12


def test_nothing_may_be_needed_at_all():
    assert minimise([1, 2, 3], lambda items: True, to_nothing=True) == ()
    assert minimise([1], lambda items: True) == (1,)


def test_a_text_comes_apart_at_sentences_clauses_and_words_and_joins_again():
    text = "Dr. Smith came, saw, and left. It rained!  Why?"
    pieces = pieces_of(text, "en")
    assert joined(pieces) == text
    assert [len(groups(pieces, level)) for level in (Level.SENTENCES, Level.CLAUSES, Level.WORDS)] == [3, 5, 9]
    assert joined(without(pieces, {0, 1, 2, 3, 4, 5})) == "It rained!  Why?"


def test_tags_are_pieces_of_their_own_and_an_element_goes_as_a_whole():
    text = '<speak>Now <emphasis level="strong">this</emphasis><break time="1s"/> [laughs] ends.</speak>'
    pieces = pieces_of(text, "en")
    assert joined(pieces) == text
    tags = tag_groups(pieces)
    assert [[pieces[place].text.split()[0] for place in group] for group in tags] == [
        ["<speak>", "</speak>"],
        ["<emphasis", "</emphasis>"],
        ["<break"],
        ["[laughs]"],
    ]
    assert joined(without(pieces, {place for group in tags for place in group})) == "Now this ends."


def test_of_a_word_only_marks_and_digits_of_a_number_can_be_left_out():
    pieces = pieces_of("“Don't pay $1,250.75 — 7,” he's", "en")
    letters = [pieces[piece].text[at] for piece, at in marks_of(pieces)]
    assert letters == ["“", "$", "1", ",", "2", "5", "0", ".", "7", "5", "—", ",", "”"]
    assert joined(without_marks(pieces, {(3, 0)})) == "“Don't pay $1,250.75 7,” he's"


def test_a_script_without_blanks_is_cut_between_its_characters():
    pieces = pieces_of("春が来た。夏も。", "ja")
    assert joined(pieces) == "春が来た。夏も。"
    assert len(groups(pieces, Level.SENTENCES)) == 2
    assert len(groups(pieces, Level.WORDS)) == 8


# --------------------------------------------------------------------------- planted causes
def test_a_fault_of_the_text_is_shrunk_to_its_word_and_the_command_fails(of_text):
    folder, cause, printed = of_text
    assert (cause.smallest.text, cause.bound_to, cause.earlier) == ("Worcester", "text", [])
    assert cause.rate.count == cause.rate.total
    assert cause.requests <= 20
    assert entries(folder / "smallest.jsonl") == [{"id": "text", "text": "Worcester", "language": "en"}]
    assert entries(folder / "original.jsonl")[0]["text"] == CHUNKS[3].text
    assert "smallest: Worcester" in printed
    assert cause.fails
    command = [
        sys.executable,
        "-m",
        *shlex.split(cause.command),
        "--reports",
        str(folder / "again"),
        "-p",
        "no:cacheprovider",
    ]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=240).returncode == 1


def test_a_fault_of_the_history_is_shrunk_to_the_chunk_and_its_bundle_fails_elsewhere(run, tmp_path):
    result = shrink(run, "bad-history")  # as pytest names the item
    assert result.exit_code == 0, result.output
    folder, cause = outcome(result)
    assert (cause.smallest.text, cause.bound_to) == ("quince", "history")
    assert [row["id"] for row in entries(folder / "smallest.jsonl")] == ["dye", "history"]
    assert "--seed" not in cause.command
    zipped = CliRunner().invoke(main, ["bundle", run.name, "history", "--reports", str(run.parent)])
    assert zipped.exit_code == 0, zipped.output
    with zipfile.ZipFile(run.parent / "bundles" / f"{run.name}-bad-history.zip") as archive:
        archive.extractall(tmp_path)
        command = re.search(r"^pytest suites/stress .*$", archive.read("issue.md").decode(), re.MULTILINE)[0]
    words = shlex.split(command.replace("suites/stress", str(ROOT / "suites" / "stress")))
    again = [sys.executable, "-m", *words, "--reports", "again", "-p", "no:cacheprovider"]
    assert subprocess.run(again, cwd=tmp_path, capture_output=True, timeout=240).returncode == 1


def test_a_fault_of_the_seed_is_shrunk_by_its_rate(run):
    result = shrink(run, "seed")
    assert result.exit_code == 0, result.output
    _, cause = outcome(result)
    assert (cause.smallest.text, cause.bound_to) == ("magnolia", "seed")
    assert cause.rate.total == 20
    assert cause.rate.low <= 0.4 <= cause.rate.high
    assert cause.test.bad > cause.test.good > 0
    assert "sequential test" in result.stdout
    assert f"--seed {cause.smallest.seed}" in cause.command


def test_a_killed_shrink_goes_on_and_asks_nothing_twice(run, of_text):
    whole = of_text[1]
    folder = run.parent / "causes"
    before = set(folder.iterdir())
    words = ["shrink", run.name, "text", "--reports", str(run.parent)]
    process = subprocess.Popen([sys.executable, "-m", "harness.cli", *words], stderr=subprocess.PIPE, text=True)
    while "sentences" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    (killed,) = [path for path in set(folder.iterdir()) - before if path.is_dir() and not path.is_symlink()]
    with Run.open(killed) as opened:
        asked = [(a.session, a.take, a.id) for a in opened.attempts()]
    assert asked
    time.sleep(1)  # the worker of the killed process sees its pipe close
    result = shrink(run, "text", "--resume")
    again_in, again = outcome(result)
    assert again_in == killed
    assert (again.smallest, again.bound_to, again.requests) == (whole.smallest, "text", whole.requests)
    with Run.open(killed) as opened:
        attempts = opened.attempts()
        questions = [row.details["question"] for row in opened.sessions()]
    assert [(a.session, a.take, a.id) for a in attempts][: len(asked)] == asked
    assert len(questions) == len(set(questions))


# --------------------------------------------------------------------------- no cause, and wrong use
def test_a_clean_chunk_has_nothing_to_find(run):
    result = shrink(run, "plain")
    assert result.exit_code == 6
    assert result.output.strip().count("\n") == 0
    assert "nothing to find" in result.output


def faulty_callable(folder, body):
    """A soak of the texts "This is text one." and "... four.", the second of which is faulty, by a Python function."""
    module, file = folder / "speech.py", folder / "variants.toml"
    module.write_text(f"from pathlib import Path\n{body}    return [0.1] * 4000, 16000\n")
    settings = f'call = "{module}:speak"\narguments = {{ text = "{{text}}" }}\n'
    file.write_text(f'[variants.own]\nadapter = "python"\nseed_policy = "none"\n[variants.own.settings]\n{settings}')
    (variant,) = load_variants(file)
    corpus = make_corpus("c", [Chunk(str(n), f"This is text {word}.") for n, word in enumerate(["one", "four"])], "t")
    plan = Plan(
        *("stress", corpus, (variant,), {"own": ("0", "1")}, folder / "reports"),
        confirmation=Confirmation(enabled=False),
        quiet_chunks=0,
    )
    path = Engine(plan).run()
    with Run.open(path) as opened:
        assert opened.verdict(opened.attempts()[1].id).word is VerdictWord.FAULTY
    return path


def test_a_fault_that_does_not_come_back_has_no_cause_and_says_what_was_tried(tmp_path):
    once = "Path(__file__).with_suffix('.once')"
    body = (
        f"def speak(text):\n    if 'four' in text and not {once}.exists():\n"
        f"        {once}.touch()\n        raise RuntimeError('only once')\n"
    )
    result = shrink(faulty_callable(tmp_path, body), "1")
    assert result.exit_code == 6, result.output
    assert "does not come back" in result.output.splitlines()[-1]
    assert "nor after the 1 chunks" in result.output.splitlines()[-1]


def test_what_comes_by_chance_whatever_the_text_is_no_cause(tmp_path):
    body = (
        "calls = []\ndef speak(text):\n    calls.append(text)\n"
        "    if len(calls) % 3 == 2:\n        raise RuntimeError('every third')\n"
    )
    result = shrink(faulty_callable(tmp_path, body), "1")
    assert result.exit_code == 6, result.output
    assert "comes by chance, in 7 of 20 tries, whatever the text" in result.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such", "text"], "no run 'no-such'"),
        (["RUN", "tekst"], "did you mean 'text'"),
        (["RUN", "text", "--variant", "good"], "no variant 'good'"),
        (["RUN", "text", "--fault", "loop"], "no finding 'loop'"),
        (["RUN", "text", "--variants", "absent.toml"], "absent.toml"),
        (["RUN", "text", "--resume", "--seeds", "7"], "no shrink of this finding"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_4(run, arguments, told):
    words = [run.name if word == "RUN" else word for word in arguments]
    result = CliRunner().invoke(main, ["shrink", *words, "--reports", str(run.parent)])
    assert result.exit_code == 4
    assert result.output.strip().count("\n") == 0
    assert told in result.output


def test_a_variant_that_is_not_the_same_any_more_is_refused(run, tmp_path):
    changed = tmp_path / "variants.toml"
    source = (run.parent.parent / "variants.toml").read_text()
    changed.write_text(source.replace("seconds_per_word = 0.02", "seconds_per_word = 0.03"))
    result = shrink(run, "text", "--variants", str(changed))
    assert result.exit_code == 4
    assert "bad is not what it was then" in result.output


def test_conditions_of_a_plan_hold_by_word_by_seed_and_by_history():
    rule = InjectionRule(fault="silence", words=["Caf\u00e9"], after=["one"], seed_fraction=0.5)
    state, struck = InjectionState(), []
    for seed in range(40):
        request = Request("c", "a \u201ccaf\u00e9\u201d", seed)
        struck.append(rule_strikes(rule, request, state, drawn_numbers(0, 0, "x"), drawn_numbers(0, 0, seed)))
    assert not any(struck)
    state.spoken.add("one")
    for text in ("a \u201ccaf\u00e9\u201d", "another CAF\u00c9!"):
        now = [
            rule_strikes(rule, Request("c", text, seed), state, drawn_numbers(0, 0, "x"), drawn_numbers(0, 0, seed))
            for seed in range(40)
        ]
        assert 5 < sum(now) < 35
    assert not rule_strikes(rule, Request("c", "a cafeteria", 1), state, drawn_numbers(0, 0), drawn_numbers(0, 0, 1))


# --------------------------------------------------------------------------- the standard of the run
@pytest.mark.parametrize("name", fitted_detectors())
def test_frozen_limits_judge_a_text_alone_as_its_run_did(name):
    limits = Limits.default()
    own = {name: OwnBound(expected=0.2, limit=0.3, others=44, low=0.1, high=0.3)}
    view = DetectorInput(Chunk("c", "some words to speak"), Attempt(0, 0, 0, "c", "v"), {})
    run, alone = VerdictPolicy(limits), VerdictPolicy(limits_for_one(limits, own))
    judged = 0
    for value in (-1.0, 0.0, 0.2, 0.45, 0.55, 0.95, 9.0):
        detections = [Detection(name, value)]
        by_run, unjudged = run.findings(view, detections, own)
        by_itself, unjudged_alone = alone.findings(view, detections)
        assert [(f.fault, f.value, f.limit) for f in by_itself] == [(f.fault, f.value, f.limit) for f in by_run]
        assert bool(unjudged) == bool(unjudged_alone)
        judged += len(by_run)
    assert judged


def test_a_new_attempt_is_judged_by_the_other_chunks_of_the_run(tmp_path):
    path = make_run(tmp_path, chunks=48, faulty=(2,))
    rng = np.random.default_rng(4)
    with Run.open(path, write=True) as opened:
        for attempt in opened.attempts(variant="q4", arm=Arm.SOAK):
            unheard = Detection("skipped-words", None, reason="nobody listened")
            opened.record_evidence(attempt.id, [Detection("overlong", float(rng.normal(-1.5, 0.05))), unheard])
        opened.finish("finished")
    target = find_target(path, "book-0003", "q4")
    target = replace(target, finding=replace(target.finding, fault="overlong"))
    standard = RunStandard(target, None)
    policy, limits = VerdictPolicy(target.limits), target.limits
    shown = {}
    for seconds in (3.0, 4.0, 9.0):
        payload = {"duration": seconds, "speech_start": 0.0, "speech_end": seconds}
        signal = Measurement("signal", "1", Status.OK, payload)
        case = PendingVerdict(target.attempt, target.chunk, None, policy, None, None)
        case.observations = {"signal": signal}
        (value,) = [d.value for d in policy.evidence(case.view()) if d.fault == "overlong"]
        judged = standard.judge(case)
        assert set(judged.own) == {"overlong"}
        bound = judged.own["overlong"]
        shown[seconds] = judged.shows("overlong")
        assert shown[seconds] == (value - bound.expected > bound.limit)
        assert ("overlong" in shown_alone(case, limits_for_one(limits, judged.own))) == shown[seconds]
    assert set(shown.values()) == {True, False}
