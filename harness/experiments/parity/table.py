"""The tables of the parity suite, in Markdown: every bucket its own row, every stage its own line."""

from __future__ import annotations

from collections.abc import Mapping

from harness.experiments.parity.results import PairResult, VariantResult
from harness.experiments.parity.stages import StageParity, StageStatistics
from harness.experiments.stage import figure, markdown_table


def pair_table(rows: Mapping[str, PairResult]) -> str:
    """Return rows, then the stages of each row."""
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
        parts += [f"**{name}**: {row.chain}. {_capital(row.sound)}.", "", _stages(row), ""]
    return "\n".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _line(row: PairResult) -> list[str]:
    ends = row.ends
    speed = list(row.speed.values())[-1] if row.speed else None
    born = {True: "yes", False: "no, grown", None: "-"}[row.born]
    return [
        row.pair,
        "-" if row.bucket is None else str(row.bucket),
        row.first or "none",
        born,
        figure(ends.log_mel_cosine if ends is not None else None, ".4f"),
        figure(ends.level_db if ends is not None else None, ".2f"),
        figure(ends.rms_ratio if ends is not None else None, ".4f"),
        figure(speed.cold_rtfx if speed is not None else None, ".2f"),
        figure(speed.warm_rtfx if speed is not None else None, ".2f"),
    ]


def _stages(row: PairResult) -> str:
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
    return markdown_table(heads, [_stage(stage) for stage in row.stages])


def _stage(stage: StageParity) -> list[str]:
    cosine = figure(stage.cosine, ".6f")
    if stage.agreement is not None:
        cosine = f"{stage.agreement:.1%} equal"
    level = ""
    if stage.level is not None:
        level = f"; level {stage.level:+.3g} {stage.unit}"
        level += f" = {stage.level_db:+.2f} dB" if stage.unit != "dB" else ""
    nans = "; not finite: {} and {}".format(*stage.nans) if any(stage.nans) else ""
    layout = f"; {stage.layout}" if stage.layout else ""
    name = stage.name + (" **(out)**" if stage.problem else "")
    return [
        name, cosine, figure(stage.largest, ".3g"), figure(stage.mean, ".3g"),
        figure(stage.rms_ratio, ".4f"), figure(stage.error, ".3g"), _spread(stage.statistics) + level + nans,
        "x".join(map(str, stage.shapes[0])) + layout,
    ]  # fmt: skip


def _spread(statistics: tuple[StageStatistics, StageStatistics] | None) -> str:
    """Mean, standard deviation, least and largest of both sides."""
    if statistics is None:
        return "-"
    shown = [each.shown() for each in statistics]
    return shown[0] if len(set(shown)) == 1 else "; candidate ".join(shown)


def variant_table(rows: Mapping[str, VariantResult]) -> str:
    """Compute placements and RTFx cold and warm over the variants."""
    if not rows:
        return ""
    heads = ["variant", "placement", "requests", "RTFx cold", "warm", "first request, s", "log-mel cosine", "speaker"]
    lines = []
    for name, row in rows.items():
        alike = [each.log_mel_cosine for each in row.ends.values() if each.agreement in (None, 1.0)]
        cosines = [cosine for cosine in alike if cosine is not None]
        failed = f" ({row.failed} failed)" if row.failed else ""
        lines.append([
            name, row.placement or "-", f"{row.requests}{failed}", figure(row.cold_rtfx, ".2f"),
            figure(row.warm_rtfx, ".2f"), figure(row.cold_seconds, ".2f"), figure(min(cosines, default=None), ".4f"),
            figure(row.speaker.to_reference if row.speaker is not None else None, ".3f"),
        ])  # fmt: skip
    return markdown_table(heads, lines)
