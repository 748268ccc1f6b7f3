"""Wall time of whole soaks beside what the cores could do, and a race against a loop without a harness.

    pytest suites/speed/test_soak.py --benchmark-json soak.json        # or -k simulated, -k race
    chrt -r 1 pytest suites/speed/test_soak.py -k simulated            # as on a quiet machine, whatever else it does

**simulated**: the null backend waits as long as q4_k_s of the embedded voice was timed to take (``timings.json``), and
seats that wait as long as its scoring took stand for scoring processes, so that a machine of two cores can play one of
sixteen. Two chunks fail and are replayed, two are timed alone. ``over_bound`` is the wall time over the shortest
possible: the larger of the synthesis, because one living backend speaks one chunk after the other, and of all CPU
seconds over the cores. ``own_cpu``: seconds that the harness itself took, starts of workers included.

**race**: the embedded voice heard by faster-whisper tiny.en and Resemblyzer, once by the harness and once by a bare
loop in one process with the same adapter, recognizer, jiwer and encoder. Process time counts, start included, so that
other programs on the machine count little; ``wall`` is there too.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.core.paths import IMPORT_ROOT
from harness.core.records import Chunk, Measurement, Status, Variant
from harness.corpora import load_corpus
from harness.corpora.corpus import make_corpus
from harness.engine.engine import Engine
from harness.engine.executor import LocalExecutor
from harness.engine.plan import Plan
from harness.engine.scoring.job import ScoreResult
from harness.store import Run

TIMINGS = json.loads((Path(__file__).parent / "timings.json").read_text())
LOADING = 3.0  # s for a scoring process to start and load its models
CHUNKS = int(os.environ.get("TTS_SOAK_SPEED_CHUNKS", "40"))  # of a simulated run; of the race a fifth
RACE = """
import json, resource, sys, time
from pathlib import Path
from harness.core.paths import VARIANTS
from harness.core.variants import load_variants
from harness.corpora import head, load_corpus

began = time.monotonic()
variant = next(one for one in load_variants(VARIANTS) if one.name == "q4_k_s")
corpus = head(load_corpus("book"), int(sys.argv[2]))


def harness():
    from harness.engine.engine import Engine
    from harness.engine.plan import Confirmation, Plan

    ids = tuple(chunk.id for chunk in corpus.chunks)
    scorers = {"intelligibility": {"asr": "faster-whisper:tiny.en"}, "speaker": {}}
    plan = Plan("stress", corpus, (variant,), {variant.name: ids}, Path(sys.argv[3]), scorers=scorers,
                confirmation=Confirmation(enabled=False), quiet_chunks=0)
    Engine(plan).run()


def loop():
    import jiwer
    import numpy as np
    from faster_whisper import WhisperModel
    from resemblyzer import VoiceEncoder
    from harness.audio import resample
    from harness.backends.llama_codec import LlamaCodec
    from harness.core.records import Request
    from harness.scorers.asr_faster_whisper import model_path
    from harness.text import normaliser

    backend, clean = LlamaCodec(), normaliser("whisper-english")
    backend.load(variant)
    ear = WhisperModel(str(model_path("tiny.en")), device="cpu", compute_type="int8", cpu_threads=1)
    encoder, embeddings, errors = VoiceEncoder("cpu", verbose=False), [], []
    for chunk in corpus.chunks:
        spoken = backend.synthesize(Request(chunk.id, chunk.text, 7), lambda: None)
        sound = resample(spoken.samples, spoken.sample_rate, 16000)
        segments, _ = ear.transcribe(sound, language="en", beam_size=1, word_timestamps=True)
        heard = "".join(segment.text for segment in segments)
        errors.append(jiwer.wer(clean(chunk.text), clean(heard) or "-"))
        embeddings.append(encoder.embed_utterance(sound))
    assert np.isfinite(errors).all() and len(embeddings) == len(corpus.chunks)


{"harness": harness, "loop": loop}[sys.argv[1]]()
both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
cpu = sum(used.ru_utime + used.ru_stime for used in both)
print(json.dumps({"cpu": round(cpu, 1), "wall": round(time.monotonic() - began, 1)}))
"""


class WaitingSeat:
    """Stands for a scoring process: loads for some seconds, then takes as long over a clip as was timed."""

    def __init__(self) -> None:
        self.ready: float | None = None
        self.seconds = 0.0

    def warm(self) -> None:
        """Begin to load."""
        self.ready = time.monotonic() + LOADING

    def score(self, job, deliver) -> None:
        """Wait, and answer that nothing was measured."""
        if self.ready is None:
            self.warm()
        wait = TIMINGS["scoring_cpu_an_audio_second"] * TIMINGS["chunks"][_timed(job.chunk.id)][1]
        time.sleep(wait + max(0.0, self.ready - time.monotonic()))
        self.seconds += wait
        for room, scorers in job.rooms.items():
            unseen = tuple(Measurement(name, "1", Status.NOT_AVAILABLE, reason="simulated") for name in scorers)
            deliver(ScoreResult(room, job.attempt_id, unseen))

    def stop(self) -> None:
        """There is nothing to end."""


def _own_cpu() -> float:
    """Return CPU seconds of this process and its ended workers: nothing that is simulated takes any."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def _timed(chunk_id: str) -> str:
    """Return the chunk of the recording that a chunk stands for."""
    return chunk_id.rpartition("-")[0]


def _simulated(tmp_path: Path, chunks: int, faster: float) -> Plan:
    ids = list(TIMINGS["chunks"])
    book = {chunk.id: chunk for chunk in load_corpus("book").chunks}
    named = [(ids[number % len(ids)], number) for number in range(chunks)]
    corpus = make_corpus("timed", [Chunk(f"{key}-{number}", book[key].text) for key, number in named], "timings.json")
    delays = {chunk.id: TIMINGS["chunks"][_timed(chunk.id)][0] / faster for chunk in corpus.chunks}
    broken = [corpus.chunks[len(corpus.chunks) * part // 3].id for part in (1, 2)]
    fail = [{"kind": "raise", "chunks": broken}]
    variant = Variant("timed", "null", {"delays": delays, "seconds_per_word": 0.4, "fail": fail})
    every = {"timed": tuple(chunk.id for chunk in corpus.chunks)}
    return Plan("stress", corpus, (variant,), every, tmp_path, scorers={"signal": {}}, quiet_chunks=2)


@pytest.mark.benchmark(group="wall time of a soak over the shortest possible")
@pytest.mark.parametrize(
    ("cores", "chunks", "faster"),
    [(2, CHUNKS, 1), (16, CHUNKS, 1), (16, 5 * CHUNKS, 20)],
    ids=["2 cores", "16 cores", "16 cores and a backend 20 times as fast"],
)
def test_simulated(benchmark, tmp_path, monkeypatch, cores, chunks, faster):
    """Two, and sixteen, cores: scoring takes the ones that synthesis leaves, and all once nothing is spoken."""
    seats = [WaitingSeat() for _ in range(cores)]
    monkeypatch.setattr(LocalExecutor, "seats", lambda *_: (seats, cores - 1))
    plan, paths = _simulated(tmp_path, chunks, faster), []
    before = _own_cpu()
    benchmark.pedantic(lambda: paths.append(Engine(plan).run()), rounds=1)
    own = _own_cpu() - before
    with Run.open(paths[0]) as run:
        speaking: dict[str, float] = {}
        for attempt in run.attempts():
            speaking[attempt.arm] = speaking.get(attempt.arm, 0.0) + (attempt.wall_seconds or 0.0)
        behind = run.events("scoring behind")[-1].data["seconds"]
    synthesis, scoring = sum(speaking.values()), sum(seat.seconds for seat in seats)
    bound, wall = max(synthesis, (synthesis + scoring) / cores), benchmark.stats.stats.min
    benchmark.extra_info.update(
        wall=round(wall, 1), synthesis=round(synthesis, 1), scoring=round(scoring, 1), bound=round(bound, 1),
        over_bound=round(wall / bound, 3), own_cpu=round(own, 1), behind=round(behind, 1),
        load=round(os.getloadavg()[0], 1), speaking={str(arm): round(seconds, 1) for arm, seconds in speaking.items()},
    )  # fmt: skip
    print(json.dumps(benchmark.extra_info))


@pytest.mark.benchmark(group="race")
@pytest.mark.parametrize("who", ["loop", "harness"])
def test_race(benchmark, tmp_path, who):
    """The same chunks spoken and heard by a bare loop and by the harness; ``extra_info`` has CPU and wall seconds."""
    chunks = max(2, CHUNKS // 5)
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **one, "PYTHONPATH": str(IMPORT_ROOT)}
    command = [sys.executable, "-c", RACE, who, str(chunks), str(tmp_path)]

    def run() -> dict:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    benchmark.extra_info.update(benchmark.pedantic(run, rounds=1), chunks=chunks, load=round(os.getloadavg()[0], 1))
    print(who, json.dumps(benchmark.extra_info))
