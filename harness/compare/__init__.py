"""Claims about a whole run, from plain rows (layer 3)."""

from harness.compare.claims import stress_claims
from harness.compare.rows import ChunkResult, Reference

__all__ = ["ChunkResult", "Reference", "stress_claims"]
