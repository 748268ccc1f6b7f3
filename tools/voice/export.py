"""Writes the trained model as GGUF (f16) and lets llama.cpp's own quantizer make the rest of the family."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.voice.geometry import Geometry
from tools.voice.model import EPSILON
from tools.voice.warm import LAYERS

# llama.cpp's LLAMA_FTYPE_MOSTLY_* numbers
FILE_TYPES = {"q8_0": 7, "q2_k": 10, "q4_k_s": 14, "q4_k_m": 15, "q5_k_m": 17}
F16 = 1


def token_names(geometry: Geometry, size: int) -> list[str]:
    """A unique name for every id (llama.cpp refuses doubles and aborts without a tokenizer)."""
    names = {geometry.bos: "<s>", geometry.eos: "</s>", geometry.end: "<end>", 0: "<pad>"}
    names |= {token: f"<speaker_{name}>" for name, token in geometry.speakers.items()}
    names |= {geometry.marker_offset + i: f"<m{i}>" for i in range(geometry.markers)}
    names |= {geometry.phone_offset + i: f"<p_{phone}>" for i, phone in enumerate(geometry.phones)}
    for index, book in enumerate(geometry.codebooks):
        names |= {book.offset + i: f"<a{index}_{i}>" for i in range(book.size)}
    return [names.get(i, f"<unused{i}>") for i in range(size)]


def _header(writer: Any, state: Mapping[str, Any], geometry: Geometry) -> None:
    import gguf

    shape, size = state["shape"], state["vocabulary"]
    writer.add_name(f"{geometry.name} codec language model")
    writer.add_vocab_size(size)
    writer.add_context_length(geometry.context)
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["feed_forward"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_rope_dimension_count(shape["width"] // shape["heads"])
    writer.add_file_type(F16)
    control = (0, geometry.bos, geometry.eos)
    kinds = gguf.TokenType
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(token_names(geometry, size))
    writer.add_token_scores([0.0] * size)
    writer.add_token_types([int(kinds.CONTROL if i in control else kinds.USER_DEFINED) for i in range(size)])
    writer.add_bos_token_id(geometry.bos)
    writer.add_eos_token_id(geometry.eos)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)


def write_f16(checkpoint: Path, geometry: Geometry, path: Path) -> None:
    """The checkpoint's weights as a llama model: matrices in f16, norms in f32."""
    import gguf

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights: Mapping[str, torch.Tensor] = state["model"]
    writer = gguf.GGUFWriter(str(path), "llama")
    _header(writer, state, geometry)

    def add(name: str, weight: torch.Tensor) -> None:
        array = weight.float().numpy()
        writer.add_tensor(name, array.astype(np.float16 if array.ndim > 1 else np.float32))

    add("token_embd.weight", weights["embedding.weight"])
    add("output_norm.weight", weights["norm"])
    for layer in range(state["shape"]["layers"]):
        for theirs, ours in LAYERS.items():
            add(f"blk.{layer}.{theirs}.weight", weights[f"blocks.{layer}.{ours}.weight"])
        add(f"blk.{layer}.attn_norm.weight", weights[f"blocks.{layer}.attention_norm"])
        add(f"blk.{layer}.ffn_norm.weight", weights[f"blocks.{layer}.feed_norm"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class _Parameters(ctypes.Structure):
    """llama_model_quantize_params: the two leading fields are stable, the rest is kept as the library gives it."""

    _fields_ = (("nthread", ctypes.c_int32), ("ftype", ctypes.c_int32), ("rest", ctypes.c_uint8 * 504))


def llama_library() -> Path:
    """libllama: the file named by LLAMA_LIBRARY, else the one inside llama-cpp-python (the ``divergence`` extra)."""
    if named := os.environ.get("LLAMA_LIBRARY"):
        return Path(named)
    import importlib.util

    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("quantizing needs llama.cpp: pip install llama-cpp-python, or set LLAMA_LIBRARY")
    found = sorted(Path(spec.origin).parent.glob("lib/libllama.*"))
    if not found:
        raise FileNotFoundError(f"no libllama beside {spec.origin}")
    return found[0]


def quantize(source: Path, target: Path, kind: str, library: Path) -> None:
    """Make one quantization of an f16 GGUF. Raises RuntimeError when llama.cpp refuses."""
    llama = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    llama.llama_model_quantize_default_params.restype = _Parameters
    llama.llama_model_quantize.restype = ctypes.c_uint32
    llama.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(_Parameters)]
    parameters = llama.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread = FILE_TYPES[kind], 1
    code = llama.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(parameters))
    if code:
        raise RuntimeError(f"llama.cpp could not make {target.name} (code {code})")
