"""Whether openai-whisper hears, on the converted checkpoint, what faster-whisper hears on the published weights.

    python -m tools.stock_words --model tiny.en --most 16 FOLDER...

Both in float32, greedily at temperature 0 without fallback, over the whole window of 30 s, with word times. Prints a
line a clip, both texts where they differ, and last the counts with exact 95% intervals. Words are compared as written,
case and punctuation too.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.core.records import Samples
from harness.scorers.weights import alignment_heads, model_folder, stock_checkpoint
from harness.stats.rates import clopper_pearson
from harness.text.alignment import align_words
from tools.hearing.recordings import read_clip

_SOUNDS = frozenset({".wav", ".flac"})


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word as an engine wrote it, with its times in seconds."""

    text: str
    start: float
    end: float


class BothEngines:
    """A known model in both engines, float32, one thread."""

    def __init__(self, name: str) -> None:
        import torch
        import whisper
        from faster_whisper import WhisperModel

        torch.set_num_threads(1)
        self.faster = WhisperModel(str(model_folder(name)), device="cpu", cpu_threads=1, compute_type="float32")
        self.stock = whisper.load_model(str(stock_checkpoint(name)), device="cpu")
        self.stock.set_alignment_heads(alignment_heads(name))

    def by_faster(self, samples: Samples, language: str) -> list[SpokenWord]:
        """Return the words of faster-whisper for 16 kHz audio."""
        segments, _ = self.faster.transcribe(
            samples,
            language=language,
            beam_size=1,
            temperature=[0.0],
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        return [SpokenWord(w.word.strip(), w.start, w.end) for segment in segments for w in segment.words or ()]

    def by_stock(self, samples: Samples, language: str) -> list[SpokenWord]:
        """Return the words of openai-whisper for 16 kHz audio."""
        result: dict[str, Any] = self.stock.transcribe(
            samples,
            language=language,
            temperature=(0.0,),
            condition_on_previous_text=False,
            word_timestamps=True,
            fp16=False,
            verbose=None,
        )
        words = [word for segment in result["segments"] for word in segment["words"]]
        return [SpokenWord(w["word"].strip(), float(w["start"]), float(w["end"])) for w in words]


@dataclass
class Tally:
    """Counts over clips; ``shifts`` are the differences of word times, in seconds, where the words are the same."""

    count: int = 0
    same: int = 0
    words: int = 0
    errors: int = 0
    shifts: list[float] = field(default_factory=list)

    def add(self, path: Path, faster: list[SpokenWord], stock: list[SpokenWord]) -> None:
        """Count a clip and print a line for it, with both texts where they differ."""
        texts = [" ".join(word.text for word in heard) for heard in (faster, stock)]
        self.count, self.words = self.count + 1, self.words + len(faster)
        if texts[0] == texts[1]:
            self.same += 1
            pairs = zip(faster, stock, strict=True)
            self.shifts += [max(abs(a.start - b.start), abs(a.end - b.end)) for a, b in pairs]
            print(path.parent.name, path.name, "same", flush=True)
            return
        self.errors += align_words(*texts)[0].errors
        print(
            f"{path.parent.name} {path.name} differs",
            f"faster-whisper: {texts[0]}",
            f"openai-whisper: {texts[1]}",
            sep="\n  ",
            flush=True,
        )

    def __str__(self) -> str:
        low, high = clopper_pearson(self.same, self.count)
        within = sum(shift < 0.0205 for shift in self.shifts)
        return (
            f"{self.same} of {self.count} clips have the same words ({low:.1%} to {high:.1%}), {self.errors} of "
            f"{self.words} words differ; times of {within} of {len(self.shifts)} words within 20 ms, largest shift "
            f"{max(self.shifts, default=0.0):.2f} s"
        )


def clips(folders: list[Path], most: int) -> Iterator[Path]:
    """Yield the first ``most`` sound files of every folder, by name."""
    for folder in folders:
        yield from sorted(path for path in folder.iterdir() if path.suffix in _SOUNDS)[:most]


def main() -> int:
    """Compare the engines; return 1 where the words of a clip differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", default="tiny.en")
    parser.add_argument("--language", default="en")
    parser.add_argument("--most", type=int, default=16, help="clips of each folder")
    arguments = parser.parse_args()
    engines, tally = BothEngines(arguments.model), Tally()
    for path in clips(arguments.folders, arguments.most):
        samples = read_clip(path)
        tally.add(path, *(hear(samples, arguments.language) for hear in (engines.by_faster, engines.by_stock)))
    print(f"{arguments.model}: {tally}")
    return int(tally.same < tally.count)


if __name__ == "__main__":
    sys.exit(main())
