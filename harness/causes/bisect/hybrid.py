"""Hybrids: the variant's GGUF file with some of its tensors replaced by the reference's."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from harness.causes.bisect.model_file import GgufModel
from harness.core.durable import sync, sync_directory

if TYPE_CHECKING:
    from gguf import ReaderTensor

_WRITTEN_BY_THE_WRITER = ("general.architecture", "general.alignment")


def write_hybrid(variant: GgufModel, reference: GgufModel, restored: Collection[str], target: Path) -> None:
    """Write ``variant`` to ``target`` with the tensors ``restored`` as ``reference`` stores them, bytes and types.

    Metadata are the variant's. The file is there whole or not at all. Raises KeyError for a tensor that is not in both,
    and OSError.
    """
    sources = {name: reference if name in restored else variant for name in variant.tensors}
    write_model(variant, {name: source.raw(name) for name, source in sources.items()}, target)


def write_model(like: GgufModel, tensors: dict[str, ReaderTensor], target: Path) -> None:
    """Write a GGUF file with the metadata of ``like`` and these tensors (``data`` and ``tensor_type`` each)."""
    import gguf

    temporary = target.with_name(f".{target.name}.tmp")
    writer = gguf.GGUFWriter(str(temporary), like.architecture, endianess=like.endianess)
    try:
        if "general.alignment" in like.fields:
            writer.add_custom_alignment(like.alignment)
        for key, field in like.fields.items():
            if key not in _WRITTEN_BY_THE_WRITER:
                inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
                writer.add_key_value(key, field.contents(), field.types[0], sub_type=inner)
        for name, raw in tensors.items():
            writer.add_tensor_info(name, raw.data.shape, raw.data.dtype, raw.data.nbytes, raw.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for raw in tensors.values():
            writer.write_tensor_data(raw.data)
        writer.close()
        _settle(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _settle(temporary: Path, target: Path) -> None:
    descriptor = os.open(temporary, os.O_RDONLY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(target)
    sync_directory(target.parent)
