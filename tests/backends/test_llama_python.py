"""The embedded voice through llama-cpp-python: exact within the engine, and what its reset() is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from harness.backends.base import BackendRefused
from harness.backends.llama_codec import LlamaCodec
from harness.core.records import Request, Variant
from tests._places import ROOT

MODEL = ROOT / "voices" / "duo" / "q4_k_s.gguf"
LINE = "The old man sat by the window."
BETWEEN = "Something quite different was said in between."
pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason=f"the weights {MODEL} are not there")
pytest.importorskip("llama_cpp", reason="the second engine needs the extra 'divergence' (llama-cpp-python)")


def load(**settings: Any) -> LlamaCodec:
    given = {"model": str(MODEL), "engine": "llama-cpp-python", **settings}
    backend = LlamaCodec()
    backend.load(Variant(name="q4_k_s", adapter="llama_codec", settings=given, source="v.toml"))
    return backend


@pytest.fixture(scope="module")
def backend() -> Iterator[LlamaCodec]:
    loaded = load()
    yield loaded
    loaded.close()


def speak(backend: LlamaCodec, text: str = LINE, seed: int = 1, **overrides: Any) -> Any:
    return backend.synthesize(Request("a", text, seed, overrides=overrides), lambda: None)


def test_same_seed_gives_the_same_tokens_whatever_was_said_between(backend: LlamaCodec) -> None:
    first = speak(backend)
    speak(backend, BETWEEN, seed=7)
    again = speak(backend)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    np.testing.assert_array_equal(first.samples, again.samples)
    fresh = load()
    np.testing.assert_array_equal(first.tokens, speak(fresh).tokens)
    fresh.close()
    assert not np.array_equal(first.tokens, speak(backend, seed=2).tokens)
    assert len(first.samples) == (len(first.tokens) - first.notes["invalid_frames"]) * 640 > 0


def test_without_reset_the_same_request_is_another_one_and_a_full_context_is_refused() -> None:
    kept = load(reset=False)
    first = speak(kept)
    assert not np.array_equal(first.tokens, speak(kept).tokens)
    with pytest.raises(BackendRefused, match=r"holds .* of earlier requests"):
        for _ in range(120):
            speak(kept)
    kept.close()


def test_the_first_request_without_reset_is_the_one_with_reset(backend: LlamaCodec) -> None:
    """The difference is carried in, not the engine's setting as such."""
    kept = load(reset=False)
    np.testing.assert_array_equal(speak(kept).tokens, speak(backend).tokens)
    kept.close()


def test_both_engines_read_the_same_model(backend: LlamaCodec) -> None:
    """The most probable first tokens agree; sampling is each engine's own, so tokens are compared within one."""
    other = LlamaCodec()
    other.load(Variant(name="q4_k_s", adapter="llama_codec", settings={"model": str(MODEL)}, source="v.toml"))
    likeliest = [
        dict(map(tuple, speak(each, max_tokens=3, logprobs=40).notes["choices"]["top"][0])) for each in (backend, other)
    ]
    other.close()
    likely = {token for each in likeliest for token, value in each.items() if value > -12}
    assert likely and likely <= set(likeliest[0]) & set(likeliest[1])
    for token in likely:
        assert likeliest[0][token] == pytest.approx(likeliest[1][token], abs=0.3)


def test_a_cap_that_is_hit_is_visible(backend: LlamaCodec) -> None:
    spoken = speak(backend, max_tokens=40)
    assert spoken.finish_reason == "length" and spoken.notes["generated_tokens"] == 40


def test_the_engine_is_named_with_its_version() -> None:
    loaded = LlamaCodec()
    settings = {"model": str(MODEL), "engine": "llama-cpp-python", "prompt_cache": True}
    capabilities = loaded.load(Variant(name="q", adapter="llama_codec", settings=settings, source="v.toml"))
    loaded.close()
    assert capabilities.details["engine"] == "llama.cpp through llama-cpp-python"
    assert capabilities.details["llama-cpp-python"] and capabilities.details["exact_repeats"] is False
