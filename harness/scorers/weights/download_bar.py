"""The progress bar of a download, on a terminal only."""

from __future__ import annotations

import sys
import warnings

from rich.console import Console
from tqdm import TqdmExperimentalWarning
from tqdm.rich import tqdm_rich


class DownloadBar(tqdm_rich):  # type: ignore[misc]
    """A bar of rich on the standard error, which leaves the standard output to the answer of a command."""

    def __init__(self, *arguments: object, disable: bool | None = False, **options: object) -> None:
        hidden, drawn = disable or not sys.stderr.isatty(), {"console": Console(stderr=True)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TqdmExperimentalWarning)
            super().__init__(*arguments, disable=hidden, options=drawn, **options)
