"""Faults on purpose in a living backend: ``faulty(variant, plan)`` wraps any variant (layer 3)."""

from harness.injection.plan import Strike, faulty

__all__ = ["Strike", "faulty"]
