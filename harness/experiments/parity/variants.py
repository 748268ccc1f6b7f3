"""Variants against the reference, as they are driven: sound, tokens, speaker, and speed cold and warm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median

from harness.core.errors import SoakError
from harness.core.records import Attempt, Claim, Json, Outcome, Variant
from harness.engine.plan import Plan
from harness.experiments.parity import EndToEnd, ParityLimits, SpeakerParity, compare_sound, judge_speaker
from harness.experiments.parity.results import VariantResult
from harness.experiments.stage import ExperimentRun
from harness.scorers.speaker import cosine
from harness.store import Run

ARM, OTHER_SEED = "parity", "parity-other-seed"
PLACEMENT = ("compute_units", "placement", "device", "backend", "n_gpu_layers", "threads")  # settings that say where


def compare_variants(
    stage: ExperimentRun, plan: Plan, limits: ParityLimits
) -> tuple[list[Claim], dict[str, VariantResult]]:
    """Speak with the reference and every variant, one fresh process each, and compare. Nothing without a reference."""
    reference = plan.reference
    if reference is None or not plan.variants:
        return [], {}
    spoken: dict[str, dict[str, Attempt]] = {}
    for variant in plan.variants:
        try:
            spoken[variant.name] = {a.chunk_id: a for a in stage.speak_takes(variant, ARM, [0], {})}
            if variant.name == reference.name:
                stage.speak_takes(variant, OTHER_SEED, [1], {})
        except SoakError as error:
            stage.lost(variant, error)
    stage.assessor.drain()
    run = stage.run
    heard = {name: _embeddings(run, name, ARM) for name in spoken}
    again = _embeddings(run, reference.name, OTHER_SEED)
    claims: list[Claim] = []
    rows: dict[str, VariantResult] = {}
    for variant in plan.variants:
        if variant.name not in spoken:
            continue
        row = _driven(variant, spoken[variant.name])
        if variant.name != reference.name and reference.name in spoken:
            ends = _ends(run, spoken[reference.name], spoken[variant.name], limits)
            speaker = _speaker(heard[reference.name], heard[variant.name], again, limits)
            row = replace(row, ends=ends, speaker=speaker)
            claims += _claims(variant.name, ends, speaker, limits)
        claims.append(_speed_claim(variant.name, row))
        rows[variant.name] = row
    return claims, rows


def _placement(variant: Variant) -> str:
    """Return what the settings say of where it computes; empty if they say nothing."""
    said = [f"{key} {variant.settings[key]}" for key in PLACEMENT if key in variant.settings]
    values = variant.settings.get("values")
    if isinstance(values, Mapping):
        said += [f"{key} {values[key]}" for key in PLACEMENT if key in values]
    return ", ".join(said)


def _driven(variant: Variant, spoken: Mapping[str, Attempt]) -> VariantResult:
    """RTFx of the first request and the median of the later ones, by the clock; None where nothing was spoken."""
    ordered = sorted(spoken.values(), key=lambda attempt: attempt.sequence)
    speeds = [
        attempt.duration / attempt.wall_seconds if attempt.duration and attempt.wall_seconds else None
        for attempt in ordered
    ]
    warm = [speed for speed in speeds[1:] if speed is not None]
    return VariantResult(
        placement=_placement(variant),
        requests=len(ordered),
        failed=sum(attempt.outcome is not Outcome.OK for attempt in ordered),
        cold_seconds=ordered[0].wall_seconds if ordered else None,
        cold_rtfx=speeds[0] if speeds else None,
        warm_rtfx=median(warm) if warm else None,
        peak_rss_bytes=max((a.peak_rss_bytes for a in ordered if a.peak_rss_bytes is not None), default=None),
        ends={},
        speaker=None,
    )


def _ends(
    run: Run, reference: Mapping[str, Attempt], other: Mapping[str, Attempt], limits: ParityLimits
) -> dict[str, EndToEnd]:
    """Sound against sound, chunk by chunk, where both gave some."""
    by_chunk = {}
    for chunk_id, first in reference.items():
        second = other.get(chunk_id)
        if second is None or first.audio is None or second.audio is None:
            continue
        tokens = None if first.tokens is None or second.tokens is None else (first.tokens, second.tokens)
        by_chunk[chunk_id] = compare_sound(run.read_audio(first), run.read_audio(second), limits.sound, tokens)
    return by_chunk


def _embeddings(run: Run, name: str, arm: str) -> dict[str, tuple[list[float], float | None]]:
    """Speaker embedding of each chunk, and its similarity to the recording of the voice where there is one."""
    by_chunk = {}
    for attempt in run.attempts(variant=name, arm=arm):
        assert attempt.id is not None
        speaker = run.payloads(attempt.id)("speaker")
        if speaker is not None:
            by_chunk[attempt.chunk_id] = (list(speaker["embedding"]), speaker["similarity"])
    return by_chunk


def _speaker(
    reference: Mapping[str, tuple[list[float], float | None]],
    other: Mapping[str, tuple[list[float], float | None]],
    again: Mapping[str, tuple[list[float], float | None]],
    limits: ParityLimits,
) -> SpeakerParity:
    def between(one: Mapping[str, tuple[list[float], float | None]]) -> list[float]:
        pairs = [cosine(reference[key][0], one[key][0]) for key in one if key in reference]
        return [value for value in pairs if value is not None]

    def to_voice(one: Mapping[str, tuple[list[float], float | None]]) -> list[float]:
        return [value for _, value in one.values() if value is not None]

    return judge_speaker(between(other), between(again), to_voice(other), to_voice(reference), limits.speaker_max)


def _claims(name: str, ends: Mapping[str, EndToEnd], speaker: SpeakerParity, limits: ParityLimits) -> list[Claim]:
    margin = limits.sound.log_mel_cosine_min
    if not ends:
        return [
            Claim("end-to-end", name, "no chunk was spoken by both sides", None, None, None, margin, 0),
            _speaker_claim(name, speaker),
        ]
    differing = {key: each for key, each in ends.items() if each.agreement is not None and each.agreement < 1}
    alike = {key: each for key, each in ends.items() if key not in differing}
    bad = {key: each for key, each in alike.items() if each.passed is False}
    cosines = [each.log_mel_cosine for each in alike.values() if each.log_mel_cosine is not None]
    statement = f"{len(alike) - len(bad)} of {len(alike)} chunks sound the same end to end"
    if cosines:
        statement += f" (log-mel cosine {min(cosines):.4f} to {max(cosines):.4f})"
    if bad:
        worst = next(iter(bad))
        statement += f"; {worst}: {bad[worst].problem}"
    if differing:
        statement += (
            f"; {len(differing)} others drew other tokens from some step on, so their sound is another take and says "
            "nothing of the decoder"
        )
    passed = False if bad else (True if alike else None)
    details: Json = {"other_tokens": sorted(differing), "differing": sorted(bad)}
    low = min(cosines, default=None)
    return [
        Claim("end-to-end", name, statement, passed, low, None, margin, len(ends), details),
        _speaker_claim(name, speaker),
    ]


def _speaker_claim(name: str, speaker: SpeakerParity) -> Claim:
    return Claim(
        "speaker", name, speaker.says(), speaker.passed, speaker.to_reference, None, speaker.margin, speaker.count
    )


def _speed_claim(name: str, row: VariantResult) -> Claim:
    """Informs only: what is fast enough is no matter of parity."""
    cold, warm = row.cold_rtfx, row.warm_rtfx
    shown = [f"{word} RTFx {value:.2f}" for word, value in (("cold", cold), ("warm", warm)) if value is not None]
    place = f" ({row.placement})" if row.placement else ""
    statement = (
        f"{', '.join(shown) or 'no request was answered'}{place}; the first request of a process is the cold one"
    )
    return Claim("speed", name, statement, None, warm, None, None, row.requests)
