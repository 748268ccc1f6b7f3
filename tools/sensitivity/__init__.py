"""The catalogue's proof: alarms on healthy speech, times of words, faults of the process, docs/sensitivity.md.

Parts, each ``python -m tools.sensitivity PART``: ``healthy``, ``words``, ``process``, ``table``.
"""
