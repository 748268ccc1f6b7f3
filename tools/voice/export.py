"""Writes the trained model as GGUF (f16)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.backends.voice.geometry import Geometry
from harness.backends.voice.grammar import token_names
from tools.voice.model import EPSILON, rope_factors
from tools.voice.warm import LAYERS

F16 = 1


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
    """Write the checkpoint's weights as a llama model: matrices in f16, norms in f32."""
    import gguf

    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights: Mapping[str, torch.Tensor] = state["model"]
    writer = gguf.GGUFWriter(str(path), "llama")
    _header(writer, state, geometry)

    def add(name: str, weight: torch.Tensor) -> None:
        array = weight.float().numpy()
        writer.add_tensor(name, array.astype(np.float16 if array.ndim > 1 else np.float32))

    shape = state["shape"]
    add("rope_freqs.weight", rope_factors(shape["width"] // shape["heads"], shape["free_pairs"]))
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
