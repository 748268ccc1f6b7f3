"""From an openai-whisper checkpoint to a CTranslate2 folder that faster-whisper loads, with nothing downloaded.

    python -m tools.recognizer convert --folder FOLDER

The usual way leads through another library's model format and a tokenizer from the network. Neither is needed: the
weights are put where CTranslate2 wants them; ``tokenizer.json`` is made from the vocabulary in openai-whisper's wheel.
"""

from __future__ import annotations

from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np


def convert(checkpoint: Path, folder: Path) -> None:
    """Write ``folder`` (model.bin, config.json, vocabulary.json, tokenizer.json), float32.

    Raises FileExistsError when the folder is there already, whatever ``whisper.load_model`` raises for the checkpoint,
    and ImportError without the extra ``faster-whisper``.
    """
    import whisper
    from ctranslate2.converters.converter import Converter

    model = whisper.load_model(str(checkpoint), device="cpu")
    names = _names(model.is_multilingual)

    class FromWhisper(Converter):
        def _load(self) -> Any:
            return _specification(model, names)

    if folder.exists():
        raise FileExistsError(f"{folder}: already there")
    FromWhisper().convert(str(folder))
    _tokenizer(model.is_multilingual).save(str(folder / "tokenizer.json"))


def _specification(model: Any, names: list[str]) -> Any:
    from ctranslate2.specs import WhisperSpec

    dims = model.dims
    spec = WhisperSpec(dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer, dims.n_text_head)
    for source, target in ((model.encoder.conv1, spec.encoder.conv1), (model.encoder.conv2, spec.encoder.conv2)):
        target.weight, target.bias = _array(source.weight), _array(source.bias)
    spec.encoder.position_encodings.encodings = _array(model.encoder.positional_embedding)
    spec.decoder.position_encodings.encodings = _array(model.decoder.positional_embedding)
    _norm(spec.encoder.layer_norm, model.encoder.ln_post)
    _norm(spec.decoder.layer_norm, model.decoder.ln)
    spec.decoder.embeddings.weight = _array(model.decoder.token_embedding.weight)
    spec.decoder.projection.weight = _array(model.decoder.token_embedding.weight)
    for layers, blocks in ((spec.encoder.layer, model.encoder.blocks), (spec.decoder.layer, model.decoder.blocks)):
        for layer, block in zip(layers, blocks, strict=True):
            _block(layer, block)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = []
    # every head of the later half, as openai-whisper takes for a checkpoint it has no list for
    spec.config.alignment_heads = [
        list(pair) for pair in product(range(dims.n_text_layer // 2, dims.n_text_layer), range(dims.n_text_head))
    ]
    spec.register_vocabulary(names)
    return spec


def _block(layer: Any, block: Any) -> None:
    _norm(layer.self_attention.layer_norm, block.attn_ln)
    own = block.attn
    _fused(layer.self_attention.linear[0], [own.query, own.key, own.value])
    _fused(layer.self_attention.linear[1], [own.out])
    if block.cross_attn is not None:
        _norm(layer.attention.layer_norm, block.cross_attn_ln)
        cross = block.cross_attn
        _fused(layer.attention.linear[0], [cross.query])
        _fused(layer.attention.linear[1], [cross.key, cross.value])
        _fused(layer.attention.linear[2], [cross.out])
    _norm(layer.ffn.layer_norm, block.mlp_ln)
    _fused(layer.ffn.linear_0, [block.mlp[0]])
    _fused(layer.ffn.linear_1, [block.mlp[2]])


def _fused(target: Any, sources: list[Any]) -> None:
    """Whisper's keys have no bias: zero there."""
    target.weight = np.concatenate([_array(s.weight) for s in sources])
    biases = [np.zeros(s.weight.shape[0], np.float32) if s.bias is None else _array(s.bias) for s in sources]
    target.bias = np.concatenate(biases)


def _norm(target: Any, source: Any) -> None:
    target.gamma, target.beta = _array(source.weight), _array(source.bias)


def _array(tensor: Any) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().float().numpy())


def _encoding(multilingual: bool) -> Any:
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(multilingual).encoding


def _names(multilingual: bool) -> list[str]:
    """All tokens by id, written as GPT-2's vocabulary files write bytes."""
    encoding = _encoding(multilingual)
    ranks, letters = encoding._mergeable_ranks, _letters()
    every = {rank: "".join(letters[b] for b in token) for token, rank in ranks.items()}
    every |= {rank: name for name, rank in encoding._special_tokens.items()}
    return [every[i] for i in range(len(every))]


def _tokenizer(multilingual: bool) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    encoding = _encoding(multilingual)
    ranks, letters = encoding._mergeable_ranks, _letters()
    written = {token: "".join(letters[b] for b in token) for token in ranks}
    merges = [
        tuple(written[part] for part in _parts(ranks, token, rank))
        for token, rank in sorted(ranks.items(), key=lambda pair: pair[1])
        if len(token) > 1
    ]
    tokenizer = Tokenizer(models.BPE(vocab={written[t]: r for t, r in ranks.items()}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = sorted(encoding._special_tokens, key=encoding._special_tokens.__getitem__)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in special])
    return tokenizer


def _parts(ranks: dict[bytes, int], token: bytes, rank: int) -> list[bytes]:
    """The two tokens whose merge gives ``token``: its bytes, merged by every earlier rule."""
    parts = [bytes([b]) for b in token]
    while len(parts) > 2:
        pairs = [(ranks.get(a + b, rank), i) for i, (a, b) in enumerate(pairwise(parts))]
        best, at = min(pairs)
        if best >= rank:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _letters() -> dict[int, str]:
    """Bytes as printable characters: those that print stand for themselves, the others follow from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(0x100 + i) for i, b in enumerate(others)}
