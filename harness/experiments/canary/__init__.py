"""Canary: faults planted in a voice, to see that they are found."""
