"""Suites, a folder each: tests that read like claims, and the limits of these. Installed as ``harness.suites``."""
