"""What the determinism suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "determinism",
    frozenset(
        {
            "determinism",
            "no-bleed",
            "distinct-texts",
            "fresh-agree",
            "repeat",
            "after-others",
            "reload",
            "threads",
            "companions",
            "long-session",
        }
    ),
    run="harness.experiments.determinism.run:run_determinism",
    question="Does the same text with the same seed always give the same speech?",
    drawing="harness.report.sections.matrices:shares",
    scorers=("intelligibility",),
)
