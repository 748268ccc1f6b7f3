"""Choosing variants and chunks: exact names, what -k catches besides, and a reproduction that takes one item."""

import json
import re
import shlex

import pytest

from harness.plugin.caught import also_caught, meant
from harness.plugin.selection import SuiteCase
from tests._stress import stress_suite

VARIANTS = ("q4_k", "q4_k_s")
IDS = ("book-1", "book-10", "odd [id] 'x' ü", "a::b", "and")


@pytest.fixture
def suite(pytester):
    """The stress suite over two variants and ids of which one begins another."""
    fail = "fail = [{ kind = 'crash' }]"
    stress_suite(
        pytester,
        "[defaults]\nadapter = 'null'\n[defaults.settings]\nseconds_per_word = 0.02\n"
        f"[variants.q4_k]\nsettings = {{ {fail} }}\n[variants.q4_k_s]\n",
    )
    rows = "\n".join(json.dumps({"id": name, "text": "Seven ships sailed."}) for name in IDS)
    (pytester.path / "own.jsonl").write_text(rows)
    return pytester


def collected(suite, *arguments):
    result = suite.runpytest("suites/stress", "--corpus", "own.jsonl", "--collect-only", "-q", *arguments)
    return result, [line for line in result.outlines if "::" in line]


def test_a_variant_by_its_exact_name(suite):
    _, kept = collected(suite, "--variant", "q4_k")
    assert len(kept) == len(IDS) + 4 and not any("q4_k_s" in line for line in kept)
    _, both = collected(suite, "--variant", "q4_k", "--variant", "q4_k_s")
    assert len(both) == 2 * len(kept)
    result, _ = collected(suite, "--variant", "q4k")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no variant 'q4k' (did you mean 'q4_k'?)" in "\n".join([*result.outlines, *result.errlines])
    result, _ = collected(suite, "--variant", "q4k", "--scorers", "sgnal")  # every problem at once
    assert "unknown scorer 'sgnal' (did you mean 'signal'?)" in "\n".join([*result.outlines, *result.errlines])


def test_an_expression_says_what_it_takes_besides(suite):
    result, kept = collected(suite, "-k", "q4_k and book-1")
    assert len(kept) == 4
    text = result.stdout.str()
    assert "names the variant q4_k and also takes q4_k_s; --variant q4_k takes that one alone" in text
    assert "names the chunk book-1 and also takes book-10" in text


def test_an_expression_that_takes_nothing_says_what_was_meant(suite):
    result, _ = collected(suite, "-k", "q4_kk")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no variant or chunk has 'q4_kk' in its name (did you mean 'q4_k'?)" in result.stdout.str()


def test_the_printed_reproduction_takes_exactly_one_item(suite):
    options = ("--scorers", "none", "--no-confirm", "--quiet-chunks", "0", "--reports", "reports")
    result = suite.runpytest_subprocess("suites/stress", "--corpus", "own.jsonl", "--variant", "q4_k", *options)
    # where the variable CI is set, pytest's short summary repeats the whole message
    commands = list(dict.fromkeys(re.findall(r"reproduce with: pytest (.*)", result.stdout.str())))
    assert len(commands) == len(IDS)
    for command, chunk in zip(commands, IDS, strict=True):
        kept = suite.runpytest(*shlex.split(command), "--collect-only", "-q")
        (item,) = [line for line in kept.outlines if "::" in line]
        assert item.endswith(f"[q4_k-{chunk}]".encode("unicode_escape").decode())


def test_parts_that_are_meant_as_parts_are_left_in_peace():
    asks = [SuiteCase("q4_k", "a"), SuiteCase("q4_k_s", "a"), SuiteCase("piper", "a")]
    assert also_caught("q4", asks, ["q4_k", "q4_k_s", "piper"], ["a"]) == []
    assert also_caught("q4_k or q4_k_s or piper", asks, ["q4_k", "q4_k_s", "piper"], ["a"]) == []
    (line,) = also_caught(
        "lj", [SuiteCase("lj", "LJ001-0001"), SuiteCase("sev", "LJ001-0001")], ["lj", "sev"], ["LJ001-0001"]
    )
    assert "also takes sev" in line
    assert "did you mean 'piper'" in meant("pipper", ["piper", "hibari"], ["a"])
