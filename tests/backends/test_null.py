"""The null backend: deterministic, of the promised length, failing where and only where its plan says."""

from __future__ import annotations

import numpy as np
import pytest

from harness.backends.base import BackendRefused
from harness.backends.null import NullBackend
from harness.core.errors import ConfigError
from harness.core.records import Request, Synthesis, Variant


def _loaded(**keys: object) -> NullBackend:
    variant = Variant("n", "null", keys)
    NullBackend.check(variant)
    backend = NullBackend()
    backend.load(variant)
    return backend


def _speak(backend: NullBackend, text: str = "one two three", seed: int = 1, chunk: str = "c") -> Synthesis:
    return backend.synthesize(Request(chunk, text, seed), lambda: None)


@pytest.mark.parametrize("mode", ["tone", "silence", "speechlike"])
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_length_follows_the_words(mode: str, rate: int) -> None:
    spoken = _speak(_loaded(mode=mode, sample_rate=rate, seconds_per_word=0.5))
    assert spoken.samples is not None and spoken.samples.dtype == np.float32
    assert len(spoken.samples) / rate == pytest.approx(1.5, abs=0.02)
    assert np.abs(spoken.samples).max() <= 1 and (np.abs(spoken.samples).max() == 0) == (mode == "silence")


def test_sound_depends_on_text_and_seed_alone() -> None:
    backend = _loaded(mode="speechlike", tokens=True)
    first, _, again = _speak(backend), _speak(backend, "other words", 2, "d"), _speak(backend, chunk="another id")
    assert np.array_equal(first.samples, again.samples) and np.array_equal(first.tokens, again.tokens)
    for other in (_speak(backend, seed=2), _speak(backend, "one two four")):
        assert not np.array_equal(first.samples, other.samples)


def test_cap_cuts_generation() -> None:
    backend = _loaded(tokens=True, cap=20)
    long, short = _speak(backend, "word " * 30), _speak(backend, "word")
    assert (long.token_count, long.finish_reason, len(long.tokens)) == (20, "length", 20)
    assert short.finish_reason == "stop"


def _struck(backend: NullBackend, requests: list[tuple[str, str, int]]) -> list[bool]:
    spoke = []
    for chunk, text, seed in requests:
        try:
            _speak(backend, text, seed, chunk)
            spoke.append(False)
        except BackendRefused:
            spoke.append(True)
    return spoke


def test_plan_strikes_by_chunk_count_history_and_seed() -> None:
    same = [("c", "text", 1)] * 6
    assert _struck(_loaded(fail=[{"kind": "error", "chunks": ["b"]}]), [("a", "t", 1), ("b", "t", 1)]) == [False, True]
    assert _struck(_loaded(fail=[{"kind": "error", "every": 3}]), same) == [False, False, True] * 2
    assert _struck(_loaded(fail=[{"kind": "error", "first": 5}]), same) == [False] * 4 + [True] * 2
    seeds = [("c", "text", seed) for seed in range(200)]
    by_seed = _loaded(fail=[{"kind": "error", "fraction": 0.3}])
    first, again = _struck(by_seed, seeds), _struck(by_seed, seeds)
    assert first == again and 30 < sum(first) < 90


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"fail": [{"kind": "crsh"}]}, "fail.kind: unknown kind 'crsh' .did you mean 'crash'"),
        ({"fail": [{"kind": "crash", "evry": 2}]}, "did you mean 'every'"),
        ({"mode": "tune"}, "mode: cannot be 'tune' .did you mean 'tone'"),
        ({"seconds_per_word": 0}, "seconds_per_word: input should be greater than 0"),
    ],
)
def test_wrong_settings_are_one_line(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        NullBackend.check(Variant("n", "null", keys))


def test_every_fault_of_the_sound_changes_it() -> None:
    healthy = _speak(_loaded(mode="speechlike", tokens=True))
    for kind in ("nan", "silence", "constant", "clip", "short", "twice", "noise", "periodic"):
        spoken = _speak(_loaded(mode="speechlike", tokens=True, fail=[{"kind": kind}]))
        assert spoken.samples is not None and spoken.samples.dtype == np.float32
        assert not np.array_equal(spoken.samples, healthy.samples), kind
    for kind in ("token-range", "token-collapse"):
        spoken = _speak(_loaded(mode="speechlike", tokens=True, fail=[{"kind": kind}]))
        assert not np.array_equal(spoken.tokens, healthy.tokens), kind
