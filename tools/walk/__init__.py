"""A stranger's first evening, walked by a script and timed: from a clone to a verdict that is understood."""
