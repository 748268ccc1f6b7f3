"""Faults on purpose in a living backend: ``faulty(variant, plan)`` wraps any variant."""

from harness.experiments.injection.plan import InjectionRule, faulty

__all__ = ["InjectionRule", "faulty"]
