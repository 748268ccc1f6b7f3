"""Where the suites, corpora, voices and tables are: the one place that knows, in a clone and installed.

A clone keeps them beside the package; a wheel brings them inside it (``[tool.hatch.build]`` in ``pyproject.toml``).
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package ``harness``."""

IMPORT_ROOT = PACKAGE.parent
"""What must be on the import path of a child process for ``import harness`` to be this very package."""


def child_environment(**more: str) -> dict[str, str]:
    """Return the environment in which a child process imports this very package."""
    path = os.pathsep.join(filter(None, (str(IMPORT_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **more, "PYTHONPATH": path}


DATA = PACKAGE / "data"
"""Tables that ship with the package."""

CLONE: Path | None = None if (PACKAGE / "suites").is_dir() else PACKAGE.parent
"""The clone, where the package is used in one; None where it is installed from a wheel."""

SUITES = (CLONE or PACKAGE) / "suites"

CORPORA = (CLONE or DATA) / "corpora"

VOICES = (CLONE or DATA) / "voices"
"""The embedded voices."""

VARIANTS = (CLONE or DATA) / "variants.toml"
"""The variants of the embedded voice, spoken where no other file is named."""

EXAMPLE_VARIANTS = DATA / "variants.example.toml"
"""The commented file that ``tts-soak init`` copies."""

CACHE_VARIABLE = "TTS_SOAK_CACHE"


def _working_folder(here: Path) -> Path:
    """Return the clone for who works in it, else ``here``."""
    return CLONE if CLONE is not None and here.is_relative_to(CLONE) else here


def default_variants(here: Path) -> Path:
    """Return the variants file of a command given in ``here``: its own, else that of the embedded voice."""
    own = _working_folder(here) / VARIANTS.name
    return own if own.is_file() else VARIANTS


def default_reports(here: Path) -> Path:
    """Return where runs go by default: into the clone for who works in it, else into ``reports`` of ``here``."""
    return _working_folder(here) / "reports"


def baseline_folders(reports: Path) -> list[Path]:
    """Return where baselines are looked for: beside the runs, then those that the clone has committed."""
    folders = [reports / "baselines"]
    return folders if CLONE is None else [*folders, CLONE / "reports" / "baselines"]


def named_from_clone(path: Path) -> str:
    """Return an absolute path as it is written in the clone; outside of one, the name of the file alone."""
    return str(path.relative_to(CLONE)) if CLONE is not None and path.is_relative_to(CLONE) else path.name


def cache_root() -> Path:
    """Return the folder of the cache: ``TTS_SOAK_CACHE``, else tts-soak in the user's cache directory."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs  # the guardian of a worker reads this module too, and loads nothing that it can do without

    return platformdirs.user_cache_path("tts-soak", appauthor=False)
