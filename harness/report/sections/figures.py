"""One picture an experiment, from ``results.json`` and the claims; none where the figures are not there (layer 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.report.svg import FAINT, GRID, INK, MARKERS, SERIES, figure, markup
from harness.types import Claim, Json

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Drawn = list[tuple[str, str]]


# ------------------------------------------------------------------ matrices: readable without colour
def matrix(rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], tuple[str, bool | None]],
           name: str, label: str) -> str:  # fmt: skip
    """A grid of words; each cell is a text and whether it is good (True), bad (False) or undecided (None)."""
    wide = max((len(text) for text, _ in cells.values()), default=4)
    tall = max((len(text) for text in columns), default=4)
    drawing = figure(min(2.2 + len(columns) * max(0.75, 0.085 * wide), 14.0), 0.7 + 0.34 * len(rows) + 0.06 * tall)
    axes = drawing.subplots()
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            text, good = cells.get((row, column), ("", None))
            if not text:
                continue
            colour = {True: SERIES[2], False: SERIES[1], None: GRID}[good]
            axes.add_patch(_square(x, y, colour, 0.28 if good is not None else 0.5))
            weight = "bold" if good is False else "normal"
            axes.text(x, y, text, ha="center", va="center", fontsize=8, fontweight=weight, color=INK)
    axes.set_xticks(
        range(len(columns)), list(columns), rotation=35 if tall > 8 else 0, ha="right" if tall > 8 else "center"
    )
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return markup(drawing, name, label)


def _square(x: int, y: int, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, facecolor=colour, alpha=alpha, edgecolor="none")


def shares(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Variants down, claims across: which share of what was compared is the same."""
    told = [claim for claim in claims if claim.count]
    rows, columns = _unique(claim.variant for claim in told), _unique(claim.name for claim in told)
    if not rows:
        return []
    cells = {(claim.variant, claim.name): (_share(claim), claim.passed) for claim in told}
    label = "; ".join(f"{c.variant}, {c.name}: {_share(c)}" for c in told if c.passed is False) or "nothing fails"
    return [("", matrix(rows, columns, cells, "shares", f"Claims by variant. {label}."))]


def holds(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Variants down, claims across: which hold."""
    rows, columns = _unique(claim.variant for claim in claims), _unique(claim.name for claim in claims)
    cells = {
        (c.variant, c.name): ({True: "yes", False: "NO", None: "?"}[c.passed], c.passed) for c in claims if c.count
    }
    if not cells:
        return []
    label = "; ".join(f"{c.variant}, {c.name}: no" for c in claims if c.passed is False) or "nothing fails"
    return [("? could not be decided", matrix(rows, columns, cells, "holds", f"Claims by variant. {label}."))]


def _share(claim: Claim) -> str:
    word = {True: "yes", False: "NO", None: "?"}[claim.passed]
    if claim.value is None or claim.count is None or not 0 <= claim.value <= 1:
        return word
    return f"{round(claim.value * claim.count)} of {claim.count}"


def found(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Variants down, planted faults across: found or not."""
    rows = [name for name, one in results.items() if isinstance(one, dict) and one.get("planted")]
    planted = {(name, one["fault"]): one for name in rows for one in results[name]["planted"]}
    if not planted:
        return []
    cells = {key: ("found" if one["found"] else "MISSED", bool(one["found"])) for key, one in planted.items()}
    missed = ", ".join(f"{fault} in {name}" for (name, fault), one in planted.items() if not one["found"])
    label = f"Planted faults; {'missed: ' + missed if missed else 'every one was found'}."
    return [("", matrix(rows, _unique(fault for _, fault in planted), cells, "planted", label))]


def grid(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Settings of a sweep as a grid of two, where there are two; else as a column."""
    drawn = []
    for number, (name, one) in enumerate(results.items()):
        settings = one.get("settings") if isinstance(one, dict) else None
        if not settings:
            continue
        points = {key: dict(part.partition("=")[::2] for part in key.split(",")) for key in settings}
        names = _unique(key for point in points.values() for key in point)
        down, across = (names[0], names[1]) if len(names) == 2 else ("", "")
        cells = {}
        for key, point in points.items():
            row, word = settings[key], settings[key]["word"]
            place = (f"{down} {point.get(down, '')}", f"{across} {point.get(across, '')}") if down else (key, "all")
            text = f"{row['faulty']['count']}/{row['faulty']['total']} {word}"
            cells[place] = (text, {"safe": True, "unsafe": False}.get(word))
        label = f"{name}: faulty of judged chunks by setting; " + "; ".join(
            f"{k}: {v['word']}" for k, v in settings.items()
        )
        rows, columns = _unique(r for r, _ in cells), _unique(c for _, c in cells)
        drawn.append((f"{name}: faulty of judged chunks", matrix(rows, columns, cells, f"sweep{number}", label)))
    return drawn


# ------------------------------------------------------------------ figures with intervals
def cost(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Divergence of the next-token distributions beside what could be heard, by variant, largest model first."""
    names = sorted(
        (n for n in results if isinstance(results[n], dict)), key=lambda n: -(results[n].get("model_bytes") or 0)
    )
    panels = [
        (title, scale, {name: value for name in names if (value := pick(results[name])) is not None})
        for title, scale, pick in _COSTS
    ]
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return []
    drawing = figure(10.5, 0.9 + 0.32 * len(names))
    columns = drawing.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for number, (axes, (title, scale, values)) in enumerate(zip(columns, panels, strict=True)):
        _intervals(axes, names, values, SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)])
        axes.set_title(title, loc="left", fontsize=9)
        if scale == "log" and all(value > 0 for value, _, _ in values.values()):
            axes.set_xscale("log")
        elif min(low for _, low, _ in values.values()) <= 0 <= max(high for _, _, high in values.values()):
            axes.axvline(0, color=FAINT, linewidth=0.8)
        axes.grid(axis="x", linewidth=0.6)
    columns[0].set_yticks(range(len(names)), [_named(name, results[name]) for name in names])
    columns[0].set_ylim(len(names) - 0.5, -0.5)
    told = [f"{title}: " + ", ".join(f"{n} {v[0]:.3g}" for n, v in values.items()) for title, _, values in panels]
    return [
        (
            "What the numbers say beside what could be heard; bars are 95% intervals",
            markup(drawing, "cost", "; ".join(told)),
        )
    ]


def _divergence(one: Json) -> tuple[float, float, float] | None:
    value = ((one.get("divergence") or {}).get("speech") or {}).get("divergence")
    return _triple(value) if value and value["value"] > 0 else None


def _triple(found: Json | None, scale: float = 1.0) -> tuple[float, float, float] | None:
    if not found or found.get("value") is None:
        return None
    value = float(found["value"])
    low, high = (value if found.get(key) is None else float(found[key]) for key in ("low", "high"))
    return scale * value, scale * low, scale * high


_COSTS: Sequence[tuple[str, str, Any]] = (
    ("KL to the reference, nats a token", "log", _divergence),
    ("faulty chunks, %", "", lambda one: _triple(one.get("faulty"), 100)),
    ("WER difference, pp", "", lambda one: _triple(one.get("wer_difference"), 100)),
    ("loss of speaker similarity", "", lambda one: _triple(one.get("similarity_loss"))),
)


def _intervals(
    axes: Axes, names: Sequence[str], values: Mapping[str, tuple[float, float, float]], colour: str, marker: str
) -> None:
    for name, (value, low, high) in values.items():
        y = names.index(name)
        axes.plot([low, high], [y, y], color=colour, linewidth=1.6)
        axes.plot([value], [y], color=colour, marker=marker, markersize=5, markeredgecolor=INK, markeredgewidth=0.4)


def _named(name: str, one: Json) -> str:
    size = one.get("model_bytes")
    return f"{name} ({size / 1e6:.1f} MB)" if size else name


def ladder(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Length across (logarithmic): share of faulty texts with intervals, and what a text costs."""
    held = {name: one["steps"] for name, one in results.items() if isinstance(one, dict) and one.get("steps")}
    if not held:
        return []
    drawing = figure(10.5, 2.9)
    left, right = drawing.subplots(1, 2)
    for number, (name, steps) in enumerate(held.items()):
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        for step in steps:
            if (shown := _triple(step["faulty"], 100)) is not None:
                left.plot([step["words"]] * 2, shown[1:], color=colour, linewidth=1.2, alpha=0.6)
        _line(left, steps, lambda step: _first(_triple(step["faulty"], 100)), colour, marker, name)
        _line(right, steps, lambda step: step["seconds"], colour, marker, f"{name}: seconds of speech")
        _line(right, steps, lambda step: step["cpu_seconds"], colour, "", f"{name}: CPU seconds", dashed=True)
    right.set_yscale("log")
    for axes, title in ((left, "faulty texts, %"), (right, "seconds a text")):
        axes.set_xscale("log", base=2)
        axes.set_xlabel("words")
        axes.set_title(title, loc="left", fontsize=9)
        axes.grid(axis="y", linewidth=0.6)
        axes.legend(frameon=False, fontsize=8)
    told = [
        f"{n}: " + ", ".join(f"{s['words']} words {s['faulty']['count']}/{s['faulty']['total']}" for s in steps)
        for n, steps in held.items()
    ]
    return [("Bars are 95% intervals", markup(drawing, "ladder", "Faulty texts by length. " + "; ".join(told)))]


def _first(found: tuple[float, float, float] | None) -> float | None:
    return None if found is None else found[0]


def _line(
    axes: Axes, steps: Sequence[Json], pick: Any, colour: str, marker: str, label: str, *, dashed: bool = False
) -> None:
    points = [(step["words"], value) for step in steps if (value := pick(step)) is not None]
    if points:
        style = (0, (5, 2)) if dashed else "-"
        axes.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, linestyle=style, label=label)


def stages(results: Json, claims: Sequence[Claim]) -> Drawn:
    """How far each stage of a pair is from the reference: 1 - cosine, logarithmic, in the order of computing."""
    drawn = []
    for number, (name, row) in enumerate((results.get("pairs") or {}).items()):
        found = [(stage["name"], stage["cosine"], stage.get("problem")) for stage in row.get("stages", ())]
        known = [(stage, max(1 - cosine, 1e-9), bad) for stage, cosine, bad in found if cosine is not None]
        if not known:
            continue
        drawing = figure(8.0, 0.9 + 0.3 * len(known))
        axes = drawing.subplots()
        for y, (_, far, bad) in enumerate(known):
            axes.plot([1e-9, far], [y, y], color=SERIES[1] if bad else SERIES[0], linewidth=2)
            axes.plot([far], [y], color=SERIES[1] if bad else SERIES[0], marker="X" if bad else "o", markersize=6)
        axes.set_xscale("log")
        axes.set_yticks(range(len(known)), [stage + (" (out)" if bad else "") for stage, _, bad in known])
        axes.set_ylim(len(known) - 0.5, -0.5)
        axes.set_xlabel("1 - cosine, logarithmic; the left edge is equal")
        label = "; ".join(f"{stage} {1 - far:.6f}{' out' if bad else ''}" for stage, far, bad in known)
        drawn.append((name, markup(drawing, f"parity{number}", f"{name}: cosine by stage: {label}")))
    return drawn


def recall(results: Json, claims: Sequence[Claim]) -> Drawn:
    """Share of injected copies found under their own name, by class at its preset dose, lowest first."""
    drawn = []
    for number, (name, one) in enumerate(results.items()):
        rows = [
            row
            for row in (one.get("rows") or () if isinstance(one, dict) else ())
            if row["preset"] and row["injector"] == row["fault"] and row["count"]
        ]
        if not rows:
            continue
        rows.sort(key=lambda row: (row["named"] / row["count"], row["fault"]))
        values = {
            f"{row['fault']} ({row['named']}/{row['count']})": tuple(
                100 * value for value in (row["named"] / row["count"], row["low"], row["high"])
            )
            for row in rows
        }
        drawing = figure(8.0, 0.9 + 0.24 * len(rows))
        axes = drawing.subplots()
        _intervals(axes, list(values), values, SERIES[0], "o")
        axes.set_yticks(range(len(values)), list(values))
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xlim(-2, 102)
        axes.grid(axis="x", linewidth=0.6)
        axes.set_xlabel("found under its own name at the preset dose, %")
        told = ", ".join(f"{key} {value[0]:.0f}%" for key, value in values.items())
        drawn.append((f"{name}; bars are 95% intervals", markup(drawing, f"recall{number}", f"{name}, found: {told}")))
    return drawn


def _unique(names: Any) -> list[str]:
    return list(dict.fromkeys(names))
