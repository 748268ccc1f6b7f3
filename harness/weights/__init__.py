"""Model files by hash: which are known, where their bytes may come from, and the check that they are the right ones."""

from harness.weights.catalogue import KnownModel, catalogue, known_model
from harness.weights.folder import model_folder

__all__ = ["KnownModel", "catalogue", "known_model", "model_folder", "model_names"]


def model_names() -> tuple[str, ...]:
    """Return the names of the known models."""
    return tuple(sorted(catalogue()))
