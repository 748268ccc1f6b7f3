"""The recipe of the embedded voice: text, teacher, codec, training, export, quantization, evaluation.

Run ``python -m tools.voice --help``. Everything is made from Debian packages and fixed seeds; nothing is stored but the
finished family under ``voices/``.
"""
