"""``python -m tools.voice.ceiling``: what the voice would be if its language model made no mistake.

The teacher reads the chunks of a corpus, its parameters go through the voice's codec, and the sound is left as
recordings with a variants file, so that the soak test judges them beside the voice itself:

    python -m tools.voice.ceiling --out work-ceiling --chunks 320
    pytest suites/stress --variants work-ceiling/variants.toml --chunks 320
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from harness.audio.files import write_wav
from harness.core.records import Samples
from harness.corpora import head, load_corpus
from harness.voice import codec as runtime
from harness.voice.geometry import load_geometry
from tools.voice import codec as fitting
from tools.voice import data, recipe

ROOT = Path(__file__).parents[2]
RATE = 16_000
VARIANTS = """# Written by tools/voice/ceiling.py: the voice, and the teacher's own tokens through the same decoder.
[defaults]
seed = 7
seed_policy = "per-chunk"
asr = "whisper"

[variants.teacher-tokens]
adapter = "recorded"
settings = {{ manifest = "teacher.jsonl" }}

[variants.f16]
adapter = "llama_codec"
model = "{model}"
settings = {{ speaker = "{speaker}", temperature = 0.6, top_p = 0.5 }}
"""


def spoken(texts: list[str], speaker: str, voice: Path, work: Path) -> Iterator[Samples]:
    """Yield each text as the teacher says it, through the voice's codec: float32 at 16 kHz.

    Raises click.ClickException where the teacher leaves a text out.
    """
    settings = recipe.Settings(work=work, out=voice)
    program = recipe.compile_teacher(settings)
    (work / "texts.txt").write_text("".join(" ".join(t.split()) + "\n" for t in texts), encoding="utf-8")
    recipe.say(program, speaker, work, "texts")
    geometry = load_geometry(voice / "voice.json")
    codec, index = runtime.load_codec(geometry.codec), list(geometry.speakers).index(speaker)
    rows = data.parameter_rows(work / "texts.bin")
    said = list(data.utterances(work / "texts.ps"))
    if len(said) != len(texts):
        raise click.ClickException(f"the teacher said {len(said)} of {len(texts)} texts; which ones is not known")
    for utterance in said:
        taken = np.array(rows[utterance.first : utterance.first + utterance.steps])
        yield runtime.decode_codes(fitting.encode(taken, codec, settings.sizes, index), codec)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("work-ceiling"), show_default=True)
@click.option("--voice", type=click.Path(path_type=Path, exists=True), default=ROOT / "voices" / "duo")
@click.option("--corpus", "spec", default="book", show_default=True)
@click.option("--chunks", type=click.IntRange(min=1), default=320, show_default=True)
@click.option("--speaker", default="slt", show_default=True)
def main(out: Path, voice: Path, spec: str, chunks: int, speaker: str) -> None:
    """Write the recordings, their list and a variants file to OUT."""
    corpus = head(load_corpus(spec), chunks)
    (out / "wav").mkdir(parents=True, exist_ok=True)
    lines = []
    for chunk, samples in zip(corpus.chunks, spoken([c.text for c in corpus.chunks], speaker, voice, out), strict=True):
        path = out / "wav" / f"{chunk.id}.wav"
        write_wav(path, samples.astype(np.float32), RATE)
        lines.append(json.dumps({"id": chunk.id, "audio": str(path.relative_to(out)), "text": chunk.text}))
    (out / "teacher.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = (voice / "f16.gguf").resolve()
    (out / "variants.toml").write_text(VARIANTS.format(model=model, speaker=speaker), encoding="utf-8")
    click.echo(f"{len(lines)} chunks; now: pytest suites/stress --variants {out / 'variants.toml'} --chunks {chunks}")


if __name__ == "__main__":
    main()
