"""The tensors of a GGUF file as they are stored: names, types, sizes, kinds and layers; and two files compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import ConfigError

if TYPE_CHECKING:
    from gguf import GGUFEndian, ReaderField, ReaderTensor

_LAYER = re.compile(r"blk\.(\d+)\.(.+)")
_KINDS = (  # a pattern of the name within its layer, and what such a tensor does
    (r"(token_embd|tok_embd|per_layer_token_embd)\b(?!_norm)", "embeddings"),
    (r"output\.(weight|bias)", "output"),
    (r".*norm.*", "norms"),
    (r"attn_q(_a|_b)?\.", "attention q"),
    (r"attn_k(_b)?\.", "attention k"),
    (r"attn_v(_b)?\.", "attention v"),
    (r"attn_qkv\.", "attention qkv"),
    (r"attn_output\.", "attention output"),
    (r"ffn_up.*", "feed-forward up"),
    (r"ffn_gate.*", "feed-forward gate"),
    (r"ffn_down.*", "feed-forward down"),
)


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """One tensor of a file. ``size`` in bytes; ``shape`` as GGUF writes it, the fastest axis first."""

    name: str
    type_name: str
    shape: tuple[int, ...]
    size: int

    @property
    def layer(self) -> int | None:
        """Return the index of the block that it belongs to, None outside of all blocks."""
        match = _LAYER.match(self.name)
        return int(match[1]) if match else None

    @property
    def kind(self) -> str:
        """Return what it does, whatever its layer: "attention q", "norms", "other"..."""
        match = _LAYER.match(self.name)
        within = match[2] if match else self.name
        return next((kind for pattern, kind in _KINDS if re.match(pattern, within)), "other")


class GgufModel:
    """An open GGUF file. Raises ConfigError, one line with ``where``, for anything that is not one."""

    def __init__(self, path: Path, where: str) -> None:
        import gguf

        self.path = path
        try:
            with path.open("rb") as file:
                magic = file.read(4)
            if magic != b"GGUF":
                raise ConfigError(f"{where}: {path.name} is not a GGUF file")
            self._reader = gguf.GGUFReader(str(path))
        except OSError as error:
            raise ConfigError(f"{where}: {path.name} cannot be read ({error.strerror})") from None
        except (ValueError, KeyError, IndexError, OverflowError, MemoryError) as error:  # a damaged file
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise ConfigError(f"{where}: {path.name} is damaged: {why}") from None
        self._raw: dict[str, ReaderTensor] = {tensor.name: tensor for tensor in self._reader.tensors}
        if not self._raw:
            raise ConfigError(f"{where}: {path.name} holds no tensors")

    @cached_property
    def tensors(self) -> dict[str, StoredTensor]:
        """Return the tensors by name, in the order of the file."""
        return {
            name: StoredTensor(
                name, raw.tensor_type.name, tuple(int(size) for size in raw.shape), int(np.asarray(raw.data).nbytes)
            )
            for name, raw in self._raw.items()
        }

    def raw(self, name: str) -> ReaderTensor:
        """Return the tensor as the gguf library gives it: ``data`` (stored bytes as an array) and ``tensor_type``."""
        return self._raw[name]

    @property
    def fields(self) -> dict[str, ReaderField]:
        """Return metadata as the gguf library gives it, by key; GGUF's own counts left out."""
        return {key: field for key, field in self._reader.fields.items() if not key.startswith("GGUF.")}

    @property
    def endianess(self) -> GGUFEndian:
        """Return byte order of the file."""
        return self._reader.endianess

    @property
    def alignment(self) -> int:
        """Return bytes that tensors are aligned to."""
        return int(self._reader.alignment)

    @property
    def architecture(self) -> str:
        """Return what llama.cpp takes it for, e.g. "llama"; empty where the file does not say."""
        field = self.fields.get("general.architecture")
        return str(field.contents()) if field is not None else ""


def refuse_other_model(variant: GgufModel, reference: GgufModel) -> None:
    """Raise ConfigError unless both files hold the same tensors of one architecture, in whatever types."""
    names = f"{variant.path.name} and {reference.path.name}"
    if variant.architecture != reference.architecture:
        kinds = f"{variant.architecture or 'unnamed'!r} and {reference.architecture or 'unnamed'!r}"
        raise ConfigError(f"bisect: {names} are of two architectures, {kinds}: nothing can be exchanged")
    ours, theirs = set(variant.tensors), set(reference.tensors)
    for name in sorted(ours ^ theirs):
        where = variant if name in ours else reference
        more = f" and {len(ours ^ theirs) - 1} more" if len(ours ^ theirs) > 1 else ""
        raise ConfigError(f"bisect: {names} have other tensors: {name}{more} only in {where.path.name}")
    for name, own in variant.tensors.items():
        other = reference.tensors[name]
        if own.shape != other.shape:
            raise ConfigError(f"bisect: {names}: {name} has shape {own.shape} in one and {other.shape} in the other")


def differing_tensors(variant: GgufModel, reference: GgufModel) -> tuple[str, ...]:
    """Return names of the tensors that are not stored as the very same bytes of the same type.

    Only they can be a cause.
    """
    return tuple(
        name
        for name in variant.tensors
        if variant.raw(name).tensor_type != reference.raw(name).tensor_type
        or not np.array_equal(_stored(variant, name), _stored(reference, name))
    )


def differing_metadata(variant: GgufModel, reference: GgufModel) -> tuple[str, ...]:
    """Return keys whose values differ and that no quantization writes: they can be a cause that no tensor is."""
    own, other = variant.fields, reference.fields
    return tuple(
        key
        for key in sorted({*own, *other})
        if key not in _OF_QUANTIZATION
        and not key.startswith("quantize.")
        and (key not in own or key not in other or own[key].contents() != other[key].contents())
    )


_OF_QUANTIZATION = ("general.file_type", "general.quantization_version", "general.name", "general.quantized_by")


def _stored(file: GgufModel, name: str) -> NDArray[np.uint8]:
    return np.asarray(file.raw(name).data).reshape(-1).view(np.uint8)
