"""What the harness itself costs: CPU of its own processes around a backend that does nothing."""

import resource
import time

import pytest

from harness.core.records import Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Plan

CHUNKS = 100


def cpu_seconds() -> float:
    """User and system time of this process and of its ended children (the worker included)."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


@pytest.mark.benchmark(group="harness")
def test_harness_cpu_around_the_null_backend(benchmark, tmp_path):
    """A run of 100 chunks with null scorers; ``extra_info`` has CPU seconds a chunk, process start-up included."""
    corpus = load_corpus(f"generated:seed=1,chunks={CHUNKS}")
    variant = Variant(name="n", adapter="null", settings={"seconds_per_word": 0.01})
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan("stress", corpus, (variant,), {"n": ids}, tmp_path, quiet_chunks=0)
    spent = []

    def run() -> None:
        before = cpu_seconds()
        Engine(plan).run()
        spent.append(cpu_seconds() - before)

    benchmark.pedantic(run, rounds=3, iterations=1, warmup_rounds=1)
    benchmark.extra_info["cpu_ms_a_chunk"] = round(1000 * min(spent) / CHUNKS, 2)
    benchmark.extra_info["clock"] = time.get_clock_info("process_time").implementation
