"""Simulated error rates and power as Markdown tables, for docs/claims.md."""

from __future__ import annotations

from pathlib import Path

from harness.stats import clopper_pearson, paired, series
from tools.claims.simulation import ALARMS, false_alarms, found

BEGIN, END = "<!-- tables of: python -m tools.claims power -->", "<!-- end of the tables -->"
RESAMPLES = 599
SIZES, RHOS, LEVELS = (100, 400), (0.0, 0.2, 0.4), (0.05, 0.01)
EFFECTS = {"drift": (0.5, 1.0, 2.0), "step": (0.5, 1.0, 2.0), "jump": (8.0, 12.0, 16.0)}


def tables(rounds: int) -> str:
    """Return both tables, of ``rounds`` simulated runs a cell at 100 chunks and half as many at 400."""
    series.REPEATS = paired.RESAMPLES = RESAMPLES
    return f"{_alarms(rounds)}\n\n{_power(max(rounds // 2, 1))}\n"


def _rounds(rounds: int, n: int) -> int:
    return rounds if n <= 100 else max(rounds // 2, 1)


def _alarms(rounds: int) -> str:
    heads = [f"{n} chunks, rho {rho:g}" for n in SIZES for rho in RHOS]
    lines = [f"| alarms at nominal 5%, 1% | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for name in ALARMS:
        cells = [_rates(name, n, rho, _rounds(rounds, n)) for n in SIZES for rho in RHOS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    low, high = clopper_pearson(round(rounds * 0.05), rounds)
    few_low, few_high = clopper_pearson(round(rounds // 2 * 0.05), rounds // 2)
    note = f"Share of simulated runs without any effect in which the test alarms; {rounds} runs a cell at 100 chunks "
    note += f"(5% of them: {low:.1%} to {high:.1%}), {rounds // 2} at 400 ({few_low:.1%} to {few_high:.1%})."
    return "\n".join([note, "", *lines])


def _rates(name: str, n: int, rho: float, rounds: int) -> str:
    return ", ".join(f"{false_alarms(name, n, rho, rounds, alpha) / rounds:.1%}" for alpha in LEVELS)


def _power(rounds: int) -> str:
    lines = ["| found at 1% | size, deviations | 100 chunks | 200 chunks | 400 chunks |", "|---|---:|---:|---:|---:|"]
    for kind, effects in EFFECTS.items():
        for effect in effects:
            cells = [f"{found(kind, n, effect, rounds) / rounds:.0%}" for n in (100, 200, 400)]
            lines.append(f"| {kind} | {effect:g} | {' | '.join(cells)} |")
    note = f"Share of {rounds} independent series in which a change that is there is found."
    return "\n".join([note, "", *lines])


def write(path: Path, text: str) -> None:
    """Put the tables between the marks of a document. Raises ValueError where it has no such marks."""
    page = path.read_text(encoding="utf-8")
    if BEGIN not in page or END not in page:
        raise ValueError(f"{path}: no lines {BEGIN!r} and {END!r} to write between")
    before, rest = page.split(BEGIN, 1)
    path.write_text(f"{before}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}", encoding="utf-8")
