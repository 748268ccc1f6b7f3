"""``tts-soak``: a stranger's commands, and one line for each mistake."""

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.core.records import Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Plan


def run(*arguments):
    return CliRunner().invoke(main, list(map(str, arguments)))


@pytest.fixture
def reports(tmp_path):
    corpus = load_corpus("generated:seed=5,chunks=3")
    variant = Variant(name="n", adapter="null", settings={"seconds_per_word": 0.01})
    ids = tuple(chunk.id for chunk in corpus.chunks)
    for _ in range(2):
        Engine(Plan("stress", corpus, (variant,), {"n": ids}, tmp_path / "reports", quiet_chunks=0)).run()
    return tmp_path / "reports"


def test_init_writes_a_file_that_is_not_overwritten(tmp_path):
    path = tmp_path / "variants.toml"
    assert run("init", path).exit_code == 0
    again = run("init", path)
    assert again.exit_code == 4
    assert again.output.strip().count("\n") == 0
    assert "already there" in again.output


def test_faults_lists_every_class_and_explains_one():
    listed = run("faults").output.splitlines()
    assert len(listed) > 20
    assert any(line.startswith("loop ") for line in listed)
    explained = run("faults", "loop").output
    assert all(part in explained for part in ("needs: edit_likelihood", "likely ca", "source:"))
    wrong = run("faults", "lop")
    assert wrong.exit_code == 4
    assert "did you mean 'loop'" in wrong.output


def test_corpora_are_listed_and_shown():
    assert "book" in run("corpora").output
    assert len(run("corpora", "sentences").output.splitlines()) == 13
    assert "did you mean 'book'" in run("corpora", "bok").output


def test_runs_verify_report_and_prune(reports):
    listed = run("runs", "--reports", reports).output
    assert "2 runs" in listed
    assert listed.count("finished") == 2 and "generated" in listed
    verified = run("verify", "--reports", reports)
    assert (verified.exit_code, "0 problems" in verified.output) == (0, True)
    report = run("report", "--reports", reports)
    assert report.exit_code == 0
    assert (reports / "latest" / "report.html").exists()
    assert run("prune", "--keep", 1, "--reports", reports).exit_code == 0
    assert "1 runs" in run("runs", "--reports", reports).output


def test_a_damaged_run_does_not_verify(reports):
    victim = next((reports / "latest" / "audio").iterdir())
    victim.write_bytes(victim.read_bytes()[:-100])
    result = run("verify", "--reports", reports)
    assert result.exit_code == 1
    assert victim.name[:12] in result.output


def test_an_unknown_run_names_the_nearest(reports):
    name = (reports / "latest").resolve().name
    result = run("report", name[:-1] + "x", "--reports", reports)
    assert result.exit_code == 4
    assert name in result.output
