"""Claims about a run as its own reference: whether it can tell what is healthy, and what all of its chunks share."""

from __future__ import annotations

from dataclasses import asdict

from harness.core.records import Claim, Json
from harness.detectors._heard import UNDERSTOOD
from harness.verdicts import Priors
from harness.verdicts.settled import Settled
from harness.verdicts.speakers import RunVoices
from harness.verdicts.this_run import LEAST_CHUNKS, MOST_FAULTY, ThisRun
from harness.verdicts.whole import outside

OWN_REFERENCE = "own-reference"
AS_A_WHOLE = "as-a-whole"
INFORMING = (OWN_REFERENCE, AS_A_WHOLE)
URGENT = "urgent"  # in the details: whoever reads one line of the run must read this


def whole_run(variant: str, settled: Settled, priors: Priors) -> list[Claim]:
    """Return the claims ``own-reference`` and ``as-a-whole``; both inform, what is told of chunks decides."""
    return [own_reference(variant, settled), as_a_whole(variant, settled, priors)]


def own_reference(variant: str, settled: Settled) -> Claim:
    """Return whether the chunks of a run agree so far that those apart from the others can be called faulty."""
    own = settled.own
    apart = {name: len(numbers) for name, numbers in own.beyond.items() if numbers}
    named = ", ".join(f"{name} {count}" for name, count in sorted(apart.items(), key=lambda pair: -pair[1]))
    details: Json = {"apart": apart, "chunks": own.chunks, "voices": settled.voices.voices if settled.voices else None}
    details[URGENT] = own.chunks >= LEAST_CHUNKS and not settled.can_tell
    details["groups"] = {name: asdict(groups) for name, groups in own.groups.items()}
    if own.chunks < LEAST_CHUNKS:
        statement = f"{own.chunks} chunks are too few for the run to be its own reference ({LEAST_CHUNKS} are needed); "
        statement += "they were held against healthy voices"
    elif not own.can_tell:
        statement = f"cannot tell what is healthy: {_why_not(own, named)}"
    else:
        statement = f"{len(own.faulty)} of {own.chunks} chunks stand apart from the others" + (
            f" ({named})" if named else ""
        )
    if settled.voices is not None and settled.voices.voices > 1:
        statement += f"; {_several_voices(settled.voices)}"
    share = len(own.faulty) / own.chunks if own.chunks else None
    return Claim(OWN_REFERENCE, variant, statement, None, share, None, MOST_FAULTY, own.chunks, details)


def _why_not(own: ThisRun, named: str) -> str:
    """Return what keeps the run from telling: too many chunks apart from the others, or two groups of them."""
    reasons = [f"{name}: {groups.said(name)}" for name, groups in own.groups.items()]
    if len(own.faulty) > MOST_FAULTY * own.chunks:
        many = f"{len(own.faulty)} of {own.chunks} chunks stand apart from the others ({named}), and beyond "
        reasons.insert(0, f"{many}{MOST_FAULTY:.0%} nobody can say which side is at fault")
    return "; ".join(reasons)


def _several_voices(voices: RunVoices) -> str:
    sizes = f"{', '.join(map(str, voices.sizes[:-1]))} and {voices.sizes[-1]} chunks"
    told = f"{voices.voices} voices were told apart ({sizes}), each chunk is compared with its own"
    return f"{told}; if one voice was asked for, the run cannot tell which is the right one"


def as_a_whole(variant: str, settled: Settled, priors: Priors) -> Claim:
    """Return what all chunks share and healthy voices do not have."""
    strange = outside(settled.views, priors)
    said = [one.statement for one in strange]
    if settled.missed is not None and settled.missed > UNDERSTOOD:
        said.append(f"no word is judged: the recognizer misses {settled.missed:.0%} of the letters in the median chunk")
    statement = "; ".join(said) or "as a whole within what healthy voices have"
    details: Json = {one.figure: {"value": one.value, "low": one.range.low, "high": one.range.high} for one in strange}
    details[URGENT] = bool(said)
    return Claim(AS_A_WHOLE, variant, statement, None, None, None, None, settled.own.chunks, details)
