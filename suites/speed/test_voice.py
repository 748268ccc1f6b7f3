"""CPU of the embedded voice: how many times real time it speaks on one thread, front end and decoder included.

    pytest suites/speed/test_voice.py

Process time is taken, so that other programs on the machine count little. ``extra_info`` (``--benchmark-json``) has
``times_real_time``, ``audio_seconds`` and ``tokens_a_cpu_second``.
"""

import time

import pytest

from harness.backends.llama_codec import LlamaCodec
from harness.core.paths import VARIANTS
from harness.core.records import Request, Variant
from harness.core.variants import load_variants
from harness.corpora import head, load_corpus

CHUNKS = 6
NAMES = ("f16", "q8_0", "q4_k_s", "q2_k")


@pytest.mark.benchmark(group="voice", timer=time.process_time)
@pytest.mark.parametrize("name", NAMES)
def test_voice(benchmark, name):
    """Whole chunks of the book."""
    variant: Variant = next(v for v in load_variants(VARIANTS) if v.name == name)
    backend = LlamaCodec()
    backend.load(variant)
    chunks = head(load_corpus("book"), CHUNKS).chunks
    backend.synthesize(Request("warm", "Good.", 1), lambda: None)
    spent = []

    def speak():
        began = time.process_time()
        given = [backend.synthesize(Request(chunk.id, chunk.text, 7), lambda: None) for chunk in chunks]
        spent.append(time.process_time() - began)
        return given

    given = benchmark.pedantic(speak, rounds=2, iterations=1, warmup_rounds=0)
    backend.close()
    seconds = sum(len(spoken.samples) / spoken.sample_rate for spoken in given)
    benchmark.extra_info["audio_seconds"] = round(seconds, 1)
    benchmark.extra_info["times_real_time"] = round(seconds / min(spent), 1)
    benchmark.extra_info["tokens_a_cpu_second"] = round(sum(s.notes["generated_tokens"] for s in given) / min(spent))
    assert seconds > CHUNKS
