"""A known model from the hub, pinned to its revision, with a progress bar."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.core.errors import ConfigError
from harness.scorers.weights.cache import NO_SPACE
from harness.scorers.weights.catalogue import KnownModel
from harness.scorers.weights.sources import EXTRA, ModelPlace, hub_place, revision_of

_TRUE = frozenset({"1", "ON", "YES", "TRUE"})  # as huggingface_hub reads its variables


def is_offline() -> bool:
    """Return whether the environment asks to stay off the network."""
    return any(os.environ.get(name, "").upper() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def fetch(model: KnownModel, again: bool = False) -> ModelPlace:
    """Download the files of the pinned revision into the hub's cache. Raises ConfigError where that fails.

    Files that are there already are kept, unless ``again``: the hub's library does not look into them.
    Several processes may fetch at once: huggingface_hub locks each file and renames it when it is complete.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    from harness.scorers.weights.download_bar import DownloadBar

    try:
        with _silenced():
            # without a network this ends at once, where a download would try again for half a minute
            get_hf_file_metadata(hf_hub_url(model.repository, model.files[0].name, revision=model.revision))
            paths = [
                hf_hub_download(
                    model.repository, file.name, revision=model.revision, tqdm_class=DownloadBar, force_download=again
                )
                for file in model.files
            ]
    except Exception as error:  # its HTTP library, and with it what a lost network raises, changed between releases
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise ConfigError(_full(model, error)) from None
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(absent(model, f"cannot be fetched from {revision_of(model)} ({reason})")) from None
    return hub_place(model, Path(paths[0]).parent)


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what the library logs of its tries, and its warnings, from standing beside the one line that tells."""
    from huggingface_hub.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logging.set_verbosity(level)


def _full(model: KnownModel, error: OSError) -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    return (
        f"{HF_HUB_CACHE}: no space to write {model.size / 1e6:.0f} MB ({error.strerror}); free some, or name another "
        f"cache of the hub with HF_HOME"
    )


def absent(model: KnownModel, reason: str) -> str:
    """Return the line that says why a model cannot be had, and the ways to have it."""
    return (
        f"the model {model.name} is not on this machine and {reason}: {EXTRA} brings it "
        f"(as {', '.join(model.requirements)}), or with network `tts-soak models get {model.name}`"
    )
