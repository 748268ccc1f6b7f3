"""What the canary suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "canary",
    frozenset({"planted-faults"}),
    run="harness.experiments.canary.run:run_canary",
    question="Would a fault have been seen?",
    drawing="harness.experiments.canary.drawing:draw_planted",
)
