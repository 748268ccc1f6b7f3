"""Tests in the layout of ``harness/`` and ``tools/``, which ``python -m tools.mirror`` checks."""
