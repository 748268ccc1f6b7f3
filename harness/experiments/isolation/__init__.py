"""Isolation: which stage a degraded build loses its quality in."""
