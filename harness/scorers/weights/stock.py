"""A known model as a checkpoint of openai-whisper, made from the verified CTranslate2 file by renaming its arrays.

The published conversion only joins matrices that share an input (queries, keys and values) and adds a bias of zeros to
the keys, so going back loses nothing: the values are those of the float16 file, bit by bit. The mel filters come from
openai-whisper itself. Its loader takes a dictionary of ``dims`` and ``model_state_dict``.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
from functools import partial
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from harness.core.durable import write_durably
from harness.core.errors import ConfigError
from harness.core.hashes import sha256_of
from harness.core.paths import cache_root
from harness.scorers.weights.cache import put_once
from harness.scorers.weights.catalogue import KnownModel, known_model
from harness.scorers.weights.ctranslate2_file import ModelFile
from harness.scorers.weights.folder import model_folder

_RECIPE = 1  # counts up with every change of what is written; an older cached checkpoint is made again
_DIGEST = "sha256"  # the name of the file that says what the checkpoint must be

Array = NDArray[np.generic]


def stock_checkpoint(name: str, *, offline: bool | None = None) -> Path:
    """Return the path of a checkpoint that ``whisper.load_model`` takes, converted once from the verified weights.

    It is kept in the project's cache beside its hash, and made again where it no longer fits. It has no pickled code:
    ``torch.load(weights_only=True)`` loads it. A checkpoint cannot carry the heads that time the words: hand
    ``alignment_heads`` to the loaded model. Raises ConfigError as ``model_folder`` does.
    """
    model = known_model(name)
    source = model_folder(name, offline=offline) / "model.bin"
    folder = cache_root() / "stock" / f"{name}-{model.revision[:12]}-{_RECIPE}"
    put_once(folder, source.stat().st_size, partial(_fits, model), partial(_convert, model, source))
    return folder / _file_name(model)


def alignment_heads(name: str, *, offline: bool | None = None) -> bytes:
    """Return the heads that align words with time, as ``set_alignment_heads`` of openai-whisper's model takes them.

    A checkpoint does not carry them, and without them openai-whisper takes all heads of the later layers, which makes
    word times coarse. They are those of the model's config.json. Raises ConfigError as ``model_folder`` does.
    """
    folder = model_folder(name, offline=offline)
    config: _Config = json.loads((folder / "config.json").read_bytes())
    dims = _dims(ModelFile.open(folder / "model.bin"))
    mask = np.zeros((dims["n_text_layer"], dims["n_text_head"]), dtype=bool)
    mask[tuple(np.array(config["alignment_heads"]).T)] = True
    return base64.b85encode(gzip.compress(mask.tobytes()))


class _Config(TypedDict):
    """The part of a model's config.json that is read: pairs of layer and head."""

    alignment_heads: list[list[int]]


class _Dimensions(TypedDict):
    """openai-whisper's ``ModelDimensions``, as a checkpoint holds them."""

    n_mels: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_vocab: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int


def _file_name(model: KnownModel) -> str:
    return f"{model.name}.pt"


def _fits(model: KnownModel, folder: Path) -> bool:
    try:
        return sha256_of(folder / _file_name(model)) == (folder / _DIGEST).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return False


def _convert(model: KnownModel, source: Path, folder: Path) -> None:
    import torch

    stored = ModelFile.open(source)
    state = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in _state(stored).items()}
    buffer = io.BytesIO()  # a full disk under torch.save is a RuntimeError without a reason
    torch.save({"dims": _dims(stored), "model_state_dict": state}, buffer)
    path = folder / _file_name(model)
    write_durably(path, buffer.getvalue())
    write_durably(folder / _DIGEST, sha256_of(path).encode("ascii"))


def _dims(stored: ModelFile) -> _Dimensions:
    """Return openai-whisper's ``ModelDimensions``, from the shapes of the arrays."""
    vocabulary, text_state = stored.variables["decoder/embeddings/weight"].shape
    audio_context, audio_state = stored.variables["encoder/position_encodings/encodings"].shape
    return {
        "n_mels": stored.variables["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": audio_context,
        "n_audio_state": audio_state,
        "n_audio_head": int(stored.array("encoder/num_heads")),
        "n_audio_layer": _layers(stored, "encoder"),
        "n_vocab": vocabulary,
        "n_text_ctx": stored.variables["decoder/position_encodings/encodings"].shape[0],
        "n_text_state": text_state,
        "n_text_head": int(stored.array("decoder/num_heads")),
        "n_text_layer": _layers(stored, "decoder"),
    }


def _layers(stored: ModelFile, half: str) -> int:
    first_norm = "/self_attention/layer_norm/gamma"
    return sum(name.startswith(f"{half}/layer_") and name.endswith(first_norm) for name in stored.variables)


def _state(stored: ModelFile) -> dict[str, Array]:
    dims = _dims(stored)
    state = {
        "encoder.positional_embedding": stored.array("encoder/position_encodings/encodings"),
        "decoder.positional_embedding": stored.array("decoder/position_encodings/encodings"),
        "decoder.token_embedding.weight": stored.array("decoder/embeddings/weight"),
    }
    for name in ("conv1", "conv2"):
        state |= _linear(stored, f"encoder/{name}", f"encoder.{name}")
    state |= _norm(stored, "encoder/layer_norm", "encoder.ln_post") | _norm(stored, "decoder/layer_norm", "decoder.ln")
    for half, layers in (("encoder", dims["n_audio_layer"]), ("decoder", dims["n_text_layer"])):
        for index in range(layers):
            state |= _block(stored, f"{half}/layer_{index}", f"{half}.blocks.{index}")
    return state


def _block(stored: ModelFile, source: str, target: str) -> dict[str, Array]:
    own, cross = f"{source}/self_attention", f"{source}/attention"
    state = _norm(stored, f"{own}/layer_norm", f"{target}.attn_ln")
    state |= _split(stored, f"{own}/linear_0", f"{target}.attn", ("query", "key", "value"))
    state |= _linear(stored, f"{own}/linear_1", f"{target}.attn.out")
    if f"{cross}/linear_0/weight" in stored.variables:
        state |= _norm(stored, f"{cross}/layer_norm", f"{target}.cross_attn_ln")
        state |= _linear(stored, f"{cross}/linear_0", f"{target}.cross_attn.query")
        state |= _split(stored, f"{cross}/linear_1", f"{target}.cross_attn", ("key", "value"))
        state |= _linear(stored, f"{cross}/linear_2", f"{target}.cross_attn.out")
    state |= _norm(stored, f"{source}/ffn/layer_norm", f"{target}.mlp_ln")
    state |= _linear(stored, f"{source}/ffn/linear_0", f"{target}.mlp.0")
    return state | _linear(stored, f"{source}/ffn/linear_1", f"{target}.mlp.2")


def _linear(stored: ModelFile, source: str, target: str) -> dict[str, Array]:
    return {f"{target}.{kind}": stored.array(f"{source}/{kind}") for kind in ("weight", "bias")}


def _norm(stored: ModelFile, source: str, target: str) -> dict[str, Array]:
    return {
        f"{target}.weight": stored.array(f"{source}/gamma"),
        f"{target}.bias": stored.array(f"{source}/beta"),
    }


def _split(stored: ModelFile, source: str, target: str, names: tuple[str, ...]) -> dict[str, Array]:
    """Take joined matrices apart. Whisper's keys have no bias; what the conversion put there must be zeros."""
    weights = np.split(stored.array(f"{source}/weight"), len(names))
    biases = np.split(stored.array(f"{source}/bias"), len(names))
    state = {f"{target}.{name}.weight": weight for name, weight in zip(names, weights, strict=True)}
    for name, bias in zip(names, biases, strict=True):
        if name != "key":
            state[f"{target}.{name}.bias"] = bias
        elif np.any(bias):
            raise ConfigError(f"{stored.path}: {source} has a bias for its keys, so it is no Whisper model")
    return state
