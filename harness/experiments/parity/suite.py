"""What the parity suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "parity",
    frozenset({"stages", "end-to-end", "speaker", "speed"}),
    run="harness.experiments.parity.run:run_parity",
    question="Do two implementations compute the same?",
    drawing="harness.experiments.parity.drawing:draw_stages",
    pairs="harness.experiments.parity.limits:row_names",
    chunks=8,
    scorers=("speaker",),
)
