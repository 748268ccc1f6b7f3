"""The recipe of the offline recognizer: speech, training, export, evaluation.

Run ``python -m tools.recognizer --help``. It needs the Debian packages flite1-dev, gcc, libespeak-ng1, bible-kjv,
fortunes, wordnet-base and wamerican; its data are made, not stored.
"""
