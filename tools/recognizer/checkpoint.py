"""From a training checkpoint to a file that stock openai-whisper loads by its path."""

from __future__ import annotations

import hashlib
import json
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


def card(path: Path, training: Path, figures: Path) -> Path:
    """Write ``path`` with the suffix .json: what the checkpoint is, its digest, its training and its figures."""
    saved = torch.load(training, map_location="cpu", weights_only=False)
    measured = json.loads(figures.read_text(encoding="utf-8"))
    for found in [*measured["wer"].values(), *measured["pocketsphinx"].values(), measured["loops"]]:
        found.pop("examples", None)
    content = {
        "name": "offline recognizer, synthetic speech, English",
        "licence": "Apache-2.0. Trained on synthetic speech only (Flite, eSpeak NG).",
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "steps": saved["step"],
        "hours_heard": round(saved["heard_s"] / 3600, 1),
        "minutes": round(saved["used_s"] / 60),
        "figures": measured,
    }
    out = path.with_suffix(".json")
    out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return out
