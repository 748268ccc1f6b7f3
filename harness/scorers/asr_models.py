"""Which recognizers and models a run uses where nothing else is named."""

from __future__ import annotations

DEFAULT = "whisper"  # where neither the command line nor the variants name one: tiny.en for English, base for the rest
ENGLISH, OTHERS = "tiny.en", "base"  # the models behind the default
SECOND = f"faster-whisper:{OTHERS}"  # whose view of a faulty clip is taken too
SECOND_TO_ITSELF = f"faster-whisper:{ENGLISH}"  # where the run's own recognizer is the second one


def model_named(spec: str | None, language: str) -> str:
    """Return which model a spec stands for in a language, whichever engine reads it; None: the default recognizer."""
    engine, _, model = (spec or DEFAULT).partition(":")
    if engine == DEFAULT and not model:
        return ENGLISH if is_english(language) else OTHERS
    return model or engine


def is_english(language: str) -> bool:
    """Return whether a language tag is English of any region."""
    return language.split("-")[0].lower() == "en"
