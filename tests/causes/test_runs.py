"""Runs that look for a cause: only those of the suite that is asked for, the newest first."""

import json

from harness.causes.runs import runs_of_suite
from tests._report_run import make_run


def test_runs_of_another_suite_and_broken_ones_are_passed_over(tmp_path):
    for run_id, suite in (("a", "shrink"), ("b", "stress"), ("c", "shrink"), ("d", "shrink")):
        path = make_run(tmp_path, chunks=2, run_id=run_id) / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "suite": suite, "experiment": {suite: {}}}))
    (tmp_path / "d" / "manifest.json").write_text("{")
    assert [path.name for path, _ in runs_of_suite(tmp_path, "shrink")] == ["c", "a"]
