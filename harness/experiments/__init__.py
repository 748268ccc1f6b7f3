"""Suites beyond the soak, one in a folder: ``suite.py`` declares it, ``run.py`` carries it out."""
