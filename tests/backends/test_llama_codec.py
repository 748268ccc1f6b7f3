"""The llama_codec adapter on the embedded voice: real tokens, real stops, exact repeats."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from harness.backends.base import BackendRefused
from harness.backends.llama_codec import LlamaCodec
from harness.core.errors import ConfigError
from harness.core.records import Request, Variant
from tests._places import ROOT

MODEL = ROOT / "voices" / "duo" / "q4_k_s.gguf"
needs_weights = pytest.mark.skipif(not MODEL.is_file(), reason=f"the weights {MODEL} are not there")
LINE = "The old man sat by the window and watched the snow fall."


def variant(**settings: Any) -> Variant:
    return Variant(name="q4_k_s", adapter="llama_codec", settings={"model": str(MODEL), **settings}, source="v.toml")


@pytest.fixture(scope="module")
def backend() -> Iterator[LlamaCodec]:
    loaded = LlamaCodec()
    loaded.load(variant())
    yield loaded
    loaded.close()


def speak(backend: LlamaCodec, text: str = LINE, seed: int = 1, **overrides: Any) -> Any:
    return backend.synthesize(Request("a", text, seed, overrides=overrides), lambda: None)


def digest(spoken: Any) -> list[str]:
    return [hashlib.sha256(a.tobytes()).hexdigest() for a in (spoken.tokens, spoken.samples)]


SCRIPT = """
import json, sys
sys.path.insert(0, {root!r})
from tests_llama import digest, speak, variant
from harness.backends.llama_codec import LlamaCodec
backend = LlamaCodec(); backend.load(variant())
print(json.dumps(digest(speak(backend))))
"""


@needs_weights
def test_same_request_and_seed_in_a_fresh_process_gives_the_same_tokens_and_samples(backend: LlamaCodec) -> None:
    here = digest(speak(backend))
    code = SCRIPT.format(root=str(ROOT)).replace(
        "from tests_llama import",
        f"import importlib.util as u; s = u.spec_from_file_location('tests_llama', {__file__!r}); "
        "m = u.module_from_spec(s); s.loader.exec_module(m); sys.modules['tests_llama'] = m\nfrom tests_llama import",
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == here


@needs_weights
def test_history_does_not_change_a_request_and_seeds_do(backend: LlamaCodec) -> None:
    first = speak(backend)
    speak(backend, "Something quite different was said in between.", seed=7)
    assert digest(speak(backend)) == digest(first)
    assert digest(speak(backend, seed=2)) != digest(first)


@needs_weights
def test_healthy_speech_ends_by_itself_and_its_counts_agree(backend: LlamaCodec) -> None:
    signs: list[int] = []
    spoken = backend.synthesize(Request("a", LINE, 1), lambda: signs.append(1))
    assert spoken.finish_reason == "stop"
    assert spoken.tokens.shape[1] == 3
    assert spoken.token_count == np.count_nonzero(spoken.tokens >= 0)
    assert len(spoken.samples) == (len(spoken.tokens) - spoken.notes["invalid_frames"]) * 640
    assert 1.5 < len(spoken.samples) / 16000 < 8
    assert len(signs) >= spoken.notes["generated_tokens"]
    assert set(spoken.stage_seconds) == {"frontend", "language_model", "vocoder"}
    assert 0.05 < np.abs(spoken.samples).max() < 2


@needs_weights
def test_a_cap_that_is_hit_is_visible(backend: LlamaCodec) -> None:
    spoken = speak(backend, max_tokens=40)
    assert spoken.finish_reason == "length"
    assert spoken.notes["generated_tokens"] == spoken.notes["cap"] == 40
    assert spoken.notes["markers_missing"] > 0
    assert spoken.notes["words"] is None


@needs_weights
def test_long_text_is_spoken_in_segments_and_whole_on_request(backend: LlamaCodec) -> None:
    text = " ".join([LINE] * 4)
    cut = speak(backend, text, segment_phones=90, split="chunk")
    whole = speak(backend, text, segment_phones=0, split="chunk")
    assert cut.notes["segments"] > 1
    assert whole.notes["segments"] == 1
    assert cut.notes["phones"] > whole.notes["phones"]  # every segment has pauses of its own
    assert len(cut.samples) / 16000 > 6


@needs_weights
def test_sentences_are_generations_of_their_own_unless_told_otherwise(backend: LlamaCodec) -> None:
    text = f'"Who is there?" she asked. {LINE} Dr. J. Smith said no.'
    cut = speak(backend, text, note_ids=True)
    assert cut.notes["segments"] == 3  # neither the question that goes on nor the abbreviations end a sentence
    assert speak(backend, text, split="chunk").notes["segments"] == 1
    second = cut.notes["generations"][1]
    alone = speak(backend, seed=2, note_ids=True)  # the request's seed plus the number of the sentence
    assert second == alone.notes["generations"][0]
    if cut.notes["words"] is not None:
        assert [word for word, _, _ in cut.notes["words"]][-2:] == ["said", "no"]


@needs_weights
@pytest.mark.parametrize("text", ["", "😀", "..."])
def test_nothing_to_say_is_refused_in_words(backend: LlamaCodec, text: str) -> None:
    with pytest.raises(BackendRefused, match="nothing that can be spoken"):
        speak(backend, text)
    assert speak(backend).finish_reason == "stop"


@needs_weights
def test_carried_context_makes_history_matter() -> None:
    backend = LlamaCodec()
    backend.load(variant(carry_context=True))
    fresh = digest(speak(backend))
    assert digest(speak(backend)) != fresh
    backend.reset()
    assert digest(speak(backend)) == fresh
    for _ in range(12):  # more than the context holds: it starts over instead of failing
        assert speak(backend).samples is not None
    backend.close()


@needs_weights
def test_text_beyond_the_context_is_refused(backend: LlamaCodec) -> None:
    with pytest.raises(BackendRefused, match="context"):
        speak(backend, " ".join([LINE] * 80), segment_phones=0, split="chunk")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temprature": 0.5}, "did you mean 'temperature'"),
        ({"temperature": "hot"}, "temperature must be float"),
        ({"threads": 0}, "threads must lie in"),
        ({"threads": True}, "threads must be int"),
        ({"model": str(MODEL.with_name("q4_k_x.gguf"))}, r"no such file: .*q4_k_x.gguf"),
        ({"voice_dir": "/nowhere"}, "voice_json: no such file"),
        ({"speaker": "slk"}, "did you mean 'slt'"),
        ({"split": "sentence"}, "split cannot be 'sentence' .did you mean 'sentences'"),
        ({"context": 10**5}, "context must be at most"),
    ],
)
@needs_weights
def test_wrong_settings_are_one_clear_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        LlamaCodec.check(variant(**settings))
    assert "\n" not in str(error.value)


@needs_weights
def test_check_imports_nothing_heavy() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from harness.backends.llama_codec import LlamaCodec; from harness.core.records import Variant\n"
        f"LlamaCodec.check(Variant('q', 'llama_codec', {{'model': {str(MODEL)!r}}}))\n"
        "print([m for m in ('torch', 'xllamacpp', 'pyworld', 'pycrfsuite', 'inflect', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@needs_weights
@pytest.mark.parametrize("engine", ["xllamacpp", "llama-cpp-python"])
def test_constrained_keeps_every_phone_in_its_place_where_the_model_alone_gets_lost(engine: str) -> None:
    if engine == "llama-cpp-python":
        pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed (extra 'divergence')")
    coarse = {"model": str(MODEL.with_name("q2_k.gguf")), "engine": engine, "temperature": 1.2, "top_p": 0.95}
    lost = {}
    for constrained in (False, True):
        loaded = LlamaCodec()
        loaded.load(variant(**coarse, constrained=constrained))
        notes = [speak(loaded, seed=seed).notes for seed in range(4)]
        lost[constrained] = [n["markers_missing"] + n["markers_extra"] + n["invalid_frames"] for n in notes]
        loaded.close()
    assert sum(lost[False]) > 0
    assert lost[True] == [0, 0, 0, 0]


@needs_weights
def test_constrained_changes_nothing_where_the_model_keeps_its_place(backend: LlamaCodec) -> None:
    alone = speak(backend, seed=1)
    assert alone.notes["markers_missing"] == alone.notes["markers_extra"] == alone.notes["invalid_frames"] == 0
    assert digest(speak(backend, seed=1, constrained=True)) == digest(alone)
