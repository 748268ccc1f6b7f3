"""Claims about a whole run, from plain rows."""

from harness.verdicts.claims.rows import ChunkResult, Reference
from harness.verdicts.claims.stress import stress_claims

__all__ = ["ChunkResult", "Reference", "stress_claims"]
