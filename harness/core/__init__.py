"""What every package builds on: records, errors, the registry, documents that users write, and safe files."""

__version__ = "0.1.0"
