"""Fuzzing of the doors through which strangers' bytes come: ``python -m tools.fuzz DOOR --seconds 60`` (atheris)."""
