"""Determinism: the same request in one process, in fresh processes, and beside others."""
