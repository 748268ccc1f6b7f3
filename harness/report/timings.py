"""Whether the timings of a run mean anything: not when other work took the machine (layer 4).

The engine records events of kind ``load`` with ``load_1min`` (load average), ``cores`` (usable) and ``stage``. More
runnable processes than cores by ``_SPARE`` make every timing of that run invalid: it is shown as such and not averaged.
"""

from __future__ import annotations

from harness.store import Run
from harness.types import Json

_SPARE = 1.5  # load a core: the harness itself keeps up to three processes busy on two cores


def timings(run: Run) -> Json:
    """``valid`` (None: not known), the reason in words, and the highest load a core that was seen."""
    loads = [
        float(event.data["load_1min"]) / float(event.data["cores"])
        for event in run.events("load")
        if event.data.get("load_1min") is not None and event.data.get("cores")
    ]
    if not loads:
        return {"valid": None, "reason": "the load of the machine was not recorded", "load_a_core": None}
    highest = max(loads)
    if highest > _SPARE:
        reason = f"the machine was overloaded: {highest:.1f} runnable processes a core, at most {_SPARE} are allowed"
        return {"valid": False, "reason": reason, "load_a_core": highest}
    return {"valid": True, "reason": "", "load_a_core": highest}
