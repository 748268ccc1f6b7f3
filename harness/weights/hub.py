"""A known model from the hub, pinned to its revision, with a progress bar."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import ConfigError
from harness.weights.catalogue import KnownModel
from harness.weights.sources import EXTRA, ModelPlace, at, hub_place

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
    from huggingface_hub.utils import logging

    from harness.weights.download_bar import DownloadBar

    level = logging.get_verbosity()
    logging.set_verbosity_error()  # its retries would be lines beside the one that says what failed
    try:
        # without a network this ends at once, where a download would try again for half a minute
        get_hf_file_metadata(hf_hub_url(model.repository, model.files[0].name, revision=model.revision))
        paths = [
            hf_hub_download(
                model.repository, file.name, revision=model.revision, tqdm_class=DownloadBar, force_download=again
            )
            for file in model.files
        ]
    except Exception as error:  # its HTTP library, and with it what a lost network raises, changed between releases
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(absent(model, f"cannot be fetched from {at(model)} ({reason})")) from None
    finally:
        logging.set_verbosity(level)
    return hub_place(model, Path(paths[0]).parent)


def absent(model: KnownModel, reason: str) -> str:
    """Return the line that says why a model cannot be had, and the ways to have it."""
    return (
        f"the model {model.name} is not on this machine and {reason}: {EXTRA} brings it "
        f"(as {', '.join(model.requirements)}), or with network `tts-soak models get {model.name}`"
    )
