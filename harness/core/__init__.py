"""What every package builds on: records, errors, the registry, documents that users write, and safe files."""
