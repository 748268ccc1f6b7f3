"""Token geometry and model size of the voice that the recipe makes; writes its ``voice.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.audio import codec as runtime
from harness.backends.voice.geometry import SCHEMA
from tools.voice.codec import Sizes

BOS, EOS, END, FIRST_SPEAKER = 1, 2, 3, 4
FIRST_MARKER, MARKERS = 16, 384  # as many as the longest input has phones, so that none stands twice
PHONE_SLOTS = 64
_PHONES = (
    "pau aa0 aa1 ae0 ae1 ah0 ah1 ao0 ao1 aw0 aw1 ax0 ax1 ay0 ay1 eh0 eh1 er0 er1 ey0 ey1 ih0 ih1 iy0 iy1 ow0 ow1 oy0 "
    "oy1 uh0 uh1 uw0 uw1 b ch d dh f g hh jh k l m n ng p r s sh t th v w y z zh"
)
PHONES = tuple(_PHONES.split())
SPEAKERS = ("slt", "rms")
CONTEXT = 4096
LICENCE = "Apache-2.0. Teacher: Flite's cmu_us_slt and cmu_us_rms (Carnegie Mellon University, free BSD-like licence)."


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of the language model. Rows of 256 suit the k-quants."""

    width: int = 256
    layers: int = 6
    heads: int = 4
    feed_forward: int = 768
    rope_base: float = 10000.0
    # pairs of channels a head that do not turn with position: a marker is found by what it is alone
    free_pairs: int = 16


def codebooks(sizes: Sizes) -> list[dict[str, Any]]:
    """Return the name, offset and size of the three codebooks, after markers and phones."""
    offset = FIRST_MARKER + MARKERS + PHONE_SLOTS
    out = []
    for name, size in (
        ("stage1", sizes.stage1 * sizes.speakers),
        ("stage2", sizes.stage2),
        ("prosody", sizes.prosody * sizes.speakers),
    ):
        out.append({"name": name, "offset": offset, "size": size})
        offset += size
    return out


def vocabulary(sizes: Sizes) -> int:
    """Return the number of token ids, a multiple of 64."""
    last = codebooks(sizes)[-1]
    return -(-(last["offset"] + last["size"]) // 64) * 64


def describe(name: str, sizes: Sizes, files: Mapping[str, Path], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``voice.json``. ``files``: every file of the family that exists already."""
    return {
        "schema_version": SCHEMA,
        "name": name,
        "licence": LICENCE,
        "sample_rate": runtime.SAMPLE_RATE,
        "frame_seconds": runtime.STEPS * runtime.STEP_SECONDS,
        "context": CONTEXT,
        "segment_phones": 0,
        "cap": {"base": 80, "per_phone": 15},
        "default_speaker": SPEAKERS[0],
        "speakers": {speaker: FIRST_SPEAKER + i for i, speaker in enumerate(SPEAKERS)},
        "codec": {"file": "codec.npz", "format": "envelope-rvq-1"},
        "tokens": {
            "bos": BOS,
            "eos": EOS,
            "end": END,
            "markers": {"offset": FIRST_MARKER, "count": MARKERS},
            "phones": {"offset": FIRST_MARKER + MARKERS, "names": list(PHONES), "said": True},
            "codebooks": codebooks(sizes),
        },
        "files": {
            key: {"file": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)}
            for key, path in files.items()
        },
        **extra,
    }


def sha256(path: Path) -> str:
    """Return hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(description: Mapping[str, Any], path: Path) -> None:
    """Write ``voice.json``."""
    path.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
