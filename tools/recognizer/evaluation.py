"""The figures of docs/recognizer.md, measured with stock ``whisper.load_model(path).transcribe``."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tools.recognizer import heldout
from tools.recognizer.heldout import RATE, Clip

# Whisper's word times use numba, which otherwise starts a thread a core, and torch's threads with them.
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

OPTIONS: dict[str, Any] = {
    "temperature": 0.0,
    "condition_on_previous_text": False,
    "fp16": False,
    "language": "en",
}


def bare(text: str) -> str:
    """Lower-case words, as both recognizers are compared."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


class Stock:
    """The checkpoint in the stock engine, one thread."""

    def __init__(self, path: Path) -> None:
        import torch
        import whisper

        torch.set_num_threads(1)
        self._model = whisper.load_model(str(path), device="cpu")
        self.audio_s, self.cpu_s = 0.0, 0.0

    def __call__(self, samples: np.ndarray, **options: Any) -> dict[str, Any]:
        began = time.process_time()
        result: dict[str, Any] = self._model.transcribe(np.asarray(samples, np.float32), **OPTIONS, **options)
        self.cpu_s += time.process_time() - began
        self.audio_s += len(samples) / RATE
        return result

    def text(self, samples: np.ndarray) -> str:
        """What is heard, bare."""
        return bare(self(samples)["text"])


def pocketsphinx_text(samples: np.ndarray) -> str:
    """What pocketsphinx hears, with a fresh decoder: its cepstral mean must not leak between clips."""
    from pocketsphinx import Decoder

    decoder = Decoder(samprate=RATE, loglevel="FATAL")
    decoder.start_utt()
    level = np.asarray(samples) / max(1e-6, float(np.abs(samples).max())) * 0.6
    decoder.process_raw((level * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return bare(heard.hypstr if heard else "")


def word_error_rate(clips: Iterable[Clip], hear: Callable[[np.ndarray], str]) -> dict[str, Any]:
    """WER of the set (errors over reference words, jiwer) and what was heard in the first clips."""
    import jiwer

    clips = list(clips)
    said = [" ".join(c.words) for c in clips]
    heard = [hear(c.samples) for c in clips]
    return {
        "clips": len(clips),
        "words": sum(len(c.words) for c in clips),
        "wer": round(jiwer.wer(said, heard), 4),
        "empty": sum(not h for h in heard),
        "examples": list(zip(said[:3], heard[:3], strict=True)),
    }


def word_times(clips: Iterable[Clip], stock: Stock) -> dict[str, Any]:
    """Errors (seconds) of the ends and starts of words heard right, against the teacher's phone ends."""
    import jiwer

    ends: list[float] = []
    starts: list[float] = []
    for clip in clips:
        found = [w for s in stock(clip.samples, word_timestamps=True)["segments"] for w in s["words"]]
        heard = [bare(w["word"]) or "-" for w in found]
        if not heard or any(" " in h for h in heard):
            continue
        for chunk in jiwer.process_words(" ".join(clip.words), " ".join(heard)).alignments[0]:
            if chunk.type == "equal":
                for i in range(chunk.ref_end_idx - chunk.ref_start_idx):
                    start, end = clip.times[chunk.ref_start_idx + i]
                    word = found[chunk.hyp_start_idx + i]
                    ends.append(abs(word["end"] - end))
                    starts.append(abs(word["start"] - start))
    if not ends:
        return {"words": 0}
    return {
        "words": len(ends),
        "ends_within_150_ms": round(float(np.mean(np.array(ends) <= 0.15)), 3),
        "starts_within_150_ms": round(float(np.mean(np.array(starts) <= 0.15)), 3),
        "median_end_s": round(float(np.median(ends)), 3),
    }


def confidence(result: dict[str, Any]) -> float | None:
    """Lowest mean log-probability of a segment; None where nothing was heard."""
    return min((s["avg_logprob"] for s in result["segments"]), default=None)


def separation(good: list[float], bad: list[float]) -> float | None:
    """Area under the ROC curve of good above bad; None where one side is empty."""
    if not good or not bad:
        return None
    above = np.array(good)[:, None] - np.array(bad)[None]
    return round(float((above > 0).mean() + 0.5 * (above == 0).mean()), 3)


def evaluate(path: Path, work: Path, codec: Path, lines: list[str], *, compared: bool = True) -> dict[str, Any]:
    """All figures of the texts ``lines``, JSON-able; ``compared`` adds pocketsphinx on the same clips."""
    stock = Stock(path)
    sets = heldout.speech(lines, work, codec)
    figures: dict[str, Any] = {"wer": {}, "pocketsphinx": {}, "noise": {}}
    for name, members in sets.items():
        if not members:
            figures["wer"][name] = {"clips": 0, "wer": None, "reason": "the voice could say none of the texts"}
            continue
        figures["wer"][name] = word_error_rate(members, stock.text)
        _show(name, figures["wer"][name])
        if compared:
            figures["pocketsphinx"][name] = word_error_rate(members, pocketsphinx_text)
            _show(f"pocketsphinx {name}", figures["pocketsphinx"][name])
    figures["x_real_time"] = round(stock.audio_s / max(stock.cpu_s, 1e-9), 1)
    figures["word_times"] = word_times(sets["slt"], stock)
    _show("word times", figures["word_times"])
    figures["loops"] = _loops(sets["slt"], stock)
    _show("loops", figures["loops"])
    good = [c for m in sets["slt"] if (c := confidence(stock(m.samples))) is not None]
    bad: list[float] = []
    for kind, sounds in heldout.without_words(sets["slt"]).items():
        results = [stock(s) for s in sounds]
        bad += [c for r in results if bare(r["text"]) and (c := confidence(r)) is not None]
        invented = [len(bare(r["text"]).split()) for r in results]
        figures["noise"][kind] = {"clips": len(results), "silent": sum(not n for n in invented), "words": sum(invented)}
        _show(kind, figures["noise"][kind])
    figures["logprob_auc"] = separation(good, bad)
    _show("x real time, log-probability AUC", [figures["x_real_time"], figures["logprob_auc"]])
    return figures


def _loops(clips: list[Clip], stock: Stock) -> dict[str, Any]:
    """Share of looped clips whose looped word is heard as often as it is said."""
    looped = list(heldout.loops([c for c in clips if len(c.words) > 3][:20]))
    right = 0
    for clip in looped:
        heard = stock.text(clip.samples).split()
        word = max(set(clip.words), key=clip.words.count)
        right += heard.count(word) == clip.words.count(word)
    return {"clips": len(looped), "counted_right": right, **word_error_rate(looped, stock.text)}


def _show(name: str, value: object) -> None:
    print(json.dumps({name: value}), flush=True)
