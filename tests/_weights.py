"""A small model of four files for tests, and packages that carry it, as pip would leave them on disk."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from harness.scorers.weights.catalogue import KnownModel
from tests._places import ROOT

REVISION = "0123456789abcdef0123456789abcdef01234567"
_RUN = """
import sys
from pathlib import Path
from harness.core.errors import ConfigError
from harness.scorers.weights.catalogue import KnownModel
from harness.scorers.weights.availability import obtain
from harness.scorers.weights.folder import locate
ask = {"locate": locate, "obtain": obtain}[sys.argv[3]]
try:
    place = ask(KnownModel.model_validate_json(sys.argv[1]), sys.argv[2] == "offline")
except ConfigError as error:
    sys.exit(f"{error}")
print(place.folder)
"""


def contents(megabytes: float = 0.0) -> dict[str, bytes]:
    """Return files by name; model.bin has at least so many bytes."""
    weights = np.random.default_rng(7).bytes(max(int(megabytes * 1e6), 2000))
    return {"config.json": b"{}", "model.bin": weights, "tokenizer.json": b'{"a": 1}', "vocabulary.txt": b"a\nb\n"}


def small_model(files: dict[str, bytes], halves: bool = False, packages: str = "carrier") -> KnownModel:
    """Return a model of ``files``, carried by a package of whole files, or by two with a half of model.bin each."""
    described = []
    for name, data in files.items():
        pieces = _halves(data) if halves and name == "model.bin" else [data]
        parts = [
            {
                "package": f"{packages}-{index}",
                "version": "1.0",
                "path": f"{packages}_{index}/data/{_piece_name(name, index, len(pieces))}",
                **_pinned(piece),
            }
            for index, piece in enumerate(pieces, 1)
        ]
        described.append({"name": name, "parts": parts, **_pinned(data)})
    return KnownModel.model_validate(
        {
            "name": "small",
            "title": "a small model",
            "languages": ["en"],
            "licence": "MIT",
            "repository": "somebody/small",
            "revision": REVISION,
            "files": described,
        }
    )


def install(site: Path, model: KnownModel, files: dict[str, bytes]) -> dict[str, Path]:
    """Lay the packages of ``model`` down in ``site``; return the path of every carried file by its name there."""
    paths: dict[str, Path] = {}
    records: dict[str, list[str]] = {}
    for file in model.files:
        data = files[file.name]
        for part, piece in zip(file.parts, _halves(data) if len(file.parts) == 2 else [data], strict=True):
            path = site / part.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(piece)
            paths[path.name] = path
            records.setdefault(part.package, []).append(f"{part.path},,")
    for package, lines in records.items():
        module = package.replace("-", "_")
        (site / module / "__init__.py").write_text("raise RuntimeError('the code of a carrier was imported')\n")
        info = site / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "RECORD").write_text("\n".join([f"{module}/__init__.py,,", *lines]) + "\n")
    return paths


def start(
    model: KnownModel, site: Path, cache: Path, offline: bool = True, ask: str = "locate", **environment: str
) -> subprocess.Popen[str]:
    """Ask for the model in a process of its own; it prints the folder, or ends with the one line of the error.

    ``ask``: ``locate``, as a run does, or ``obtain``, as ``tts-soak models get`` does.
    """
    variables = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "TTS_SOAK_CACHE": str(cache),
        "HF_HOME": str(site / "no-hub"),
        **environment,
    }
    variables.pop("HF_HUB_CACHE", None)
    command = [sys.executable, "-c", _RUN, model.model_dump_json(), "offline" if offline else "online", ask]
    return subprocess.Popen(command, env=variables, cwd=site, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _halves(data: bytes) -> list[bytes]:
    return [data[: len(data) // 2], data[len(data) // 2 :]]


def _piece_name(name: str, index: int, count: int) -> str:
    return name if count == 1 else f"{name}.part{index}"


def _pinned(data: bytes) -> dict[str, int | str]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
