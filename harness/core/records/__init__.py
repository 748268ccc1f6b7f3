"""The words of the project as frozen dataclasses and enums.

Units, everywhere: times in seconds, rates in Hz, levels in dBFS or LUFS, memory in bytes. Audio is
float32, mono, shape (samples,), nominal range [-1, 1]. Token arrays are int32, shape (frames, codebooks).
JSON-like payloads hold only str, int, float, bool, None, lists and dicts; a missing value is None, never 0 or NaN.
"""

from harness.core.records.answered import Arm, Attempt, Capabilities, Computes, Outcome, Synthesis, TokenLayout
from harness.core.records.asked import (
    Chunk,
    Corpus,
    Request,
    ScorerOptions,
    SeedPolicy,
    Variant,
    corpus_checksum,
    seed_for,
)
from harness.core.records.decided import Claim, Detection, Finding, Relation, UsedLimit, Verdict, VerdictWord
from harness.core.records.measured import LEFT_OUT, LOOPED, Measurement, Payloads, Status
from harness.core.records.plain import LANGUAGE, Json, Samples, Span, Tokens
from harness.core.records.viewed import DetectorInput, ReferenceRecord

__all__ = [
    "LANGUAGE",
    "LEFT_OUT",
    "LOOPED",
    "Arm",
    "Attempt",
    "Capabilities",
    "Chunk",
    "Claim",
    "Computes",
    "Corpus",
    "Detection",
    "DetectorInput",
    "Finding",
    "Json",
    "Measurement",
    "Outcome",
    "Payloads",
    "ReferenceRecord",
    "Relation",
    "Request",
    "Samples",
    "ScorerOptions",
    "SeedPolicy",
    "Span",
    "Status",
    "Synthesis",
    "TokenLayout",
    "Tokens",
    "UsedLimit",
    "Variant",
    "Verdict",
    "VerdictWord",
    "corpus_checksum",
    "seed_for",
]
