"""What the sensitivity suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "sensitivity",
    frozenset({"recall", "false-alarms"}),
    run="harness.experiments.sensitivity.run:run_sensitivity",
    question="How weak a fault would have been seen?",
    drawing="harness.experiments.sensitivity.drawing:draw_recall",
    chunks=120,
)
