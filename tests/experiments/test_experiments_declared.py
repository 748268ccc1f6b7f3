"""What suites declare of themselves: code that is there, under the name of the folder of their tests."""

import pytest

from harness.core.paths import SUITES
from harness.core.registry import load_target
from harness.core.suites import suite_of
from harness.experiments.canary.suite import SUITE as CANARY
from harness.experiments.determinism.suite import SUITE as DETERMINISM
from harness.experiments.isolation.suite import SUITE as ISOLATION
from harness.experiments.ladder.suite import SUITE as LADDER
from harness.experiments.parity.suite import SUITE as PARITY
from harness.experiments.quantization.suite import SUITE as QUANTIZATION
from harness.experiments.sensitivity.suite import SUITE as SENSITIVITY
from harness.experiments.sweep.suite import SUITE as SWEEP

DECLARED = (CANARY, DETERMINISM, ISOLATION, LADDER, PARITY, QUANTIZATION, SENSITIVITY, SWEEP)


@pytest.mark.parametrize("suite", DECLARED, ids=lambda suite: suite.name)
def test_a_suite_is_there_by_its_name_and_loads_what_it_declares(suite):
    assert (SUITES / suite.name).is_dir()
    assert suite_of(suite.name) == suite
    assert callable(suite.carry_out()) and callable(load_target(suite.drawing))
