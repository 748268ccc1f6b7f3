"""Two runs beside each other."""

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.core.errors import ConfigError
from harness.report import write
from harness.report.side_by_side import pairs
from tests._report_run import make_run


@pytest.fixture
def two(tmp_path):
    first = make_run(tmp_path, chunks=12, faulty=(2, 5), run_id="monday")
    second = make_run(tmp_path, chunks=12, faulty=(5, 7), run_id="tuesday")
    write(first)
    return tmp_path, first, second


def test_two_runs_beside_each_other(two):
    reports, first, _ = two
    done = CliRunner().invoke(main, ["compare", "monday", "tuesday", "--reports", str(reports)])
    assert done.exit_code == 0, done.output
    assert "q4: new-faults: 1 of 12 chunks are newly faulty against q4 (tuesday), 1 no longer" in done.output
    page = (first / "beside-tuesday.html").read_text()
    assert "12 texts in common" in page
    order = [page.index(f"<h3>{name}</h3>") for name in ("book-0003", "book-0008", "book-0006")]
    assert max(order[:2]) < order[2]  # what they disagree on comes first
    assert "book-0001</h3>" not in page  # clean in both
    assert 'src="audio/' in page and 'src="../tuesday/audio/' in page
    assert "<script" not in page


def test_variants_of_other_names_are_paired_on_request():
    assert pairs(["a"], ["b"]) == [("a", "b")]
    assert pairs(["a", "b"], ["b", "c"]) == [("b", "b")]
    assert pairs(["a", "b"], ["c", "d"], "a=d") == [("a", "d")]
    with pytest.raises(ConfigError, match="no variant of one name"):
        pairs(["a", "b"], ["c", "d"])
    with pytest.raises(ConfigError, match="no variant 'dd' in that run"):
        pairs(["a"], ["d"], "a=dd")
