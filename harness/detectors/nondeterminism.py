"""Nondeterminism: the same text and seed give other speech."""

from typing import ClassVar

from harness.detectors._inject import backend
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import Citation, Family


class Nondeterminism(WholeRunFault):
    name = "nondeterminism"
    title = "the same text with the same seed gives other speech"
    family = Family.PROCESS
    causes = ("a seed that is ignored", "a crop or shuffle without a seed", "numerical ties that flip")
    judged_by: ClassVar[str] = "suites/determinism (samples, tokens and words of fresh processes, apart)"
    sources = (Citation("unseeded sampling", "https://github.com/sgl-project/sglang-omni/issues/1420"),)
    injectors = (backend("ignore-seed"),)
