"""Figures behind the claims: simulated error rates and power, and the determinism suite's own hit rate."""
