"""A published speech model in small: Orpheus's vocabulary, prompt and slots in GGUF, and a SNAC codec, weights random.

The model's only knowledge is which slot follows which: its layers add nothing, so the next token depends on the last
one alone, every code of the right slot is as likely as any other, and after a whole frame it stops one time in twenty.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FIRST, SIZE, SLOTS = 128266, 4096, 7
BOS, EOT, START, STOP, HUMAN, HUMAN_END, AI = 128000, 128009, 128257, 128258, 128259, 128260, 128261
VOCABULARY = FIRST + SLOTS * SIZE + 10  # ends a little beyond the codes
WIDTH = 16
CERTAIN = 20.0  # nats that the right slot is above everything else
MERGES = ("H e", "He l", "Ġ t", "Ġt h")
SNAC = {
    "sampling_rate": 24000, "encoder_dim": 2, "encoder_rates": [2, 4, 8, 8], "latent_dim": 16, "decoder_dim": 32,
    "decoder_rates": [8, 8, 4, 2], "attn_window_size": None, "codebook_size": SIZE, "codebook_dim": 4,
    "vq_strides": [4, 2, 1], "noise": True, "depthwise": True,
}  # fmt: skip
DESCRIPTION: dict[str, Any] = {
    "schema_version": 1, "kind": "snac", "name": "small orpheus", "sample_rate": 24000, "frame_samples": 2048,
    "context": 1024, "prompt": [HUMAN, BOS, "{voice}: {text}", EOT, HUMAN_END, AI, START],
    "speakers": ["tara", "leo"], "default_speaker": "tara", "max_tokens": 350, "codec": "codec",
    "tokens": {"start": START, "stop": STOP, "first": FIRST, "codebook_size": SIZE, "slots": [0, 1, 2, 2, 1, 2, 2]},
}  # fmt: skip


def byte_names() -> list[str]:
    """The 256 byte tokens of byte-level BPE, in the order of bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    shifted = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(shifted)) for byte in range(256)]


def names() -> list[str]:
    """Names of all tokens by id."""
    vocabulary = byte_names() + [merge.replace(" ", "") for merge in MERGES]
    vocabulary += [f"<unused_{i}>" for i in range(len(vocabulary), VOCABULARY)]
    for token, name in {BOS: "<|begin_of_text|>", EOT: "<|eot_id|>"}.items():
        vocabulary[token] = name
    for token in range(128256, VOCABULARY):
        vocabulary[token] = f"<custom_token_{token - 128256}>"
    return vocabulary


def write_model(path: Path, follows: Mapping[int, int] | None = None, stops: bool = True) -> Path:
    """Write the GGUF; ``follows`` says which slot comes after which (6 -> 0 ends a frame)."""
    import gguf

    order = {slot: (slot + 1) % SLOTS for slot in range(SLOTS)} if follows is None else dict(follows)
    entered = np.zeros((VOCABULARY, WIDTH), np.float32)
    left = np.zeros((VOCABULARY, WIDTH), np.float32)
    entered[:, WIDTH - 1] = 1.0
    for slot in range(SLOTS):
        rows = slice(FIRST + slot * SIZE, FIRST + (slot + 1) * SIZE)
        entered[rows] = np.eye(WIDTH)[slot]
        for before, after in order.items():
            if after == slot:
                left[rows, before] = CERTAIN
    left[FIRST : FIRST + SIZE, WIDTH - 1] = CERTAIN  # after the prompt comes slot 0
    if stops:
        left[STOP, SLOTS - 1] = CERTAIN + np.log(SIZE / 19)
    left /= np.sqrt(WIDTH)  # a single one, normed by its root mean square
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer)
    writer.add_tensor("token_embd.weight", entered.astype(np.float16))
    writer.add_tensor("output.weight", left.astype(np.float16))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros((WIDTH, WIDTH), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: Any) -> None:
    import gguf

    writer.add_context_length(1024)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(1)
    writer.add_head_count_kv(1)
    writer.add_rope_dimension_count(WIDTH)
    writer.add_layer_norm_rms_eps(1e-9)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    listed = names()
    kinds = np.full(VOCABULARY, int(gguf.TokenType.NORMAL))
    kinds[BOS:] = int(gguf.TokenType.CONTROL)
    writer.add_token_list(listed)
    writer.add_token_types(kinds.tolist())
    writer.add_token_merges(list(MERGES))
    writer.add_bos_token_id(BOS)
    writer.add_eos_token_id(EOT)  # as published: the end of speech is not the end that the file names
    writer.add_add_bos_token(True)


def write_codec(folder: Path) -> Path:
    """The files of a SNAC codec with random weights, always the same."""
    import snac
    import torch

    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(SNAC))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = snac.SNAC(**SNAC)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def write_voice(folder: Path, **changes: Any) -> Path:
    """``voice.json`` with other values."""
    path = folder / "voice.json"
    path.write_text(json.dumps({**DESCRIPTION, **changes}))
    return path


def frame(codes: list[int]) -> list[int]:
    """Token ids of one frame of seven codes."""
    return [FIRST + slot * SIZE + code for slot, code in enumerate(codes)]
