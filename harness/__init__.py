"""tts-soak: a pytest-driven soak test for text-to-speech."""

__version__ = "0.1.0"
