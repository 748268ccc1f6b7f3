"""Model files by hash: which are known, where their bytes may come from, and the check that they are the right ones."""

from harness.scorers.weights.catalogue import KnownModel, known_model, known_models
from harness.scorers.weights.folder import model_folder
from harness.scorers.weights.stock import alignment_heads, stock_checkpoint

__all__ = [
    "KnownModel",
    "alignment_heads",
    "known_model",
    "known_models",
    "model_folder",
    "model_names",
    "stock_checkpoint",
]


def model_names() -> tuple[str, ...]:
    """Return the names of the known models."""
    return tuple(sorted(known_models()))
