"""What a replay says of a fault: confirmed or not, and bound to the text, the seed or the history."""

import pytest

from harness.core.records import Finding
from harness.engine.confirm import Replay, settle_finding

FOUND = Finding(fault="loop", value=3.0, limit=1.0, limit_source="voice")


@pytest.mark.parametrize(
    ("same_seed", "identical", "new_seeds", "confirmed", "bound_to"),
    [
        (True, True, (True, True), True, "text"),  # any seed does it
        (True, True, (False, False), True, "seed"),  # only this seed does it
        (True, True, (True, False), True, "seed"),  # half of the seeds is not "most"
        (False, False, (False, False), True, "history"),  # a fresh process speaks it well: it needs what came before
        (False, True, (False, False), False, None),  # the same samples, judged clean again: no fault to stand on
        (None, False, (True, True), True, "text"),  # takes no seed, but others show it
        (None, False, (True, False, False), True, "seed"),
        (None, False, (False, False), None, None),  # takes no seed: a clean take does not mend the recorded one
    ],
)
def test_what_a_fault_is_bound_to(same_seed, identical, new_seeds, confirmed, bound_to):
    decided = settle_finding(FOUND, Replay(same_seed, identical, new_seeds), process_fault=False)
    assert (decided.confirmed, decided.bound_to) == (confirmed, bound_to)


def test_a_crash_that_does_not_come_back_is_bound_to_the_history_though_neither_gave_audio():
    decided = settle_finding(FOUND, Replay(False, True, (False,)), process_fault=True)
    assert (decided.confirmed, decided.bound_to) == (True, "history")
