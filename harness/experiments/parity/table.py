"""The tables of the parity suite, in Markdown: every bucket its own row, every stage its own line."""

from __future__ import annotations

from collections.abc import Mapping

from harness.core.records import Json
from harness.experiments.stage import markdown_table


def pair_table(rows: Mapping[str, Json]) -> str:
    """Rows, then the stages of each row."""
    if not rows:
        return ""
    heads = [
        "pair",
        "bucket",
        "first out",
        "born there",
        "log-mel cosine",
        "level, dB",
        "RMS ratio",
        "RTFx cold",
        "warm",
    ]
    lines = [_line(row) for row in rows.values()]
    parts = [markdown_table(heads, lines), ""]
    for name, row in rows.items():
        parts += [f"**{name}**: {row['chain']}. {_capital(row['sound'])}.", "", _stages(row), ""]
    return "\n".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(row: Json) -> list[str]:
    ends = row["ends"] or {}
    speed = list(row["speed"].values())[-1] if row["speed"] else {}
    born = {True: "yes", False: "no, grown", None: "-"}[row["born"]]
    bucket = "-" if row["bucket"] is None else str(row["bucket"])
    return [
        row["pair"], bucket, row["first"] or "none", born, _number(ends.get("log_mel_cosine"), 4),
        _number(ends.get("level_db"), 2), _number(ends.get("rms_ratio"), 4), _number(speed.get("cold_rtfx"), 2),
        _number(speed.get("warm_rtfx"), 2),
    ]  # fmt: skip


def _stages(row: Json) -> str:
    heads = [
        "stage",
        "cosine",
        "max diff",
        "mean diff",
        "RMS ratio",
        "relative error",
        "mean, std (min to max)",
        "shape",
    ]
    return markdown_table(heads, [_stage(stage) for stage in row["stages"]])


def _stage(stage: Json) -> list[str]:
    cosine = _number(stage["cosine"], 6)
    if stage["agreement"] is not None:
        cosine = f"{stage['agreement']:.1%} equal"
    level = ""
    if stage["level"] is not None:
        level = f"; level {stage['level']:+.3g} {stage['unit']}"
        level += f" = {stage['level_db']:+.2f} dB" if stage["unit"] != "dB" else ""
    nans = "; not finite: {} and {}".format(*stage["nans"]) if any(stage["nans"]) else ""
    layout = f"; {stage['layout']}" if stage["layout"] else ""
    name = stage["name"] + (" **(out)**" if stage["problem"] else "")
    return [
        name, cosine, _short(stage["largest"]), _short(stage["mean"]),
        _number(stage["rms_ratio"], 4), _short(stage["error"]), _spread(stage["statistics"]) + level + nans,
        "x".join(map(str, stage["shapes"][0])) + layout,
    ]  # fmt: skip


def _spread(statistics: object) -> str:
    """Mean, standard deviation, least and largest of both sides."""
    if not isinstance(statistics, (list, tuple)):
        return "-"
    shown = []
    for each in statistics:
        if each["mean"] is None:
            shown.append("nothing finite")
        else:
            shown.append(f"{each['mean']:.4g}, {each['std']:.4g} ({each['min']:.4g} to {each['max']:.4g})")
    return shown[0] if len(set(shown)) == 1 else "; candidate ".join(shown)


def variant_table(rows: Mapping[str, Json]) -> str:
    """Compute placements and RTFx cold and warm over the variants."""
    if not rows:
        return ""
    heads = ["variant", "placement", "requests", "RTFx cold", "warm", "first request, s", "log-mel cosine", "speaker"]
    lines = []
    for name, row in rows.items():
        ends = [each["log_mel_cosine"] for each in row.get("ends", {}).values() if each["agreement"] in (None, 1.0)]
        present = [each for each in ends if each is not None]
        failed = f" ({row['failed']} failed)" if row["failed"] else ""
        lines.append([
            name, row["placement"] or "-", f"{row['requests']}{failed}", _number(row["cold_rtfx"], 2),
            _number(row["warm_rtfx"], 2), _number(row["cold_seconds"], 2), _number(min(present, default=None), 4),
            _number((row.get("speaker") or {}).get("to_reference"), 3),
        ])  # fmt: skip
    return markdown_table(heads, lines)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
