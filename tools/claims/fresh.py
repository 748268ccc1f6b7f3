"""Whether the same request gives the same tokens and samples in fresh processes: one worker after the other."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path

from harness.backends.worker import Reply, Worker
from harness.core.errors import ConfigError, nearest
from harness.core.records import Json, Outcome, Request, Variant
from harness.core.variants import load_variants
from harness.stats import clopper_pearson

TEXT = "The old man sat by the window and watched the snow fall, and he did not say a word until the lamp was lit."


def digest(reply: Reply) -> str:
    """Return one digest of tokens and samples, or how the request failed."""
    if reply.outcome is not Outcome.OK or reply.samples is None:
        return f"{reply.outcome}: {reply.detail}"
    tokens = reply.tokens.tobytes() if reply.tokens is not None else b""
    return hashlib.sha256(tokens + reply.samples.tobytes()).hexdigest()


def run(name: str, file: Path, processes: int) -> Json:
    """Ask ``processes`` workers of the variant the same; counts of equal answers with an exact 95% interval.

    Raises ConfigError for a variant that the file does not have, BackendLoadFailed where it does not load.
    """
    named: dict[str, Variant] = {variant.name: variant for variant in load_variants(file)}
    if name not in named:
        raise ConfigError(f"{file}: no variant {name!r}{nearest(name, named)}")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="tts-soak-fresh-") as folder:
        worker = Worker(named[name], Path(folder))
        for _ in range(processes):
            worker.start()
            counts[digest(worker.request(Request("same", TEXT, named[name].seed)))] += 1
            worker.stop()
    answer, count = counts.most_common(1)[0]
    low, high = clopper_pearson(count, processes)
    return {
        "variant": name,
        "processes": processes,
        "equal": count,
        "low": round(low, 4),
        "high": round(high, 4),
        "answer": answer,
        "others": [other for other in counts if other != answer],
        "reached": len(counts) == 1 and ":" not in answer,
    }
