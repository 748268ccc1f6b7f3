"""``reports/index.html``: every figure over all runs, with intervals, and the steps found in it, dated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import quote

from harness.core.documents import read_json
from harness.core.durable import write_whole
from harness.core.errors import ConfigError
from harness.report.assets import rendered
from harness.report.baseline import COMPARISON, Comparison
from harness.report.headline import headlines, sentence
from harness.report.nights import EXITS
from harness.report.nights import read_nights as nights_of
from harness.report.steps import LEAST, changes
from harness.report.summary import RunSummary, VariantSummary, read_summary
from harness.report.svg import FAINT, MARKERS, SERIES, markup, new_plot

FIGURES: Mapping[str, str] = {
    "fault_rate": "Faulty chunks, share of those judged",
    "wer": "WER",
    "speaker_similarity": "Speaker similarity (mean cosine)",
    "rtfx": "RTFx (audio s a second of the request)",
    "peak_memory": "Peak memory (MB)",
}
_ALPHA = 0.01  # for all steps of one family of runs together (Bonferroni)


@dataclass(frozen=True, slots=True)
class TrendRun:
    """One run as the trend shows it. ``values`` holds (value, low, high); low and high are None without an interval."""

    run_id: str
    date: str
    link: str | None
    says: str
    status: str
    gate: str
    values: Mapping[str, Mapping[str, tuple[float, float | None, float | None]]]  # variant -> figure -> value


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A change of level of one figure: from ``before`` to ``after`` (medians), first seen in ``run_id``."""

    variant: str
    figure: str
    run_id: str
    date: str
    before: float
    after: float
    p_value: float


def render_index(reports: Path) -> Path:
    """Write ``index.html`` over all runs below ``reports`` that have a ``summary.json``; return its path."""
    from markupsafe import Markup

    families, problems = read_trend(reports)
    nights, unread = nights_of(reports)
    links = {night.run_id: night for runs in families.values() for night in runs}
    shown = [
        {
            "title": title,
            "nights": nights[::-1],
            "steps": steps(nights),
            "charts": [Markup(drawing) for drawing in _charts(nights, f"family{number}")],
            "few": len(nights) < LEAST,
        }
        for number, (title, nights) in enumerate(families.items())
    ]
    context = {
        "families": shown,
        "nights": nights,
        "exits": EXITS,
        "runs": links,
        "problems": [*problems, *unread],
        "least": LEAST,
        "figures": FIGURES,
    }
    path = reports / "index.html"
    write_whole(path, rendered("trend.html", context, filters={"level": lambda value: f"{value:.4g}"}))
    return path


def read_trend(reports: Path) -> tuple[dict[str, list[TrendRun]], list[str]]:
    """Return the runs by suite and corpus, oldest first, and one line for each summary that cannot be read."""
    by_family: dict[tuple[str, str, str], list[tuple[str, TrendRun]]] = {}
    problems = []
    for path in sorted(reports.glob("*/summary.json")):
        if path.parent.is_symlink():
            continue
        try:
            summary = read_summary(path)
            key = (summary.suite, summary.corpus.name, summary.corpus.sha256)
            date = summary.created_utc or summary.run_id
            by_family.setdefault(key, []).append((date, _night(path.parent, summary, date)))
        except (ConfigError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"{path.parent.name}/summary.json cannot be read ({type(error).__name__}: {error})")
    families = {
        f"{suite}: {corpus} ({sha256[:8]})": [night for _, night in sorted(rows, key=lambda row: row[0])]
        for (suite, corpus, sha256), rows in sorted(by_family.items())
    }
    return families, problems


def _night(path: Path, summary: RunSummary, date: str) -> TrendRun:
    comparison = path / COMPARISON
    gate = "–"
    if comparison.is_file():
        result: Comparison = read_json(comparison, "comparison")
        passed = [claim["passed"] for claims in result["claims"].values() for claim in claims]
        fails = passed.count(False)
        fine = "passed" if True in passed else "nothing to compare"
        gate = "failed" if result["failed"] else (f"{fails} reported" if fails else fine)
    link = f"{quote(path.name)}/report.html" if (path / "report.html").is_file() else None
    values = {name: _values(row, summary.timed) for name, row in summary.variants.items()}
    statement = sentence(summary, headlines(summary))
    return TrendRun(summary.run_id, date[:16].replace("T", " "), link, statement, summary.status, gate, values)


def _values(row: VariantSummary, timed: bool) -> dict[str, tuple[float, float | None, float | None]]:
    rate = row.fault_rate
    values: dict[str, tuple[float | None, float | None, float | None]] = {
        "fault_rate": (rate.value, rate.low, rate.high),
        "wer": (row.wer.rate, None, None),
        "speaker_similarity": (row.speaker_similarity.mean, None, None),
        # runs of earlier versions counted CPU seconds: another figure, not a slower backend
        "rtfx": (row.rtfx.value if timed and row.rtfx.clock == "wall" else None, None, None),
        "peak_memory": (row.peak_memory_bytes / 1e6 if row.peak_memory_bytes else None, None, None),
    }
    return {name: (value, low, high) for name, (value, low, high) in values.items() if value is not None}


def steps(nights: Sequence[TrendRun]) -> list[LevelChange]:
    """Return changes of level in every figure of every variant, in order of time.

    The error rate is held over all of them.
    """
    series = {
        (variant, name): [night for night in nights if name in night.values.get(variant, {})]
        for variant in _variants(nights)
        for name in FIGURES
    }
    long = {key: runs_of_family for key, runs_of_family in series.items() if len(runs_of_family) >= LEAST}
    changes_of_level = []
    for (variant, name), runs_of_family in long.items():
        levels = [night.values[variant][name][0] for night in runs_of_family]
        cuts = changes(levels, _ALPHA / len(long))
        edges = [0, *(at for at, _ in cuts), len(levels)]
        for number, (at, p_value) in enumerate(cuts):
            before, after = median(levels[edges[number] : at]), median(levels[at : edges[number + 2]])
            changes_of_level.append(
                LevelChange(variant, name, runs_of_family[at].run_id, runs_of_family[at].date, before, after, p_value)
            )
    return sorted(changes_of_level, key=lambda step: step.date)


def _variants(nights: Sequence[TrendRun]) -> list[str]:
    return list(dict.fromkeys(name for night in nights for name in night.values))


def _charts(nights: Sequence[TrendRun], family: str) -> list[str]:
    drawn = []
    for name, title in FIGURES.items():
        if any(name in values for night in nights for values in night.values.values()):
            drawn.append(_chart(nights, name, title, f"{family}-{name.replace('_', '-')}"))
    return drawn


def _chart(nights: Sequence[TrendRun], name: str, title: str, identity: str) -> str:
    drawing = new_plot(5.2, 2.6)
    axes = drawing.subplots()
    variants = _variants(nights)
    for number, variant in enumerate(variants):
        points = [
            (i, night.values[variant][name]) for i, night in enumerate(nights) if name in night.values.get(variant, {})
        ]
        if not points:
            continue
        across = [i + 0.08 * (number - (len(variants) - 1) / 2) for i, _ in points]
        colour = SERIES[number % len(SERIES)]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(
            across,
            [v for _, (v, _, _) in points],
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1,
            label=variant,
        )
        bars = [(x, low, high) for x, (_, (_, low, high)) in zip(across, points, strict=True) if low is not None]
        if bars:
            axes.vlines(*zip(*bars, strict=True), color=colour, linewidth=1, alpha=0.6)
    axes.set_title(title, loc="left", fontsize=9)
    axes.set_xlim(-0.5, len(nights) - 0.5)
    shown = range(0, len(nights), max(1, len(nights) // 6))
    axes.set_xticks(list(shown), [nights[i].date[5:10] for i in shown], color=FAINT)
    axes.grid(axis="y", linewidth=0.6)
    if len(variants) > 1:
        drawing.legend(loc="outside lower center", ncols=4, frameon=False)
    return markup(drawing, identity, f"{title} over {len(nights)} runs; the table below has the runs.")
