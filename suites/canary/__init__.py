"""Faults that are planted and must be found."""
