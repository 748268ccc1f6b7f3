"""CPU of the recognizer room: how many times real time each recognizer reads, and its word errors on the same speech.

    pytest suites/speed/test_recognizers.py --asr whisper:base.en

The speech is LJ Speech from ``../shared/speech`` where it is there, else Flite's ``slt``; without either the tests are
skipped. The same engines read what the embedded voice says; ``--asr`` adds one more. Process time is taken, so that
other programs on the machine count little. The figures are in ``extra_info``
(``--benchmark-json``): ``times_real_time``, ``word_errors``, ``words``, ``missing`` and ``model``.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from harness.audio import read_audio, resample
from harness.backends.llama_codec import LlamaCodec
from harness.core.paths import VARIANTS
from harness.core.records import Attempt, Chunk, Request, Variant
from harness.core.variants import load_variants
from harness.corpora import head, load_corpus
from harness.scorers.asr import recognizer
from harness.scorers.clip import SPEECH_RATE, SharedClip
from harness.scorers.edit_likelihood import EditLikelihoodScorer
from harness.scorers.speaker import SpeakerScorer
from harness.text import normaliser
from harness.text.alignment import align_words

os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # as the scoring processes have it: one thread each
RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "speech" / "ljspeech"
CLIPS = 8
SPECS = ("whisper", "faster-whisper:base")
TEXTS = (
    "She put the letter on the kitchen table and waited for her brother to come home from work.",
    "The captain gave the order to lower the sails, and the ship was drifting slowly toward the harbor.",
    "There are three good reasons to keep a small garden, and the first is that you learn to be patient.",
    "Heavy rain was expected in the mountains, and the police warned drivers to stay off the northern road.",
)

# Of both ways to read a clip that are compared.
ALIKE = {"language": "en", "beam_size": 1, "temperature": [0.0], "word_timestamps": True, "vad_filter": False}


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    """(text, samples at 16 kHz) of healthy speech."""
    table = RECORDINGS / "metadata.csv"
    if table.is_file():
        rows = [line.split("|") for line in table.read_text(encoding="utf-8").splitlines()]
        clips = [(row[-1], RECORDINGS / f"{row[0]}.flac") for row in rows if (RECORDINGS / f"{row[0]}.flac").is_file()]
        return [(text, _read(path)) for text, path in clips[:CLIPS]]
    if shutil.which("flite") is None:
        pytest.skip("no speech to read: neither ../shared/speech nor the apt package flite is here")
    folder = tmp_path_factory.mktemp("speech")
    for index, text in enumerate(TEXTS):
        command = ["flite", "-voice", "slt", "-t", text, "-o", str(folder / f"{index}.wav")]
        subprocess.run(command, check=True)
    return [(text, _read(folder / f"{index}.wav")) for index, text in enumerate(TEXTS)]


def _read(path):
    audio = read_audio(path)
    return resample(audio.samples, audio.sample_rate, SPEECH_RATE)


def _measure(benchmark, speech, work):
    """Run ``work`` on every clip; return what it gave, and note the multiple of real time."""
    seconds = sum(len(samples) for _, samples in speech) / SPEECH_RATE
    spent = []

    def once():
        began = time.process_time()
        given = [work(text, samples) for text, samples in speech]
        spent.append(time.process_time() - began)
        return given

    given = benchmark.pedantic(once, rounds=2, iterations=1, warmup_rounds=0)
    benchmark.extra_info["audio_seconds"] = round(seconds, 1)
    benchmark.extra_info["times_real_time"] = round(seconds / min(spent), 1)
    return given


@pytest.mark.benchmark(group="recognizers", timer=time.process_time)
@pytest.mark.parametrize("spec", [*SPECS, "--asr"])
def test_recognizer(benchmark, speech, spec, request):
    """Free recognition, without knowledge of the text."""
    _recognize(benchmark, speech, _named(spec, request))


def _named(spec, request):
    chosen = request.config.getoption("--asr", None) if spec == "--asr" else spec
    if chosen is None:
        pytest.skip("no further recognizer was named with --asr")
    return chosen


def _recognize(benchmark, speech, spec):
    engine = recognizer(spec)
    engine.setup()
    engine.transcribe(speech[0][1], "en")  # what is compiled or loaded at the first call is not reading
    heard = _measure(benchmark, speech, lambda text, samples: engine.transcribe(samples, "en"))
    normalise = normaliser("whisper-english")
    counts = [
        align_words(normalise(text), normalise(transcript.text))[0]
        for (text, _), transcript in zip(speech, heard, strict=True)
    ]
    benchmark.extra_info["word_errors"] = sum(c.errors for c in counts)
    benchmark.extra_info["words"] = sum(c.units for c in counts)
    benchmark.extra_info["model"] = f"{heard[0].engine} {heard[0].model}"
    assert any(transcript.text for transcript in heard)


@pytest.fixture(scope="module")
def own_speech():
    """(text, samples at 16 kHz) of the embedded voice."""
    variant = next(v for v in load_variants(VARIANTS) if v.reference)
    backend = LlamaCodec()
    backend.load(variant)
    chunks = head(load_corpus("book"), CLIPS).chunks
    spoken = [(chunk.text, backend.synthesize(Request(chunk.id, chunk.text, 7), lambda: None)) for chunk in chunks]
    backend.close()
    return [(text, resample(clips.samples, clips.sample_rate, SPEECH_RATE)) for text, clips in spoken]


@pytest.mark.benchmark(group="embedded voice", timer=time.process_time)
@pytest.mark.parametrize("spec", [*SPECS, "--asr"])
def test_recognizer_on_the_embedded_voice(benchmark, own_speech, spec, request):
    """The same on what the embedded voice says."""
    _recognize(benchmark, own_speech, _named(spec, request))


@pytest.mark.benchmark(group="windows in batches, one thread of a CPU, int8", timer=time.process_time)
@pytest.mark.parametrize("batch", [1, 2, 4, 8])
def test_windows_in_batches(benchmark, speech, batch):
    """tiny.en encodes and decodes the same windows one by one or several at once, all as long as the longest."""
    import ctranslate2
    from faster_whisper.audio import pad_or_trim
    from faster_whisper.tokenizer import Tokenizer

    engine = recognizer("faster-whisper:tiny.en")
    engine.setup()
    model = engine.model()
    mel = [model.feature_extractor(samples)[:, :-1] for _, samples in speech]
    frames = min(3000, -(-max(one.shape[-1] for one in mel) // 400) * 400)
    windows = [pad_or_trim(one, frames) for one in mel]
    tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language="en")
    prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
    seconds = sum(len(samples) for _, samples in speech) / SPEECH_RATE

    def read():
        heard = []
        for first in range(0, len(windows), batch):
            some = np.ascontiguousarray(np.stack(windows[first : first + batch]), np.float32)
            encoded = model.model.encode(ctranslate2.StorageView.from_array(some))
            heard += model.model.generate(encoded, [prompt] * len(some), beam_size=1, max_length=128)
        return heard

    heard = benchmark.pedantic(read, rounds=3, iterations=1, warmup_rounds=1)
    assert len(heard) == len(speech) and all(one.sequences_ids[0] for one in heard)
    benchmark.extra_info["times_real_time"] = round(seconds / benchmark.stats.stats.min, 1)


@pytest.mark.benchmark(group="windows in batches, one thread of a CPU, int8", timer=time.process_time)
def test_the_batched_pipeline(benchmark, speech):
    """faster-whisper's own batched pipeline, as it is used on a GPU: its windows are 30 s long."""
    from harness.scorers.asr_faster_whisper import _batched

    engine = recognizer("faster-whisper:tiny.en")
    engine.setup()
    heard = _measure(benchmark, speech, lambda text, samples: _batched(engine.model(), samples, ALIKE))
    assert all(heard)


@pytest.mark.benchmark(group="windows in batches, one thread of a CPU, int8", timer=time.process_time)
def test_the_windowed_model(benchmark, speech):
    """The same options without batches, in windows that fit the audio: what the harness does on a CPU."""
    engine = recognizer("faster-whisper:tiny.en")
    engine.setup()
    heard = _measure(benchmark, speech, lambda text, samples: list(engine.model().transcribe(samples, **ALIKE)[0]))
    assert all(heard)


@pytest.mark.benchmark(group="recognizers", timer=time.process_time)
def test_edit_likelihood(benchmark, speech):
    """Edits of each text under Whisper's decoder, the recognizer's own share of the work included."""
    scorer = EditLikelihoodScorer()
    variant = Variant("speech", "recorded")

    def score(text, samples):
        attempt = Attempt(0, 0, 0, "a", "speech", sample_rate=SPEECH_RATE, duration=len(samples) / SPEECH_RATE)
        return scorer.observe(SharedClip(Chunk("a", text), attempt, samples, SPEECH_RATE, variant))

    payloads = _measure(benchmark, speech, score)
    benchmark.extra_info["hypotheses"] = sum(s["hypotheses"] for s in payloads)
    benchmark.extra_info["asked_a_second_model"] = sum(s["second"] is not None for s in payloads)
    assert all(s["words"] for s in payloads)


@pytest.mark.benchmark(group="recognizers", timer=time.process_time)
def test_speaker_embedding(benchmark, speech):
    """One embedding a clip."""
    scorer = SpeakerScorer()
    scorer.setup()
    long_enough = [(text, samples) for text, samples in speech if len(samples) > 3 * SPEECH_RATE]
    given = _measure(benchmark, long_enough, lambda text, samples: scorer.embed(samples)[0])
    assert all(len(embedding) == 256 for embedding in given)
