"""What a bundle says in words and figures: how often, by what limit, where tokens part, how to ask directly."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from harness.backends.command_settings import CommandSettings, fill
from harness.backends.http_settings import HttpSettings
from harness.backends.settings import read_settings
from harness.causes.bundle.gather import BundledTake, BundleMaterial
from harness.causes.portable import without_paths
from harness.core.errors import ConfigError
from harness.core.records import Arm, Json, Request, Span, Variant
from harness.detectors import catalogue
from harness.detectors.readable import finding_phrase, source_in_words
from harness.stats import clopper_pearson


def share_in_words(count: int, total: int) -> str:
    """Return a share with its exact 95% interval, as a sentence has it."""
    low, high = clopper_pearson(count, total)
    return f"{count} of {total} ({100 * low:.1f}% to {100 * high:.1f}% with 95% confidence)"


def how_often(material: BundleMaterial) -> list[str]:
    """Return one line for each way in which it was counted."""
    lines = [f"In the run: {share_in_words(*material.of_run)} judged texts show this class of fault."]
    same = [t.shows for t in material.takes if t.attempt.arm == Arm.REPLAY_SAME_SEED and t.shows is not None]
    new = [t.shows for t in material.takes if t.attempt.arm == Arm.REPLAY_NEW_SEED and t.shows is not None]
    if same:
        lines.append(f"This text again in a fresh process, same seed: {'shown' if same[0] else 'not shown'}.")
    if new:
        lines.append(f"This text with other seeds: {share_in_words(sum(new), len(new))}.")
    if material.shrink is not None:
        outcome = material.shrink[1]
        if outcome.rate is not None:
            told = share_in_words(outcome.rate.count, outcome.rate.total)
            lines.append(f"The smallest input {'repeated' if outcome.earlier else 'with other seeds'}: {told}.")
    return lines


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One finding of the bundle with its limit, in words too."""

    fault: str
    title: str
    says: str
    value: float
    limit: float
    unit: str
    source: str
    source_means: str
    span: Span | None
    detail: str
    confirmed: bool | None
    bound_to: str | None


def findings_table(material: BundleMaterial) -> list[FindingRow]:
    """Return every finding with its limit, where that came from and what that means."""
    return [
        FindingRow(
            fault=finding.fault,
            title=catalogue()[finding.fault].title,
            says=finding_phrase(finding),
            value=finding.value,
            limit=finding.limit,
            unit=finding.unit,
            source=finding.limit_source,
            source_means=source_in_words(finding.limit_source),
            span=finding.span,
            detail=finding.detail,
            confirmed=finding.confirmed,
            bound_to=finding.bound_to,
        )
        for finding in material.target.verdict.findings
    ]


def score_rows(material: BundleMaterial) -> list[Json]:
    """Return every score of the chunk with its value and limit as they are shown."""
    return [{**asdict(one), "shown": one.shown, "limit_shown": one.limit_shown} for one in material.scores]


def replay_rows(takes: Sequence[BundledTake]) -> list[Json]:
    """Return one row a rendition: seed, outcome, length, what was judged and heard."""
    return [
        {
            "rendition": take.label,
            "seed": take.attempt.seed,
            "outcome": take.attempt.outcome.value,
            "detail": take.attempt.detail,
            "seconds": take.attempt.duration,
            "tokens": take.attempt.token_count,
            "finish_reason": take.attempt.finish_reason,
            "verdict": take.word,
            "shows": take.shows,
            "heard": take.heard,
            "audio": take.file,
        }
        for take in takes
    ]


@dataclass(frozen=True, slots=True)
class TokenDivergence:
    """Where two renditions part; ``seconds`` where a frame has a known length."""

    frame: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The speech tokens of a rendition, frames x codebooks, and of what it is set against."""

    frame_seconds: float | None
    found: list[list[int]]
    compared_with: str | None = None
    other: list[list[int]] | None = None
    first_divergence: TokenDivergence | None = None
    shape: str = "frames x codebooks"


def token_table(material: BundleMaterial) -> TokenTable | None:
    """Return the speech tokens of the rendition and of what it is set against, and where they part; None without."""
    tokens = material.as_found.attempt.tokens
    if tokens is None:
        return None
    layout = material.capabilities.get("layout")
    seconds = layout["frame_seconds"] if layout else None
    other = material.compared
    if other is None or other.attempt.tokens is None:
        return TokenTable(frame_seconds=seconds, found=tokens.tolist())
    first = first_divergence(tokens, other.attempt.tokens)
    when = first * seconds if first is not None and seconds else None
    return TokenTable(
        frame_seconds=seconds,
        found=tokens.tolist(),
        compared_with=other.label,
        other=other.attempt.tokens.tolist(),
        first_divergence=TokenDivergence(first, when) if first is not None else None,
    )


def first_divergence(tokens: NDArray[np.generic], other: NDArray[np.generic]) -> int | None:
    """Return the first frame at which two renditions differ, None where they are the same."""
    length = min(len(tokens), len(other))
    if tokens.shape[1:] != other.shape[1:]:
        return 0
    differing = np.flatnonzero((tokens[:length] != other[:length]).any(axis=1))
    if differing.size:
        return int(differing[0])
    return None if len(tokens) == len(other) else length


def ask_directly(material: BundleMaterial, text: str, seed: int | None) -> list[str]:
    """Return lines that ask the backend without this tool: a command, or what to call with which settings."""
    row = material.variant
    variant = Variant(
        str(row["name"]), str(row.get("adapter", "")), without_paths(row.get("settings", {})), voice=row.get("voice")
    )
    try:
        if variant.adapter == "command":
            return [_command_line(read_settings(CommandSettings, variant), text, seed)]
        if variant.adapter == "http":
            return [_curl(read_settings(HttpSettings, variant), variant, text, seed)]
    except ConfigError:
        pass  # settings of another version: what they were stands below
    settings = json.dumps(dict(variant.settings), indent=1, ensure_ascii=False)
    return [f"# adapter {variant.adapter}, voice {variant.voice}, seed {seed}, settings:", *settings.splitlines()]


def _command_line(settings: CommandSettings, text: str, seed: int | None) -> str:
    values = {**{key: str(value) for key, value in settings.values.items()}, "text": text, "output": "out.wav"}
    values |= {"seed": str(seed or 0), "text_file": "text.txt", "text_json": json.dumps(text, ensure_ascii=False)}
    values |= {"model": settings.model} if settings.model is not None else {}
    if settings.shell:
        line = fill(settings.arguments[0], values, shell=True)
    else:
        line = shlex.join(fill(part, values) for part in settings.arguments)
    return f"printf %s {shlex.quote(fill(settings.stdin, values))} | {line}" if settings.stdin else line


def _curl(settings: HttpSettings, variant: Variant, text: str, seed: int | None) -> str:
    body = json.dumps(settings.body(Request("chunk", text, seed, voice=variant.voice)), ensure_ascii=False)
    key = f' -H "Authorization: Bearer ${settings.api_key_env}"' if settings.api_key_env else ""
    url = shlex.quote(settings.url + settings.path)
    return (
        f"curl {url} -H 'Content-Type: application/json'{key} -d {shlex.quote(body)} -o out.{settings.response_format}"
    )
