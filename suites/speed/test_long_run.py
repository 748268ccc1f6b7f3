"""What a long run costs: memory of the main process, CPU a chunk, the report, the disk.

    TTS_SOAK_LONG_RUN=10000 pytest suites/speed/test_long_run.py --benchmark-json long.json

The null backend with speech tokens, tokens scored; the figures are in ``extra_info``.
"""

import json
import os
import subprocess
import sys

import pytest

CHUNKS = int(os.environ.get("TTS_SOAK_LONG_RUN", "1000"))
CODE = """
import json, resource, sys, time
from pathlib import Path
from harness.core.records import Variant
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Plan
from harness.report import write

corpus = load_corpus(f"generated:seed=1,chunks={sys.argv[1]}")
variant = Variant(name="n", adapter="null", settings={"seconds_per_word": 0.02, "tokens": True})
ids = tuple(chunk.id for chunk in corpus.chunks)
plan = Plan("stress", corpus, (variant,), {"n": ids}, Path(sys.argv[2]), scorers={"tokens": {}}, quiet_chunks=0)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


began = time.process_time()
run = Engine(plan).run()
mine, after_run, began_report = time.process_time() - began, peak(), time.process_time()
summary = write(run)
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "chunks": len(ids),
    "main_peak_mb_after_run": round(after_run),
    "main_peak_mb_after_report": round(peak()),
    "main_cpu_ms_a_chunk": round(1000 * mine / len(ids), 2),
    "other_cpu_ms_a_chunk": round(1000 * (children.ru_utime + children.ru_stime) / len(ids), 2),
    "report_cpu_seconds": round(time.process_time() - began_report, 1),
    "disk_mb": round(summary.disk_bytes / 1e6),
}))
"""


@pytest.mark.benchmark(group="harness")
def test_memory_cpu_and_disk_of_a_long_run(benchmark, tmp_path):
    """A run and its report in a process of their own; ``extra_info`` has what they took."""

    def run() -> dict:
        command = [sys.executable, "-c", CODE, str(CHUNKS), str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    benchmark.extra_info.update(benchmark.pedantic(run, rounds=1, iterations=1))
    print(json.dumps(benchmark.extra_info))
