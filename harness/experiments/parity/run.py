"""Do two implementations compute the same? Pairs of dumps or callables; variants against the reference."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.core.errors import SoakError
from harness.core.records import Claim, Corpus, Json
from harness.engine.plan import Plan
from harness.engine.progress import Progress, Tick
from harness.experiments.parity import Chain, EndToEnd, Pair, ParityLimits, StageDumps, compare_sound, compare_stages
from harness.experiments.parity.limits import row_name
from harness.experiments.parity.results import CallSpeed, PairResult
from harness.experiments.parity.runs import DumpSource
from harness.experiments.parity.table import pair_table, variant_table
from harness.experiments.parity.variants import compare_variants
from harness.experiments.stage import ExperimentRun, write_results

CHOSEN = "chosen"  # names of the pairs to carry out; without it all
FOLDER = "folder"  # what the pairs' paths are relative to


def run_parity(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Compare the chosen pairs and the plan's variants, each bucket a row; record claims; returns the run directory."""
    table = dict(plan.experiment.get("parity", {}))
    chosen, folder = table.pop(CHOSEN, None), Path(str(table.pop(FOLDER, ".")))
    limits = ParityLimits.read(table, folder)
    rows = chosen_rows(limits, chosen)
    claims: list[Claim] = []
    pairs: dict[str, PairResult] = {}
    with ExperimentRun(plan.beside_reference(), progress, resume) as stage:
        began = time.monotonic()
        sources: dict[str, DumpSource] = {}
        for count, (pair, bucket) in enumerate(rows, 1):
            name = row_name(pair.name, bucket)
            try:
                compared, row = compare_pair(pair, bucket, limits, sources)
            except SoakError as error:
                stage.run.record_event("cannot be loaded", {"variant": name, "reason": str(error)})
                progress.say(f"{name}: {error}")
                continue
            claims += compared
            pairs[name] = row
            progress.tick(Tick(pair.name, "pairs", count, len(rows), seconds=time.monotonic() - began))
        compared, variants = compare_variants(stage, stage.plan, limits)
        claims += compared
        text = "\n".join(filter(None, (pair_table(pairs), variant_table(variants))))
        write_results(stage.run, claims, {"pairs": pairs, "variants": variants}, text or "nothing could be compared")
        return stage.run.path


def chosen_rows(limits: ParityLimits, chosen: object) -> list[tuple[Pair, int | None]]:
    """Return every pair with every bucket, or only those whose rows are named."""
    rows = [(pair, bucket) for pair in limits.pairs.values() for bucket in pair.buckets]
    return [(pair, b) for pair, b in rows if not isinstance(chosen, list) or row_name(pair.name, b) in chosen]


def compare_pair(
    pair: Pair, bucket: int | None, limits: ParityLimits, sources: dict[str, DumpSource]
) -> tuple[list[Claim], PairResult]:
    """Compare both sides for one bucket; ``sources`` keeps callables alive. Raises ConfigError, MissingExtra."""
    limits = limits.of(pair)
    sides = [
        sources.setdefault(spec, DumpSource(spec, limits.folder)).load(bucket, limits.repeats)
        for spec in (pair.reference, pair.candidate)
    ]
    reference, candidate = sides
    chain = compare_stages(reference.stages, candidate.stages, limits)
    ends = _ends(reference, candidate, limits)
    name = row_name(pair.name, bucket)
    speed = {side.source: _speed(side, limits) for side in sides}
    row = PairResult(
        pair=pair.name,
        bucket=bucket,
        first=chain.first.name if chain.first else None,
        born=chain.born,
        missing=chain.missing,
        stages=chain.stages,
        chain=chain.says(),
        ends=ends,
        sound=ends.says() if ends is not None else "neither dump holds the sound",
        speed=speed,
    )
    return _claims(name, chain, ends, limits), row


def _ends(reference: StageDumps, candidate: StageDumps, limits: ParityLimits) -> EndToEnd | None:
    if limits.waveform not in reference.stages or limits.waveform not in candidate.stages:
        return None
    first, second = (np.asarray(s.stages[limits.waveform], np.float32) for s in (reference, candidate))
    tokens = None
    if limits.tokens is not None and limits.tokens in reference.stages and limits.tokens in candidate.stages:
        tokens = (reference.stages[limits.tokens], candidate.stages[limits.tokens])
    return compare_sound((first, limits.sample_rate), (second, limits.sample_rate), limits.sound, tokens)


def _speed(side: StageDumps, limits: ParityLimits) -> CallSpeed:
    """RTFx of the first call and the median of the later ones, of callables."""
    audio = side.seconds_of_audio(limits.waveform, limits.sample_rate)
    warm = float(np.median(side.warm)) if side.warm else None
    return CallSpeed(
        cold_seconds=side.cold,
        warm_seconds=warm,
        cold_rtfx=audio / side.cold if audio and side.cold else None,
        warm_rtfx=audio / warm if audio and warm else None,
    )


def _claims(name: str, chain: Chain, ends: EndToEnd | None, limits: ParityLimits) -> list[Claim]:
    cosines = [stage.cosine for stage in chain.stages if stage.cosine is not None]
    least = limits.stage.cosine_min
    first = chain.first
    details: Json = {"first": first.name if first else None, "born": chain.born}
    claims = [
        Claim(
            "stages",
            name,
            chain.says(),
            chain.passed,
            min(cosines, default=None),
            None,
            least,
            len(chain.stages),
            details,
        )
    ]
    if ends is None:
        statement = f"no sound was compared: the stage {limits.waveform!r} is not on both sides"
        return [*claims, Claim("end-to-end", name, statement, None, None, None, limits.sound.log_mel_cosine_min, 0)]
    margin = limits.sound.log_mel_cosine_min
    return [*claims, Claim("end-to-end", name, ends.says(), ends.passed, ends.log_mel_cosine, None, margin, 1)]


def plan_of_pair(
    reference: str, candidate: str, buckets: Sequence[int], table: Mapping[str, object], reports: Path
) -> Plan:
    """Return a plan for one pair alone, as the command line asks for it.

    Paths are relative to the working directory.
    """
    pair = {"reference": reference, "candidate": candidate, "buckets": list(buckets)}
    named = hashlib.sha256(json.dumps(pair, sort_keys=True).encode()).hexdigest()
    return Plan(
        suite="parity",
        corpus=Corpus("parity", (), named, f"{reference} against {candidate}"),
        variants=(),
        selection={},
        reports=reports,
        experiment={"parity": {**table, "pairs": {"parity": pair}, FOLDER: str(Path.cwd())}},
    )
