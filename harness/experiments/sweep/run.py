"""At which settings is the backend safe? The same chunks under every setting of a grid or list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

from harness import stats
from harness.core.errors import ConfigError, SoakError
from harness.core.records import Claim, Json, Variant
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.engine.results import chunk_results
from harness.experiments.limits import suite_limits
from harness.experiments.stage import ExperimentRun, markdown_table, write_results
from harness.stats import Estimate, Proportion, proportion
from harness.verdicts.claims import ChunkResult

SAFE, UNSAFE, UNDECIDED = "safe", "unsafe", "undecided"


@dataclass(frozen=True, slots=True)
class SweepSettings:
    """What to try and what counts as safe, from ``[sweep]`` of the limits file."""

    rate_max: float = 0.25
    wer_max: float = 0.1
    level: float = 0.95
    grid: Mapping[str, Sequence[object]] = field(default_factory=dict)  # values a setting
    list: Sequence[Mapping[str, object]] = ()  # single points


@dataclass(frozen=True, slots=True)
class SettingMetrics:
    """What one setting did on ``chunks`` chunks; ``wer`` is None where nothing was transcribed."""

    chunks: int
    faulty: Proportion
    wer: Estimate | None
    word: str  # safe, unsafe or undecided


@dataclass(frozen=True, slots=True)
class LeastWordErrors:
    """The setting understood best, and how much more WER every other one has on the same chunks."""

    setting: str
    excess: Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class SweepResult:
    """All settings of one variant. ``safe_values``: of each setting, those safe whatever the others are."""

    level: float
    settings: Mapping[str, SettingMetrics]
    best: LeastWordErrors | None
    safe_values: Mapping[str, list[str]]


def run_sweep(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak the chunks under every setting, each a variant of its own, and name the safe region."""
    table = suite_limits(SweepSettings, plan.experiment, "sweep")
    settings = combinations(table)
    derived = {variant.name: [at_setting(variant, setting) for setting in settings] for variant in plan.variants}
    every = tuple(one for result in derived.values() for one in result)
    selection = {one.name: plan.selection[name] for name, result in derived.items() for one in result}
    whole = replace(plan, variants=every, selection=selection, margins={})
    with ExperimentRun(whole, progress, resume) as stage:
        for variant in every:
            try:
                stage.soak(variant).speak()
            except SoakError as error:
                stage.lost(variant, error)
        results: dict[str, SweepResult] = {}
        claims: list[Claim] = []
        for name, result in derived.items():
            level = 1 - (1 - table.level) / len(result)  # all intervals hold together (Bonferroni)
            spoken = {
                _shown(setting): chunk_results(stage.run, whole, one)
                for one, setting in zip(result, settings, strict=True)
            }
            seed = result[0].seed
            rows = {key: setting_metrics(given, table.rate_max, level, seed) for key, given in spoken.items()}
            best = compare_words(spoken, rows, level, seed)
            regions = region(dict(zip(rows, settings, strict=True)), rows)
            results[name] = SweepResult(level, rows, best, regions)
            claims += _claims(name, rows, regions, best, table)
        write_results(stage.run, claims, results, _table(results, table.rate_max))
        return stage.run.path


def combinations(table: SweepSettings) -> list[dict[str, object]]:
    """Return every point of ``grid`` (a list of values a setting), then those of ``list``.

    Raises ConfigError for none.
    """
    grid = table.grid
    for key, values in grid.items():
        if not values:
            raise ConfigError(f"limits: sweep.grid.{key}: must be a list of values")
    points = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())] if grid else []
    points += [dict(point) for point in table.list]
    unique = [point for index, point in enumerate(points) if point not in points[:index]]
    if not unique:
        raise ConfigError("limits: sweep: give [sweep.grid] or [[sweep.list]], there is no setting to try")
    return unique


def _shown(setting: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in setting.items())


def at_setting(variant: Variant, setting: Mapping[str, object]) -> Variant:
    """Return the variant at one point, named by it; dots in a key lead into tables (``arguments.temperature``)."""
    settings: Mapping[str, object] = variant.settings
    for key, value in setting.items():
        settings = _set(settings, key.split("."), value)
    return replace(variant, name=f"{variant.name}+{_shown(setting)}", settings=settings, reference=False)


def _set(settings: Mapping[str, object], path: Sequence[str], value: object) -> Mapping[str, object]:
    first, *rest = path
    inner = settings.get(first, {})
    return {**settings, first: _set(inner if isinstance(inner, Mapping) else {}, rest, value) if rest else value}


def setting_metrics(rows: Sequence[ChunkResult], rate_max: float, level: float, seed: int) -> SettingMetrics:
    """Return the fault rate and WER of one setting with intervals at ``level``, and what they amount to."""
    judged = [row for row in rows if row.judged]
    faulty = proportion(sum(row.faulty for row in judged), len(judged), level)
    heard = [(row.errors, row.words) for row in rows if row.errors is not None and row.words]
    wer = stats.error_rate(*zip(*heard, strict=True), seed=seed, level=level) if heard else None
    return SettingMetrics(len(rows), faulty, wer, _word(faulty, rate_max))


def compare_words(
    spoken: Mapping[str, Sequence[ChunkResult]], rows: Mapping[str, SettingMetrics], level: float, seed: int
) -> LeastWordErrors | None:
    """Return the setting with the least WER, and how much more every other one has on the same chunks, paired."""
    rates = {label: row.wer.value for label, row in rows.items() if row.wer is not None}
    if not rates:
        return None
    best = min(rates, key=lambda label: rates[label])
    base = _words(spoken[best])
    excess: dict[str, Estimate] = {}
    for label in rates:
        own = _words(spoken[label])
        both = [key for key in own if key in base]
        if label == best or not both:
            continue
        columns = [[side[key][part] for key in both] for side in (own, base) for part in (0, 1)]
        excess[label] = stats.ratio_difference(*columns, seed=seed, level=level)
    return LeastWordErrors(best, excess)


def _words(rows: Sequence[ChunkResult]) -> dict[str, tuple[int, int]]:
    return {row.chunk.id: (row.errors, row.words) for row in rows if row.errors is not None and row.words}


def region(settings: Mapping[str, Mapping[str, object]], rows: Mapping[str, SettingMetrics]) -> dict[str, list[str]]:
    """Return for each setting that was varied the values that are safe whatever the others are."""
    keys = dict.fromkeys(key for setting in settings.values() for key in setting)
    regions: dict[str, list[str]] = {}
    for key in keys:
        words: dict[str, list[str]] = {}
        for label, setting in settings.items():
            if key in setting:
                words.setdefault(str(setting[key]), []).append(rows[label].word)
        regions[key] = [value for value, given in words.items() if all(word == SAFE for word in given)]
    return regions


def _word(faulty: Proportion, most: float) -> str:
    return {True: SAFE, False: UNSAFE, None: UNDECIDED}[stats.at_most((faulty.low, faulty.high), most)]


def _claims(
    name: str,
    rows: Mapping[str, SettingMetrics],
    regions: Mapping[str, list[str]],
    best: LeastWordErrors | None,
    table: SweepSettings,
) -> list[Claim]:
    words = {key: [label for label, row in rows.items() if row.word == key] for key in (SAFE, UNSAFE, UNDECIDED)}
    chunks = next(iter(rows.values())).chunks
    statement = (
        f"{len(words[SAFE])} of {len(rows)} settings are safe (fault rate at most {table.rate_max:.0%} with all "
    )
    statement += (
        f"intervals holding together), {len(words[UNSAFE])} are not, {len(words[UNDECIDED])} cannot be told from "
    )
    statement += f"{chunks} chunks"
    if words[SAFE]:
        statement += f"; safe: {'; '.join(words[SAFE])}"
    whole = [f"{key} {', '.join(values)}" for key, values in regions.items() if values]
    if whole and len(words[SAFE]) > 1:
        statement += f"; safe whatever the other settings are: {'; '.join(whole)}"
    if words[UNDECIDED] and not words[SAFE]:
        most = rows[words[UNDECIDED][0]].faulty
        statement += f"; {stats.compatible(most.count, most.total)}"
    passed = True if words[SAFE] else None if words[UNDECIDED] else False
    share = proportion(len(words[SAFE]), len(rows))
    details: Json = {**{key: list(value) for key, value in words.items()}, "safe_values": dict(regions)}
    return [
        Claim("safe-region", name, statement, passed, share.value, None, table.rate_max, len(rows), details),
        _best_words(name, rows, best, table.wer_max),
    ]


def _best_words(name: str, rows: Mapping[str, SettingMetrics], best: LeastWordErrors | None, most: float) -> Claim:
    """Return the setting understood best, and those clearly worse than it on the same chunks."""
    wer = rows[best.setting].wer if best is not None else None
    if best is None or wer is None:
        return Claim("words", name, "no setting was transcribed", None, count=0)
    worse = [label for label, more in best.excess.items() if more.low > most]
    unsure = [label for label, more in best.excess.items() if more.low <= most < more.high]
    statement = f"WER is lowest at {best.setting}: {wer.shown('.3f')}"
    statement += f"; more than {most:g} worse on the same chunks: {'; '.join(worse)}" if worse else ""
    statement += f"; too small to say of {'; '.join(unsure)}" if unsure else ""
    statement += "" if worse or unsure else f"; no setting is more than {most:g} worse"
    passed = False if worse else None if unsure else True
    return Claim("words", name, statement, passed, wer.value, wer.interval, most, len(best.excess) + 1)


def _table(results: Mapping[str, SweepResult], rate_max: float) -> str:
    parts = []
    for name, result in results.items():
        rows = [[label, *_cells(row)] for label, row in result.settings.items()]
        heads = ["setting", "chunks", "faulty", f"fault rate ({result.level:.1%})", "WER", "fault rate is"]
        parts.append(f"**{name}** (safe: fault rate at most {rate_max:.0%})\n\n{markdown_table(heads, rows)}\n")
    return "\n".join(parts)


def _cells(row: SettingMetrics) -> list[str]:
    faulty = row.faulty
    rate = "-" if faulty.value is None else f"{faulty.value:.1%} ({faulty.low:.1%} to {faulty.high:.1%})"
    words = "-" if row.wer is None else row.wer.shown(".3f")
    return [str(row.chunks), f"{faulty.count}/{faulty.total}", rate, words, row.word]
