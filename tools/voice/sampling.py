"""``python -m tools.voice.sampling``: what settings of sampling and splitting do to the voice, chunk by chunk.

Every variant is the model with settings written as ``top_p=0.5,split=sentences`` ("defaults": the adapter's own).
The same chunks are spoken with the same seeds, heard by one recognizer, and faults are counted in three kinds: a token
outside of its codebook, a marker missed or out of order (a lost place), and a stretch of words gone or added.
Rows are kept in OUT as they come, so that the command goes on where it was stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import soundfile

from harness.audio import resample
from harness.backends.llama_codec import LlamaCodec
from harness.core.records import Chunk, Request, Variant
from harness.corpora import head, load_corpus
from harness.scorers.asr import Recognizer, recognizer
from harness.scorers.asr_models import DEFAULT
from harness.scorers.clip import SPEECH_RATE
from harness.stats.rates import clopper_pearson
from harness.text import default_normaliser, normaliser
from harness.text.alignment import align_words
from tools.rows import append_row, read_rows

ROOT = Path(__file__).parents[2]
STRETCH = 3  # words in a row gone or added that count as a fault; single words are often the recognizer's own


@dataclass(slots=True)
class Row:
    """One chunk with one set of settings. ``stretch``: most words in a row that were deleted or inserted."""

    settings: str
    chunk: str
    audio: str
    seconds: float
    cpu_seconds: float
    segments: int
    invalid_frames: int
    markers_wrong: int
    finish_reason: str
    heard: str = ""
    errors: int = 0
    words: int = 0
    stretch: int = 0

    @property
    def faulty(self) -> bool:
        """Return whether any of the three kinds, or the cap, was met."""
        return bool(
            self.invalid_frames or self.markers_wrong or self.finish_reason == "length" or self.stretch >= STRETCH
        )


def parsed(text: str) -> dict[str, Any]:
    """Return ``top_p=0.5,split=sentences`` as settings of the adapter. Raises click.BadParameter."""
    settings: dict[str, Any] = {}
    for pair in filter(None, text.split(",")):
        key, sign, value = pair.partition("=")
        if not sign:
            raise click.BadParameter(f"{pair!r} is not KEY=VALUE")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings


def speak(model: Path, name: str, chunks: list[tuple[int, Chunk]], folder: Path, out: Path) -> Iterator[Row]:
    """Speak the chunks, each with its seed, in one session with one set of settings; audio goes to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    backend = LlamaCodec()
    backend.load(Variant(model.stem, "llama_codec", {"model": str(model), **parsed(name)}))
    for seed, chunk in chunks:
        began = time.process_time()
        spoken = backend.synthesize(Request(chunk.id, chunk.text, seed), lambda: None)
        spent = time.process_time() - began
        assert spoken.samples is not None and spoken.sample_rate
        audio = folder / f"{chunk.id}.wav"
        soundfile.write(audio, spoken.samples, spoken.sample_rate)
        notes = spoken.notes
        yield Row(
            name,
            chunk.id,
            str(audio.relative_to(out)),
            len(spoken.samples) / spoken.sample_rate,
            spent,
            notes["segments"],
            notes["invalid_frames"],
            notes["markers_missing"] + notes["markers_extra"],
            spoken.finish_reason or "",
        )
    backend.close()


def listen(row: Row, chunk: Chunk, ears: Recognizer, out: Path) -> None:
    """Fill in what the recognizer heard of a row."""
    samples, rate = soundfile.read(out / row.audio, dtype="float32")
    normalise = normaliser(default_normaliser(chunk.language))
    row.heard = ears.transcribe(resample(samples, rate, SPEECH_RATE), chunk.language).text
    counts, operations = align_words(normalise(chunk.text), normalise(row.heard))
    row.errors, row.words = counts.errors, counts.units
    spans = [
        part.ref[1] - part.ref[0] if part.op == "delete" else part.hyp[1] - part.hyp[0]
        for part in operations
        if part.op in ("delete", "insert")
    ]
    row.stretch = max(spans, default=0)


def table(rows: list[Row]) -> str:
    """Return counts with exact intervals, one line a set of settings, as a Markdown table."""
    lines = [
        "| settings | chunks | faulty (95%) | token range | lost place | words | cap | WER | seconds | x real time |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row.settings for row in rows):
        of = [row for row in rows if row.settings == name]
        faulty = sum(row.faulty for row in of)
        low, high = clopper_pearson(faulty, len(of))
        errors, words = sum(row.errors for row in of), sum(row.words for row in of)
        seconds, spent = sum(row.seconds for row in of), sum(row.cpu_seconds for row in of)
        lines.append(
            f"| {name or 'defaults'} | {len(of)} | {faulty} ({low:.1%} to {high:.1%}) "
            f"| {sum(row.invalid_frames > 0 for row in of)} | {sum(row.markers_wrong > 0 for row in of)} "
            f"| {sum(row.stretch >= STRETCH for row in of)} | {sum(row.finish_reason == 'length' for row in of)} "
            f"| {errors / max(words, 1):.1%} ({errors} of {words}) | {seconds:.0f} | {seconds / max(spent, 1e-9):.1f} |"
        )
    return "\n".join(lines)


def kept(path: Path) -> list[Row]:
    """Return the rows of an earlier call."""
    return [Row(**row) for row in read_rows(path)]


@click.command()
@click.argument("settings", nargs=-1, required=True)
@click.option("--model", type=click.Path(path_type=Path, exists=True), default=ROOT / "voices" / "duo" / "f16.gguf")
@click.option("--corpus", "spec", default="book", show_default=True)
@click.option("--chunks", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--asr", default=DEFAULT, show_default=True, help="Recognizer, as the option of the suites.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("work-sampling"), show_default=True)
def main(settings: tuple[str, ...], model: Path, spec: str, chunks: int, seed: int, asr: str, out: Path) -> None:
    """Speak and hear the chunks with every one of SETTINGS ("defaults": none), and print the table."""
    out.mkdir(parents=True, exist_ok=True)
    corpus = head(load_corpus(spec), chunks)
    texts = {chunk.id: chunk for chunk in corpus.chunks}
    ears, path = recognizer(asr), out / f"{model.stem}-{seed}.jsonl"
    rows = kept(path)
    for name in ("" if one == "defaults" else one for one in settings):
        spoken = {row.chunk for row in rows if row.settings == name}
        if missing := [(seed + 1000 * i, c) for i, c in enumerate(corpus.chunks) if c.id not in spoken]:
            for row in speak(model, name, missing, out / f"{name or 'defaults'}-{seed}", out):
                listen(row, texts[row.chunk], ears, out)
                rows.append(row)
                append_row(path, asdict(row))
    click.echo(table(rows))


if __name__ == "__main__":
    main()
