"""Whether the timings of a run mean anything: not when other work took the machine (layer 4).

The engine journals an event ``load`` a stage, with the share of the machine's CPU time that other processes used.
"""

from __future__ import annotations

from harness.store import Run
from harness.types import Json

OTHERS_MAX = 0.25  # of all cores: on two cores, half a core taken by others


def timings(run: Run) -> Json:
    """``valid`` (None: not known), the reason in words, and the largest share that others took in any stage."""
    shares = [event.data["others_share"] for event in run.events("load") if event.data.get("others_share") is not None]
    if not shares:
        return {"valid": None, "reason": "the load of the machine was not recorded", "others_share": None}
    highest = float(max(shares))
    if highest > OTHERS_MAX:
        reason = f"other work took {highest:.0%} of the machine, at most {OTHERS_MAX:.0%} is allowed"
        return {"valid": False, "reason": reason, "others_share": highest}
    return {"valid": True, "reason": "", "others_share": highest}
