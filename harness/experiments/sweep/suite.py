"""What the settings suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "sweep",
    frozenset({"safe-region", "words"}),
    run="harness.experiments.sweep.run:run_sweep",
    question="At which settings is it safe?",
    drawing="harness.experiments.sweep.drawing:draw_settings",
    chunks=30,
)
