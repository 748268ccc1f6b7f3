"""Small inputs that users of speech reported, each with the answer that is right: a command that says right or wrong.

    python -m tools.cases [--speech FOLDER] [NAME ...]

``FOLDER`` holds recordings of a reader (``ljspeech/*.flac`` with ``metadata.csv``); without it the cases that need
speech are left out, and said so. ``--recognizer whisper`` also listens, with the recognizer of runs.
"""
