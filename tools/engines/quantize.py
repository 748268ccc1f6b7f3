"""Quantizations of two real neural voices, and the variants file with which the suites compare them.

Piper's voice joe is published in fp32: fp16 and dynamic int8 are made from it. hibari is published in dynamic int8
alone: its fp32 is the same weights with the arithmetic in full precision, and fp16 is made from that.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import onnx

from tools.engines.bench import Missing, interpreter, joe
from tools.engines.graphs import to_float16, to_float32, to_int8

PRECISIONS = ("fp32", "fp16", "int8")
PIPER = """[variants.piper-{precision}]
adapter = "http"
model = "{model}"
seed_policy = "none"{reference}

[variants.piper-{precision}.settings]
start = ["{python}", "-m", "piper.http_server", "--model", "{{model}}", "--host", "127.0.0.1", "--port", "{{port}}", \
"--noise-scale", "0", "--noise-w-scale", "0"]
url = "http://127.0.0.1:{{port}}"
path = "/synthesize"
ready = "/info"
text_field = "text"
seed_fields = []

"""
HIBARI = """[variants.hibari-{precision}]
adapter = "python"
model = "{model}"{reference}

[variants.hibari-{precision}.settings]
python = "{python}"
setup = "hibari:Hibari"
setup_arguments = {{ model = "{{model}}" }}
call = ":stream"
arguments = {{ text = "{{text}}", seed = "{{seed}}" }}
sample_rate = 24000

"""


def piper(work: Path) -> Path:
    """Write Piper's voice in three precisions and its variants file; return the file. Raises Missing."""
    source, folder = joe(), work / "piper"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, folder / "fp32.onnx")
    onnx.save(to_float16(onnx.load(source)), folder / "fp16.onnx")
    to_int8(source, folder / "int8.onnx")
    for precision in PRECISIONS:
        shutil.copyfile(f"{source}.json", folder / f"{precision}.onnx.json")
    return _variants(folder, PIPER, interpreter("piper"))


def hibari(work: Path) -> Path:
    """Write hibari's voice in three precisions and its variants file; return the file. Raises Missing."""
    source, folder = shipped_hibari(), work / "hibari"
    folder.mkdir(parents=True, exist_ok=True)
    model = onnx.load(source)
    to_float32(model)
    onnx.save(model, folder / "fp32.onnx")
    onnx.save(to_float16(model), folder / "fp16.onnx")
    shutil.copyfile(source, folder / "int8.onnx")
    return _variants(folder, HIBARI, interpreter("hibari"))


def shipped_hibari() -> Path:
    """Return the model in hibari's package. Raises Missing."""
    code = "import hibari, pathlib; print(pathlib.Path(hibari.__file__).parent / 'assets' / 'hibari.onnx')"
    found = subprocess.run([interpreter("hibari"), "-c", code], capture_output=True, text=True)
    if found.returncode:
        raise Missing("hibari-tts is not in its environment (docs/presets/hibari.md)")
    return Path(found.stdout.strip())


def _variants(folder: Path, template: str, python: str) -> Path:
    path = folder / "variants.toml"
    parts = [
        template.format(
            precision=precision,
            model=(folder / f"{precision}.onnx").resolve(),
            python=python,
            reference="\nreference = true" if precision == "fp32" else "",
        )
        for precision in PRECISIONS
    ]
    path.write_text("".join(parts), encoding="utf-8")
    return path
