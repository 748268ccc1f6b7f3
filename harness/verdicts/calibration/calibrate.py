"""Fit one limit a class, to a false-alarm budget for the whole run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.core.errors import ConfigError
from harness.core.records import Relation, Variant, VerdictWord
from harness.detectors import catalogue
from harness.detectors.base import Family
from harness.stats import tail_limit
from harness.verdicts import Bound, FaultLimits, Limits, VerdictPolicy
from harness.verdicts.calibration.samples import Sample, samples_of
from harness.verdicts.limits import BUDGET
from harness.verdicts.policy import relate
from harness.verdicts.profile import Profile, RunLike, Take, from_takes, takes_of
from harness.verdicts.profile.stored import ProfileTotals
from harness.verdicts.stored_limits import HeldOutAlarms, LimitsFit
from harness.verdicts.this_run import fitted_detectors

BUCKETS = (3, 12, None)  # words; short texts vary more
LEAST = 120  # values to fit a limit on
MOST_TRIMMED = 0.05  # of the takes; more than that is no exception but the voice
FENCE = 4.0  # healthy values lie within this many times the distance from median to 90th percentile
FLOOR = 0.5  # of the default: a limit is never tighter, so that a harmless shift of a quantization is no fault
# Of the default, for words and lengths: 4 words lost at the end, or 2.4 times the length, are a fault in any voice.
# Takes that broke off make their neighbours look long, and a fit alone would follow them.
CEILING = 1.5


def calibrate(
    runs: RunLike | Sequence[RunLike], variant: Variant, *, budget: float = BUDGET, seed: int = 0
) -> tuple[Limits, Profile]:
    """Fit limits on healthy runs of ``variant`` (several seeds a text) and build its profile, judged by them.

    With fewer than 120 takes the limits stay the defaults, and ``fitted`` says why. Raises ConfigError when the runs
    hold nothing of the variant, or were made under different conditions.
    """
    gathered, keys = takes_of(runs, variant)
    try:
        limits, verdicts, broken = calibrate_takes(gathered, keys, budget=budget, seed=seed)
    except ConfigError as error:
        limits = replace(Limits.default(), keys=dict(keys), fitted={"takes": len(gathered), "reason": str(error)})
        verdicts, broken = _count(samples_of(gathered), limits), frozenset()
    profile = from_takes(gathered, keys, broken)
    return limits, replace(profile, totals={**profile.totals, **verdicts})


def calibrate_takes(
    gathered: Sequence[Take], keys: Mapping[str, str], *, budget: float = BUDGET, seed: int = 0
) -> tuple[Limits, ProfileTotals, frozenset[int]]:
    """Fit limits, count what they find in the same takes, each judged against its other seeds, and name broken ones.

    ``Limits.fitted`` says on how much, to which budget, which takes were left out as broken, and how many alarms
    there were on texts that a fit on the other half of the texts had not seen. Raises ConfigError for fewer than 120
    takes. The last value holds the attempt ids of the takes left out.
    """
    samples = samples_of(gathered)
    if len(samples) < LEAST:
        raise ConfigError(f"calibration: {len(samples)} takes are too few to fit limits on, {LEAST} are needed")
    faults, broken = _fit(samples, budget)
    fitted: LimitsFit = {
        "budget": budget,
        "takes": len(samples),
        "texts": len({s.text for s in samples}),
        "left_out": [f"{s.name}: {why}" for s, why in broken],
        "held_out": _held_out(samples, budget, seed),
    }
    limits = Limits({**Limits.default().faults, **faults}, dict(keys), fitted)
    apart = frozenset(s.view.attempt.id for s, _ in broken if s.view.attempt.id is not None)
    return limits, _count(samples, limits), apart


def _count(samples: Sequence[Sample], limits: Limits) -> ProfileTotals:
    judge = VerdictPolicy(limits)
    verdicts = [judge.verdict(s.view, s.evidence) for s in samples]
    by_class: dict[str, int] = {}
    for verdict in verdicts:
        for name in sorted({f.fault for f in verdict.findings}):
            by_class[name] = by_class.get(name, 0) + 1
    return {
        "judged": sum(v.word.judged for v in verdicts),
        "faulty": sum(v.word is VerdictWord.FAULTY for v in verdicts),
        "faults": dict(sorted(by_class.items())),
    }


def _held_out(samples: Sequence[Sample], budget: float, seed: int) -> HeldOutAlarms:
    """Alarms on each half of the texts under limits fitted on the other half; takes that look broken counted apart."""
    texts = sorted({s.text for s in samples})
    chosen = set(np.random.default_rng(seed).permutation(len(texts))[: len(texts) // 2].tolist())
    half = {text: index in chosen for index, text in enumerate(texts)}
    alarms: dict[str, int] = {}
    judged = faulty = broken = 0
    for side in (True, False):
        fit = [s for s in samples if half[s.text] is side]
        test = [s for s in samples if half[s.text] is not side]
        if len(fit) < LEAST:
            return {"reason": f"too few takes to hold half of the texts out ({len(fit)})"}
        limits = Limits({**Limits.default().faults, **_fit(fit, budget)[0]})
        judge, apart = VerdictPolicy(limits), {s.name for s, _ in _broken(test)}
        for sample in test:
            if sample.name in apart:
                broken += 1
                continue
            verdict = judge.verdict(sample.view, sample.evidence)
            judged += verdict.word.judged
            faulty += verdict.word is VerdictWord.FAULTY
            for finding in verdict.findings:
                alarms[finding.fault] = alarms.get(finding.fault, 0) + 1
    return {"judged": judged, "faulty": faulty, "faults": dict(sorted(alarms.items())), "broken": broken}


def _fit(samples: Sequence[Sample], budget: float) -> tuple[dict[str, FaultLimits], list[tuple[Sample, str]]]:
    broken = _broken(samples)
    apart = {s.name for s, _ in broken}
    healthy = [s for s in samples if s.name not in apart]
    defaults = Limits.default().faults
    names = fitted_detectors()
    share = budget / max(len(names), 1)
    return {name: _fit_class(name, healthy, defaults[name], share) for name in names}, broken


def _broken(samples: Sequence[Sample]) -> list[tuple[Sample, str]]:
    """Return the takes that look really broken: by physics, or far outside of what the class otherwise sees. At most
    5%.
    """
    defaults = Limits.default().faults
    broken: dict[str, tuple[Sample, str]] = {}
    for name, limits in defaults.items():
        values = [(s, s.values[name]) for s in samples if name in s.values]
        if limits.physics is not None:
            broken.update({s.name: (s, name) for s, v in values if v > limits.physics})
        for scale in (_scale_reference(name, limits), _scale_voice(name)):
            placed = [(s, c) for s, v in values if (c := scale.place(s, v)) is not None]
            outside = _outside(placed, scale.default) if scale.default is not None else []
            if len(outside) <= MOST_TRIMMED * len(samples):
                broken.update({s.name: (s, name) for s in outside if s.name not in broken})
    return list(broken.values()) if len(broken) <= 2 * MOST_TRIMMED * len(samples) else []


def _outside(placed: Sequence[tuple[Sample, float]], default: float) -> list[Sample]:
    if len(placed) < LEAST // 2:
        return []
    middle, high = np.quantile([v for _, v in placed], [0.5, 0.9])
    fence = max(default, float(middle + FENCE * (high - middle)))
    return [s for s, v in placed if v > fence]


@dataclass(frozen=True)
class _Scale:
    """How values of a class are placed before they meet a limit of one tier; ``default`` is the tier's own."""

    place: Callable[[Sample, float], float | None]
    default: float | None


def _scale_reference(name: str, limits: FaultLimits) -> _Scale:
    def place(sample: Sample, value: float) -> float | None:
        others = sample.others.get(name)
        if not others:
            return None
        try:
            return relate(value, others, limits.relation, limits.against)
        except ValueError:
            return None

    return _Scale(place, limits.reference[0].limit if limits.reference else None)


def _scale_voice(name: str) -> _Scale:
    return _Scale(lambda _sample, value: value, catalogue()[name].default_limit)


def _ceiling(name: str, usual: float) -> float:
    capped = catalogue()[name].family in (Family.TRANSCRIPT, Family.TIMING)
    return CEILING * usual if capped and usual > 0 else np.inf


def _fit_class(name: str, healthy: Sequence[Sample], default: FaultLimits, share: float) -> FaultLimits:
    values = [(s, s.values[name]) for s in healthy if name in s.values]
    scale = _scale_reference(name, default)
    related = [(s, c) for s, v in values if (c := scale.place(s, v)) is not None]
    reference, voice = default.reference, default.voice
    if default.reference and len(related) >= LEAST:
        count = f"reference on the same text; margin fitted on {len(related)} healthy takes"
        most = default.reference[0].limit
        reference = _bounds(related, most, share, count, (0.0, 0.0), _ceiling(name, most))
    if len(values) >= LEAST and default.relation is not Relation.RATIO:
        center = _center(values, default.relation)
        rest = [(s, Bound(0, "", *center).compared(v, s.words, default.relation)) for s, v in values]
        detector = catalogue()[name]
        usual = detector.default_limit
        base = usual - center[0] if usual is not None else (scale.default or 0.0)
        # words that a run may raise by itself for a voice that is misheard: a fit may, twice as far as elsewhere
        most = 2 * base if detector.run_tail is not None else base
        source = f"fitted on {len(values)} healthy takes"
        voice = _bounds(rest, base, share, source, center, _ceiling(name, most))
    return replace(default, reference=reference, voice=voice)


def _center(values: Sequence[tuple[Sample, float]], relation: Relation) -> tuple[float, float]:
    """Where healthy values lie: median, with a slope over ln(words) where the texts differ in length enough."""
    y = np.array([v for _, v in values])
    x = np.log([s.words for s, _ in values])
    if relation is Relation.ABSOLUTE:
        return 0.0, 0.0
    if np.ptp(x) < 0.5 or np.ptp(y) == 0:
        return float(np.median(y)), 0.0
    from scipy.stats import theilslopes

    step = max(1, len(y) // 400)  # every pair of 400 values is plenty
    slope = float(theilslopes(y[::step], x[::step])[0])
    return float(np.median(y - slope * x)), slope


def _bounds(
    placed: Sequence[tuple[Sample, float]],
    default: float,
    share: float,
    source: str,
    center: tuple[float, float],
    ceiling: float,
) -> tuple[Bound, ...]:
    """Return a bound a bucket of lengths; a bucket with too little in it takes the wider of all together and the
    default.
    """
    floor = FLOOR * default if default > 0 else -np.inf
    overall = min(max(tail_limit([v for _, v in placed], share), floor), ceiling)
    bounds: list[Bound] = []
    low = 0
    for top in BUCKETS:
        inside = [v for s, v in placed if s.words > low and (top is None or s.words <= top)]
        low = top or low
        limit = overall
        said = source
        if len(inside) >= LEAST:
            limit = min(max(tail_limit(inside, share), floor), ceiling)
            said = f"{source}, {len(inside)} of this length"
        elif top is not None:
            limit = max(overall, default)
        bounds.append(Bound(float(f"{limit:.5g}"), said, center[0], center[1], top))
    return tuple(bounds)
