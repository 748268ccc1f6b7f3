"""Join corpus, session, scorers, judge and store; knows nothing of pytest."""
