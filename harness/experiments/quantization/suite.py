"""What the quantization suite declares of itself."""

from harness.core.suites import Suite

SUITE = Suite(
    "quantization",
    frozenset(
        {
            "token-count",
            "near-empty",
            "cap-hits",
            "faults",
            "wer",
            "same-voice",
            "mos",
            "divergence",
            "foretells-wer",
            "foretells-faulty",
        }
    ),
    run="harness.experiments.quantization.run:run_quantization",
    question="What did the quantization cost?",
    drawing="harness.experiments.quantization.drawing:draw_costs",
    chunks=100,
)
