"""What the length suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "ladder",
    frozenset({"survives", "gives-speech", "not-cut-off", "no-degradation", "short-texts", "growth", "memory"}),
    run="harness.experiments.ladder.run:run_ladder",
    question="From what length on does it break?",
    drawing="harness.experiments.ladder.drawing:draw_lengths",
    corpus="ladder:words=512",
)
