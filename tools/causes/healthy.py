"""What has no cause: clean chunks, and findings of a backend that fails by chance and not again."""

from __future__ import annotations

from pathlib import Path

from harness.core.records import Arm, Chunk, VerdictWord
from harness.core.variants import load_variants
from harness.corpora import make_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.scorers import SCORERS
from harness.store import Run
from tools.causes.broken_soaks import texts

_FLAKY = """import random
def speak(text):
    if random.random() < {rate}:
        raise RuntimeError("by chance")
    return [0.1, -0.1] * 2000, 16000
"""


def chance_failures(folder: Path, count: int, rate: float = 0.1) -> tuple[Path, list[str]]:
    """Soak a backend that takes no seed and fails by chance; returns the run and the chunks at which it failed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "flaky.py").write_text(_FLAKY.format(rate=rate), encoding="utf-8")
    file = folder / "variants.toml"
    file.write_text(
        '[variants.chance]\nadapter = "python"\nseed_policy = "none"\n[variants.chance.settings]\n'
        'call = "flaky.py:speak"\narguments = { text = "{text}" }\n',
        encoding="utf-8",
    )
    (variant,) = load_variants(file)
    chunks = [Chunk(f"c-{n:03d}", text) for n, text in enumerate(texts(round(2.5 * count / rate)))]
    plan = Plan(
        suite="stress",
        corpus=make_corpus("chance", chunks, "book"),
        variants=(variant,),
        selection={variant.name: tuple(chunk.id for chunk in chunks)},
        reports=folder / "reports",
        confirmation=Confirmation(enabled=False),
        left_out=tuple(SCORERS),
        quiet_chunks=0,
    )
    path = Engine(plan).run()
    return path, chunks_that_are(path, VerdictWord.FAULTY)[:count]


def chunks_that_are(path: Path, word: VerdictWord) -> list[str]:
    """Return the chunks of a run with this verdict."""
    with Run.open(path) as run:
        verdicts = run.verdicts(arm=Arm.SOAK)
        return [a.chunk_id for a in run.attempts(arm=Arm.SOAK) if a.id in verdicts and verdicts[a.id].word is word]
