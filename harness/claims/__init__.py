"""Claims about a whole run, from plain rows."""

from harness.claims.rows import ChunkResult, Reference
from harness.claims.stress import stress_claims

__all__ = ["ChunkResult", "Reference", "stress_claims"]
