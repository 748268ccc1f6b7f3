"""What the isolation suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "isolation",
    frozenset(
        {
            "isolation",
            "vocoder",
            "language-model",
            "weights",
            "stages",
            "reference-tokens",
            "silence",
            "one-token",
            "random",
            "order",
            "offset",
        }
    ),
    run="harness.experiments.isolation.run:run_isolation",
    question="In which part does the fault sit?",
    drawing="harness.report.sections.matrices:holds",
    chunks=24,
)
