"""Attacks on the harness itself, as commands: ``python -m tools.attacks secrets|damage|backends``."""
