"""``python -m tools.voice.ceiling``: what each stage between the teacher and the voice costs.

The teacher reads the chunks of a corpus. Its own sound, its parameters through the voice's vocoder, and its parameters
through the voice's codec, without and with the postfilter, are left as recordings with a variants file, so that the
soak test judges them beside the voice itself, whose language model made its own tokens:

    python -m tools.voice.ceiling --out work-ceiling --chunks 60
    pytest suites/stress --variants work-ceiling/variants.toml --chunks 60 --mos=distillmos --no-confirm
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from harness.audio import codec as runtime
from harness.audio.files import read_audio, write_wav
from harness.backends.voice.geometry import Geometry, load_geometry
from harness.core.records import Samples
from harness.corpora import head, load_corpus
from tools.voice import codec as fitting
from tools.voice import data, recipe

ROOT = Path(__file__).parents[2]
STAGES = ("teacher", "parameters", "codec", "codec-postfilter")
VARIANTS = """# Written by tools/voice/ceiling.py: the voice, and what came before it.
[defaults]
seed = 7
seed_policy = "per-chunk"
asr = "whisper"

[variants.f16]
adapter = "llama_codec"
model = "{model}"
settings = {{ speaker = "{speaker}", temperature = 0.6, top_p = 0.5 }}
"""
RECORDED = """
[variants.{stage}]
adapter = "recorded"
settings = {{ manifest = "{stage}.jsonl" }}
"""


def teacher_rows(texts: list[str], speaker: str, settings: recipe.Settings) -> Iterator[NDArray[np.float32]]:
    """Yield the teacher's parameters of each text, (steps, 31). Raises click.ClickException where it left one out."""
    program, work = recipe.compile_teacher(settings), settings.work
    (work / "texts.txt").write_text("".join(" ".join(t.split()) + "\n" for t in texts), encoding="utf-8")
    recipe.say(program, speaker, work, "texts")
    rows = data.parameter_rows(work / "texts.bin")
    said = list(data.utterances(work / "texts.ps"))
    if len(said) != len(texts):
        raise click.ClickException(f"the teacher said {len(said)} of {len(texts)} texts; which ones is not known")
    for utterance in said:
        yield np.array(rows[utterance.first : utterance.first + utterance.steps])


def teacher_sound(text: str, speaker: str, path: Path) -> Samples:
    """Return what the program ``flite`` says, float32 at 16 kHz. Raises click.ClickException without the program."""
    if shutil.which("flite") is None:
        raise click.ClickException("the program flite is not installed: apt-get install flite")
    subprocess.run(["flite", "-voice", speaker, "-t", text, "-o", str(path)], check=True, stdout=subprocess.DEVNULL)
    return read_audio(path).samples


def unquantized(rows: NDArray[np.float32]) -> runtime.Parameters:
    """Return the teacher's rows (steps, 31) as parameters of the vocoder, as they are."""
    f0, cepstra, strengths = np.split(rows.astype(np.float64), [1, 1 + runtime.CEPSTRA], axis=1)
    return runtime.Parameters(f0[:, 0], cepstra, strengths)


def stages(
    texts: list[str], speaker: str, settings: recipe.Settings, geometry: Geometry
) -> Iterator[dict[str, Samples]]:
    """Yield the sound of each text after every stage of ``STAGES``: float32 at 16 kHz."""
    codec, index = runtime.load_codec(geometry.codec), list(geometry.speakers).index(speaker)
    for text, rows in zip(texts, teacher_rows(texts, speaker, settings), strict=True):
        codes = fitting.encode(rows, codec, settings.sizes, index)
        yield {
            "teacher": teacher_sound(text, speaker, settings.work / "said.wav"),
            "parameters": runtime.synthesize(unquantized(rows)),
            "codec": runtime.decode_codes(codes, replace(codec, postfilter=0.0)),
            "codec-postfilter": runtime.decode_codes(codes, codec),
        }


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("work-ceiling"), show_default=True)
@click.option("--voice", type=click.Path(path_type=Path, exists=True), default=ROOT / "voices" / "duo")
@click.option("--corpus", "spec", default="book", show_default=True)
@click.option("--chunks", type=click.IntRange(min=1), default=60, show_default=True)
@click.option("--speaker", default="slt", show_default=True)
def main(out: Path, voice: Path, spec: str, chunks: int, speaker: str) -> None:
    """Write the recordings of every stage, their lists and a variants file to OUT."""
    corpus = head(load_corpus(spec), chunks)
    out.mkdir(parents=True, exist_ok=True)
    settings = recipe.Settings(work=out, out=voice)
    lists: dict[str, list[str]] = {stage: [] for stage in STAGES}
    sounds = stages([c.text for c in corpus.chunks], speaker, settings, load_geometry(voice / "voice.json"))
    for chunk, of_stage in zip(corpus.chunks, sounds, strict=True):
        for stage, samples in of_stage.items():
            path = out / "wav" / stage / f"{chunk.id}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, samples.astype(np.float32), runtime.SAMPLE_RATE)
            lists[stage].append(json.dumps({"id": chunk.id, "audio": str(path.relative_to(out)), "text": chunk.text}))
    for stage, lines in lists.items():
        (out / f"{stage}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    variants = VARIANTS.format(model=(voice / "f16.gguf").resolve(), speaker=speaker)
    recorded = "".join(RECORDED.format(stage=stage) for stage in STAGES)
    (out / "variants.toml").write_text(variants + recorded, encoding="utf-8")
    click.echo(
        f"{len(corpus.chunks)} chunks; now: pytest suites/stress --variants {out / 'variants.toml'} "
        f"--chunks {chunks} --mos=distillmos --no-confirm"
    )


if __name__ == "__main__":
    main()
