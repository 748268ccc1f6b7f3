"""tts-soak: a pytest-driven soak test for text-to-speech. In a notebook: ``from harness import soak``."""

from typing import TYPE_CHECKING

from harness.core import __version__

if TYPE_CHECKING:
    from harness.notebook import soak


def __getattr__(name: str) -> object:
    """Import ``soak`` when it is asked for: every process of the harness imports this package, few of them need it."""
    if name == "soak":
        from harness.notebook import soak

        return soak
    raise AttributeError(f"module 'harness' has no attribute {name!r}")


__all__ = ["__version__", "soak"]
