"""Runs told apart in a list."""

from click.testing import CliRunner

from harness.cli import main
from harness.report import write
from tests._report_run import make_run


def test_a_list_tells_runs_apart(tmp_path):
    first = make_run(tmp_path, chunks=12, faulty=(2, 5), run_id="monday")
    make_run(tmp_path, chunks=12, faulty=(5, 7), run_id="tuesday")
    write(first)
    (first.parent / "broken").mkdir()
    (first.parent / "broken" / "manifest.json").write_text("{")
    done = CliRunner().invoke(main, ["runs", "--reports", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line for line in done.output.splitlines()}
    assert "suite" in lines["run"] and "verdict" in lines["run"]
    assert "stress" in lines["monday"] and "book (12)" in lines["monday"] and "f16, q4" in lines["monday"]
    assert "undecided" in lines["monday"] or "fails" in lines["monday"]
    assert "no report" in lines["tuesday"]  # it was never written
    assert "broken" in done.output
