"""From a training checkpoint to a file that stock openai-whisper loads by its path."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from tools.recognizer.network import SPARE, Recognizer
from tools.recognizer.vocabulary import CHARACTERS, WHISPER_VOCABULARY, vocabulary

OFF = -30.0  # logit of an id that training never saw


def export(network: Recognizer, path: Path) -> None:
    """Write the float16 checkpoint with Whisper's whole English vocabulary; unused ids can never win.

    The spare dimension does it: its final activation is 1, an unused id's embedding holds ``OFF`` there, a used one 0.
    The character head comes along under ``ctc_head``; ``whisper.load_model`` ignores it.
    """
    state = {name: value.detach().cpu().clone() for name, value in network.whisper.state_dict().items()}
    used = state["decoder.token_embedding.weight"]
    full = torch.zeros(WHISPER_VOCABULARY, used.shape[1])
    full[:, SPARE] = OFF
    full[torch.tensor(vocabulary().whisper_ids)] = used
    state["decoder.token_embedding.weight"] = full
    state["decoder.ln.bias"][SPARE] = 1.0
    dims = asdict(network.dims) | {"n_vocab": WHISPER_VOCABULARY}
    head = {"weight": network.characters.weight, "bias": network.characters.bias}
    torch.save(
        {
            "dims": dims,
            "model_state_dict": {name: value.half().contiguous() for name, value in state.items()},
            "ctc_head": {name: value.detach().cpu().half() for name, value in head.items()},
            "ctc_alphabet": "_" + CHARACTERS,
        },
        path,
    )
