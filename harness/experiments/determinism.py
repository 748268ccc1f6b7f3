"""Is what a chunk sounds like bound to its text and seed alone? State, sampling or arithmetic (layer 5)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from harness.audio.mel import log_mel_distance
from harness.backends import ADAPTERS
from harness.compare.identity import Comparison, Evidence, Rendition, Word, compare, content, decide, same_bytes
from harness.engine.plan import Plan
from harness.engine.progress import Progress, Tick
from harness.engine.soak import Soak
from harness.errors import ConfigError, SoakError, nearest
from harness.experiments.stage import Stage, markdown, write_results
from harness.session import Turn, seed_for
from harness.store import Run
from harness.types import Attempt, Chunk, Claim, Json, Status, Variant

FRESH, FRESH_AGAIN, OTHER = "fresh", "fresh-again", "other"
AGAIN, LONGER, SHORTER, RELOAD, LONG, THREADS = (
    "again",
    "after-longer",
    "after-shorter",
    "after-reload",
    "long",
    "threads",
)
LATER = (AGAIN, LONGER, SHORTER, LONG)
HEARD = (FRESH, LONGER, SHORTER)  # arms whose transcripts are asked for


@dataclass(frozen=True)
class Setup:
    """The table ``[determinism]`` of the suite's limits file."""

    probes: int = 8
    checkpoints: tuple[int, ...] = (1, 50, 150, 300)  # chunks of the long session that are compared, counted from 1
    tie_max: float = 0.1  # total variation distance
    alpha: float = 0.01
    threads: int = 2
    noted: int = 20  # most probable tokens noted at every step

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Setup:
        """Raises ConfigError for an unknown key."""
        known = asdict(cls())
        for key in table:
            if key not in known:
                raise ConfigError(f"limits: determinism: unknown key {key!r}{nearest(key, known)}")
        values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
        return cls(**values)


@dataclass(frozen=True)
class Probe:
    """A text, what is spoken between, and where it stands in the long session if it is compared there."""

    chunk: Chunk
    longer: Chunk
    shorter: Chunk


def carry_out(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak every arm for each variant, compare, and record the claims; returns the run directory."""
    setup = Setup.read(plan.experiment.get("determinism", {}))
    with Stage(plan, progress, resume) as stage:
        claims: list[Claim] = []
        results: Json = {}
        for variant in plan.variants:
            probes, session = choose(plan.chunks(variant), setup)
            try:
                _speak(stage, variant, probes, session, setup)
            except SoakError as error:
                stage.lost(variant, error)
                continue
            found, rows = _conclude(stage.run, variant, probes, plan, setup)
            claims += found
            results[variant.name] = rows
        write_results(stage.run, claims, results, _table(results))
        return stage.run.path


def choose(chunks: Sequence[Chunk], setup: Setup) -> tuple[list[Probe], list[Chunk]]:
    """Probes with their companions, and the long session. Raises ConfigError for fewer than 4 chunks.

    Probes are the checkpoints of the long session (its last chunk, where it is shorter), then the shortest texts of
    all: a short text fits into one generation, where a cache can hold all of it.
    """
    if len(chunks) < 4:
        raise ConfigError(f"determinism needs at least 4 chunks (a probe and others between), got {len(chunks)}")
    at = sorted({min(point, len(chunks)) - 1 for point in setup.checkpoints})
    by_length = sorted(chunks, key=lambda chunk: len(chunk.text))
    most = max(1, min(setup.probes, len(chunks) - 2))
    chosen = list(dict.fromkeys([chunks[i] for i in at] + by_length))[: max(most, 1)]
    chosen = sorted(chosen, key=lambda chunk: chunk.position)
    rest = [chunk for chunk in by_length if chunk not in chosen]
    probes = [
        Probe(chunk, longer=rest[-1 - i % len(rest)], shorter=rest[i % len(rest)]) for i, chunk in enumerate(chosen)
    ]
    last = max(chunks.index(chunk) for chunk in chosen if chunk in [chunks[i] for i in at])
    return probes, list(chunks[: last + 1])


def _speak(stage: Stage, variant: Variant, probes: Sequence[Probe], session: Sequence[Chunk], setup: Setup) -> None:
    adapter = ADAPTERS.get(variant.adapter)
    noting = {"logprobs": setup.noted} if "logprobs" in getattr(adapter, "OVERRIDES", ()) else {}
    soak, began = stage.soak(variant), time.monotonic()
    for count, probe in enumerate(probes, 1):
        _apart(stage, soak, FRESH, [_turn(variant, probe.chunk, FRESH, noting)], probe)
        _apart(stage, soak, "history", _history(variant, probe, noting), probe)
        reloading = stage.soak(replace(variant, reload_every=1))
        turns = [_turn(variant, probe.shorter, OTHER, {}), _turn(variant, probe.chunk, RELOAD, noting)]
        _apart(stage, reloading, RELOAD, turns, probe)
        knob = getattr(adapter, "THREADS", None)
        if knob is not None:
            other = replace(variant, settings={**variant.settings, knob: setup.threads})
            _apart(stage, stage.soak(other), THREADS, [_turn(variant, probe.chunk, THREADS, noting)], probe)
        stage.progress.tick(Tick(variant.name, "probes", count, len(probes), seconds=time.monotonic() - began))
    asked = {probe.chunk.id for probe in probes}
    turns = [_turn(variant, chunk, LONG, noting if chunk.id in asked else {}) for chunk in session]
    _apart(stage, soak, LONG, turns, None)
    stage.assessor.drain()


def _turn(variant: Variant, chunk: Chunk, arm: str, noting: Mapping[str, Any], take: int = 0) -> Turn:
    return Turn(chunk, take=take, seed=seed_for(variant, chunk.id), overrides=noting, arm=arm)


def _history(variant: Variant, probe: Probe, noting: Mapping[str, Any]) -> list[Turn]:
    """A, A, longer B, A, shorter B, A in one process; the first is a second fresh one."""
    return [
        _turn(variant, probe.chunk, FRESH_AGAIN, noting),
        _turn(variant, probe.chunk, AGAIN, noting),
        _turn(variant, probe.longer, OTHER, {}),
        _turn(variant, probe.chunk, LONGER, noting),
        _turn(variant, probe.shorter, OTHER, {}, take=1),
        _turn(variant, probe.chunk, SHORTER, noting),
    ]


def _apart(stage: Stage, soak: Soak, arm: str, turns: list[Turn], probe: Probe | None) -> None:
    details = {"probe": probe.chunk.id} if probe is not None else {}
    began = time.monotonic()
    for count, (attempt, chunk, layout) in enumerate(soak.speak_apart(arm, turns, details), 1):
        if attempt.arm in HEARD:
            soak.submit(attempt, chunk, layout, None)
        stage.assessor.collect()
        if probe is None:
            tick = Tick(soak.variant.name, "long session", count, len(turns), seconds=time.monotonic() - began)
            stage.progress.tick(tick)


def _conclude(
    run: Run, variant: Variant, probes: Sequence[Probe], plan: Plan, setup: Setup
) -> tuple[list[Claim], Json]:
    arms: dict[str, dict[str, Attempt]] = {}
    for attempt in run.attempts(variant=variant.name):
        arms.setdefault(attempt.arm, {})[attempt.chunk_id] = attempt
    arms.setdefault(FRESH, {})
    compared = {
        arm: _compare_arm(run, arms[FRESH], arms.get(arm, {}), arm)
        for arm in (FRESH_AGAIN, AGAIN, LONGER, SHORTER, RELOAD, THREADS, LONG)
    }
    texts = {chunk.id: chunk.text for chunk in plan.corpus.chunks}
    renditions = [r for a in arms[FRESH].values() if (r := Rendition.of(a)) is not None]
    heard = content(_pairs(run, arms, probes), seed=variant.seed)
    later = [c for arm in LATER for c in compared[arm]]
    seen = Evidence(compared[FRESH_AGAIN], later, heard, same_bytes(renditions, texts), setup.tie_max, setup.alpha)
    word, why = decide(seen)
    rows = {arm: _row(found) for arm, found in compared.items()}
    details: Json = {"word": word.value, "arms": rows, "content": asdict(heard) if heard is not None else None}
    return _claims(variant.name, word, why, seen, compared, details), {"word": word.value, "why": why, **details}


def _compare_arm(run: Run, fresh: Mapping[str, Attempt], other: Mapping[str, Attempt], arm: str) -> list[Comparison]:
    found = []
    for chunk_id, attempt in other.items():
        if chunk_id not in fresh:
            continue
        a, b = Rendition.of(fresh[chunk_id]), Rendition.of(attempt)
        if a is None or b is None:
            continue
        distance = None if a.pcm == b.pcm else _distance(run, fresh[chunk_id], attempt)
        words = [_transcript(run, one) for one in (fresh[chunk_id], attempt)]
        same_words = None if None in words else words[0] == words[1]
        found.append(compare(a, b, arm, mel_db=distance, same_words=same_words))
    return found


def _distance(run: Run, a: Attempt, b: Attempt) -> float | None:
    first, second = run.read_audio(a), run.read_audio(b)
    return log_mel_distance(*first, *second) if len(first[0]) and len(second[0]) else None


def _heard_payload(run: Run, attempt: Attempt) -> Json:
    assert attempt.id is not None
    seen = run.observations(attempt.id).get("intelligibility")
    return seen.payload if seen is not None and seen.status is Status.OK else {}


def _transcript(run: Run, attempt: Attempt) -> str | None:
    return _heard_payload(run, attempt).get("hypothesis")


def _pairs(run: Run, arms: Mapping[str, Mapping[str, Attempt]], probes: Sequence[Probe]) -> list[tuple[str, str, str]]:
    """(own text, previous text, transcript) of every probe spoken after another text, normalised alike."""
    from harness.text import default_normaliser, normaliser

    found = []
    for probe in probes:
        plain = normaliser(default_normaliser(probe.chunk.language))
        for arm, before in ((LONGER, probe.longer), (SHORTER, probe.shorter)):
            attempt = arms.get(arm, {}).get(probe.chunk.id)
            text = _transcript(run, attempt) if attempt is not None else None
            if text is not None:
                found.append((plain(probe.chunk.text), plain(before.text), text))
    return found


def _row(found: Sequence[Comparison]) -> Json:
    differs = [c for c in found if c.divergence is not None]
    shifts = [c.shift for c in found if c.shift is not None]
    gaps = [c.gap for c in found if c.gap is not None]
    mels = [c.mel_db for c in found if c.mel_db is not None]
    told = [c.same_words for c in found if c.same_words is not None]
    return {
        "probes": len(found),
        "same_tokens": sum(c.same_tokens is True for c in found)
        if any(c.same_tokens is not None for c in found)
        else None,
        "same_pcm": sum(c.same_pcm for c in found),
        "first_divergence": [c.divergence for c in differs],
        "largest_shift": max(shifts, default=None),
        "smallest_gap": min(gaps, default=None),
        "log_mel_db": median(mels) if mels else None,
        "same_words": sum(told) if told else None,
        "transcribed": len(told),
    }


def _claims(
    name: str, word: Word, why: str, seen: Evidence, compared: Mapping[str, list[Comparison]], details: Json
) -> list[Claim]:
    exact = word in (Word.BIT, Word.TOKEN)
    known = None if word is Word.NOT_JUDGED else exact
    traced = {Word.BLEED: False, Word.UNKNOWN: None, Word.NOT_JUDGED: None}.get(word, True)
    if word is Word.UNSEEDED and seen.content is None:
        traced = None
    count = len(seen.later)
    return [
        Claim("determinism", name, f"{word.value}: {why}", known, count=count, details=details),
        Claim("no-bleed", name, f"{word.value}: {why}", traced, count=count),
        Claim(
            "distinct-texts",
            name,
            f"{len(seen.collisions)} pairs of different texts have the same samples",
            not seen.collisions if seen.fresh else None,
            count=len(seen.fresh),
        ),
        _agreement("fresh-agree", name, compared[FRESH_AGAIN], "in a second fresh process"),
        _agreement("repeat", name, compared[AGAIN], "repeated at once"),
        _agreement("after-others", name, compared[LONGER] + compared[SHORTER], "after a longer and a shorter text"),
        _agreement("reload", name, compared[RELOAD], "after another text and a reload"),
        _agreement("threads", name, compared[THREADS], "with another thread count"),
        _agreement("long-session", name, compared[LONG], "within a long session"),
    ]


def _agreement(claim: str, name: str, found: Sequence[Comparison], when: str) -> Claim:
    if not found:
        return Claim(
            claim, name, f"no probe was spoken {when} (the adapter has no such arm, or all failed)", None, count=0
        )
    same = sum(c.same for c in found)
    tokens = "tokens" if any(c.same_tokens is not None for c in found) else "samples"
    says = f"{same} of {len(found)} probes have the {tokens} of a fresh process {when}"
    return Claim(claim, name, says, same == len(found), same / len(found), count=len(found))


def _table(results: Mapping[str, Json]) -> str:
    heads = ["arm", "probes", "same tokens", "same PCM", "first divergence (median)", "largest shift", "log-mel, dB",
             "same transcript"]  # fmt: skip
    parts = []
    for name, found in results.items():
        rows = [[arm, *_cells(row)] for arm, row in found["arms"].items()]
        parts.append(f"**{name}: {found['word']}**. {found['why']}.\n\n{markdown(heads, rows)}\n")
    return "\n".join(parts)


def _cells(row: Json) -> list[str]:
    def figure(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    first = median(row["first_divergence"]) if row["first_divergence"] else None
    return [
        str(row["probes"]),
        figure(row["same_tokens"], "d"),
        str(row["same_pcm"]),
        figure(first, ".0f"),
        figure(row["largest_shift"], ".2g"),
        figure(row["log_mel_db"], ".1f"),
        f"{row['same_words']} of {row['transcribed']}" if row["transcribed"] else "-",
    ]
