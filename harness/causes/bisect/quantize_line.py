"""The ``llama-quantize`` command that builds a model with chosen tensors in the reference's types."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass

from harness.causes.bisect.model_file import GgufModel

_LAYERED = re.compile(r"blk\.(\d+)\.(.+)")


@dataclass(frozen=True, slots=True)
class TensorRule:
    """One ``--tensor-type``: a regular expression of names and the type that they are kept in."""

    pattern: str
    type_name: str


def tensor_rules(reference: GgufModel, restored: Collection[str]) -> list[TensorRule]:
    """Return the rules for these tensors, layers of one kind in one; vectors, which are never quantized, left out."""
    layers: dict[tuple[str, str], list[int]] = {}
    rules = []
    for name in sorted(restored):
        tensor = reference.tensors[name]
        if len(tensor.shape) < 2:
            continue
        match = _LAYERED.fullmatch(name)
        if match:
            layers.setdefault((match[2], tensor.type_name), []).append(int(match[1]))
        else:
            rules.append(TensorRule(f"^{re.escape(name)}$", tensor.type_name))
    for (rest, kind), numbers in layers.items():
        which = "|".join(map(str, sorted(numbers)))
        which = f"({which})" if len(numbers) > 1 else which
        rules.append(TensorRule(rf"^blk\.{which}\.{re.escape(rest)}$", kind))
    return rules


def file_type(model: GgufModel) -> str:
    """Return the file's type as ``llama-quantize`` calls it, e.g. "Q2_K"; "TYPE" where the file does not say."""
    import gguf

    field = model.fields.get("general.file_type")
    if field is None:
        return "TYPE"
    try:
        return str(gguf.LlamaFileType(int(field.contents())).name).removeprefix("MOSTLY_").removeprefix("ALL_")
    except (ValueError, TypeError):
        return "TYPE"


def quantize_line(variant: GgufModel, reference: GgufModel, restored: Collection[str]) -> str:
    """Return the command, ready for a POSIX shell."""
    rules = [f"--tensor-type {shlex.quote(f'{r.pattern}={r.type_name.lower()}')}" for r in tensor_rules(reference, restored)]  # fmt: skip # noqa: E501
    names = f"{shlex.quote(reference.path.name)} {shlex.quote('restored-' + variant.path.name)}"
    return " ".join(["llama-quantize", *rules, names, file_type(variant)])
