"""Measures how well causes are found: planted ones, and what has none."""
