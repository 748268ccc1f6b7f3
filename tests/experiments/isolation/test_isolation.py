"""Where a fault sits: pure decisions, weights on disk, and three variants broken on purpose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.audio.codec import decode_codes, load_codec
from harness.backends.worker import Worker
from harness.core.errors import ConfigError
from harness.core.records import Chunk, Claim, Outcome, Request, TokenLayout, Variant
from harness.core.suites import suite_of
from harness.corpora import make_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.experiments.isolation.claims import (
    Decoded,
    IsolationData,
    IsolationMargins,
    IsolationRow,
    Place,
    isolation_claims,
    locate_fault,
    model,
    vocoder,
)
from harness.experiments.isolation.tokens import decoder_readings, probes
from harness.experiments.isolation.weights import Kind, Problem, Weights, embeddings, weight_problems
from harness.experiments.limits import suite_limits
from harness.store import Run
from tests._places import ROOT

VOICE = ROOT / "voices" / "duo"
needs_weights = pytest.mark.skipif(not (VOICE / "f16.gguf").is_file(), reason=f"the weights in {VOICE} are not there")
GOOD, FAR = Decoded("reference-tokens of a", mel_db=1.0, level_db=0.2), Decoded("random", mel_db=7.5, level_db=0.1)
FINE, POOR = [IsolationRow(f"c{i}", False) for i in range(24)], [IsolationRow(f"c{i}", True) for i in range(24)]
HEALTHY = IsolationData(decoded=[GOOD], spoken=FINE, null=FINE, weights=[])


# ------------------------------------------------------------------------------------------- decisions
@pytest.mark.parametrize(
    ("seen", "places"),
    [
        (HEALTHY, (Place.HEALTHY,)),
        (replace(HEALTHY, decoded=[GOOD, FAR]), (Place.VOCODER,)),
        (replace(HEALTHY, spoken=POOR), (Place.MODEL,)),
        (replace(HEALTHY, decoded=[FAR], spoken=POOR), (Place.VOCODER, Place.MODEL)),
        (replace(HEALTHY, spoken=POOR, weights=[Problem("t", Kind.DAMAGED, "zero")]), (Place.MODEL,)),
        (replace(HEALTHY, spoken=POOR, weights=[Problem("t", Kind.MISPLACED, "moved")]), (Place.LOADING,)),
        (replace(HEALTHY, weights=[Problem("t", Kind.FOREIGN, "of another model")]), (Place.LOADING,)),
        (IsolationData(unloadable="no such tensor"), (Place.LOADING,)),
        (IsolationData(unjudged="no stages"), (Place.NOT_JUDGED,)),
        (replace(HEALTHY, spoken=FINE[:3], null=FINE[:3]), (Place.NOT_JUDGED,)),
    ],
)
def test_the_place_at_fault_is_named(seen: IsolationData, places: tuple[Place, ...]) -> None:
    assert locate_fault(seen)[0] == places
    expected = {Place.HEALTHY: True, Place.NOT_JUDGED: None}.get(places[0], False)
    assert isolation_claims("v", seen)[0].passed is expected


def test_what_could_not_be_exchanged_says_why_in_every_claim() -> None:
    for claim in isolation_claims(
        "v", IsolationData(unjudged="the adapter exposes no stages", weights_reason="no GGUF file")
    ):
        assert claim.passed is None
        assert "no stages" in claim.statement or "no GGUF file" in claim.statement


@pytest.mark.parametrize(
    ("decoded", "words"),
    [
        (Decoded("x", mel_db=2.9, level_db=5.0), ""),
        (Decoded("x", mel_db=3.1), "log-mel"),
        (Decoded("x", mel_db=0.0, level_db=-7.0), "level"),
        (Decoded("x", mel_db=9.0, quiet=True), ""),
        (Decoded("x", seconds=(1.0, 2.0), quiet=True), "lasts 1.00 s"),
        (Decoded("x", failed="gives no sound"), "gives no sound"),
    ],
)
def test_a_sound_is_held_against_the_reference_decoders(decoded: Decoded, words: str) -> None:
    problem = decoded.problem(IsolationMargins())
    assert (words in problem) if words else not problem


def test_a_reference_that_is_bad_itself_excuses_the_same_share() -> None:
    half = [IsolationRow(f"c{i}", i % 2 == 0) for i in range(40)]
    assert model(IsolationData(spoken=half, null=half))[0] is not False
    assert model(IsolationData(spoken=half, null=FINE))[0] is False


def test_a_text_without_a_verdict_is_judged_by_likeness() -> None:
    assert IsolationRow("a", None, other_text=True).bad is True
    assert IsolationRow("a", None, other_text=False).bad is False
    assert IsolationRow("a", None).bad is None
    assert IsolationRow("a", False, cut=True).bad is True


# ------------------------------------------------------------------------------------------- tokens
LAYOUT = TokenLayout((1024, 1024, 256), 0.04)


@needs_weights
def test_silence_is_what_the_reference_decoder_makes_silent() -> None:
    codec = load_codec(VOICE / "codec.npz")
    rng = np.random.default_rng(0)
    tokens = np.stack([rng.integers(0, size, 40) for size in LAYOUT.codebook_sizes], axis=1).astype(np.int32)
    probe_sets = probes(tokens, decode_codes(tokens, codec), 16000, LAYOUT, seed=1)
    power = {name: float(np.mean(decode_codes(probe, codec) ** 2)) for name, probe in probe_sets.items()}
    assert power["silence"] == min(power.values()) < 0.1 * power["one-token"]
    assert len(np.unique(probe_sets["silence"], axis=0)) == len(np.unique(probe_sets["one-token"], axis=0)) == 1
    for probe in probe_sets.values():
        assert (probe >= 0).all() and (probe < np.array(LAYOUT.codebook_sizes)).all()
    assert not np.array_equal(probe_sets["order"], tokens) and not np.array_equal(probe_sets["offset"], tokens)


def test_one_codebook_has_no_order_and_many_have_few() -> None:
    single = TokenLayout((64,), 0.02)
    tokens = np.arange(20, dtype=np.int32)[:, None]
    assert "order" not in probes(tokens, np.ones(20 * 160, np.float32), 8000, single, 1)
    assert len(decoder_readings(tokens, single)) == 2
    many = decoder_readings(np.zeros((4, 7), np.int32), TokenLayout((16,) * 7, 0.02))
    assert sum("in the order" in name for name in many) == 6


@needs_weights
def test_a_worker_decodes_tokens_past_the_language_model(tmp_path: Path) -> None:
    worker = Worker(voice("q4_k_s"), tmp_path)
    tokens = np.array([[1, 2, 3]] * 10, np.int32)
    try:
        worker.start()
        reply = worker.request(Request("a", "", 1, tokens=tokens))
        assert reply.outcome is Outcome.OK and reply.samples is not None and reply.tokens is not None
        assert len(reply.samples) == 10 * 640 and np.array_equal(reply.tokens, tokens)
    finally:
        worker.stop()


def test_a_backend_without_stages_refuses_tokens_in_words(tmp_path: Path) -> None:
    worker = Worker(Variant("n", "null"), tmp_path)
    try:
        worker.start()
        reply = worker.request(Request("a", "", 1, tokens=np.zeros((2, 1), np.int32)))
        assert reply.outcome is Outcome.ERROR and "no decode(tokens)" in reply.detail
    finally:
        worker.stop()


# ------------------------------------------------------------------------------------------- weights
def patched(path: Path, change: Callable[[bytearray, dict[str, Any]], None], source: str = "q4_k_s") -> Path:
    """A copy of a model file with some of its bytes changed."""
    import gguf

    original = VOICE / f"{source}.gguf"
    raw = bytearray(original.read_bytes())
    change(raw, {tensor.name: tensor for tensor in gguf.GGUFReader(str(original)).tensors})
    path.write_bytes(raw)
    return path


def rows_of(tensor: Any, rows: slice) -> slice:
    width = tensor.n_bytes // int(tensor.shape[-1])
    return slice(int(tensor.data_offset) + rows.start * width, int(tensor.data_offset) + rows.stop * width)


def zero_rows(raw: bytearray, tensors: dict[str, Any]) -> None:
    place = rows_of(tensors["token_embd.weight"], slice(464, 3536))  # both stages of the envelope
    raw[place] = bytes(place.stop - place.start)


def exchange(raw: bytearray, tensors: dict[str, Any]) -> None:
    """The feed-forward layers of one half of the model in the place of the other half's."""
    for layer in range(3):
        for name in ("ffn_gate", "ffn_up", "attn_q"):
            a, b = (
                slice(int(t.data_offset), int(t.data_offset) + int(t.n_bytes))
                for t in (tensors[f"blk.{layer}.{name}.weight"], tensors[f"blk.{layer + 3}.{name}.weight"])
            )
            raw[a], raw[b] = raw[b], raw[a]


def shift_rows(raw: bytearray, tensors: dict[str, Any]) -> None:
    tensor = tensors["token_embd.weight"]
    rows = int(tensor.shape[-1])
    last, body = raw[rows_of(tensor, slice(rows - 1, rows))], raw[rows_of(tensor, slice(0, rows - 1))]
    raw[rows_of(tensor, slice(0, rows))] = last + body


@needs_weights
def test_every_quantization_holds_the_references_weights() -> None:
    reference = Weights(VOICE / "f16.gguf")
    for name in ("q8_0", "q4_k_s", "q2_k"):
        assert weight_problems(Weights(VOICE / f"{name}.gguf"), reference) == []
    rows = embeddings(reference)["token_embd.weight"]
    assert rows.rows == 4096 and rows.zero_rows == [] and 0.13 < rows.spread < 0.14


@needs_weights
@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (zero_rows, Kind.DAMAGED, "3072 of 4096 rows are all zero (ids 464-3535)"),
        (exchange, Kind.MISPLACED, "it holds the reference's blk.3.ffn_gate.weight"),
        (shift_rows, Kind.MISPLACED, "its rows are those of the reference -1 further"),
    ],
)
def test_weights_damaged_or_in_the_wrong_place_are_told_apart(
    tmp_path: Path, change: Callable[[bytearray, dict[str, Any]], None], kind: Kind, words: str
) -> None:
    problems = weight_problems(Weights(patched(tmp_path / "m.gguf", change)), Weights(VOICE / "f16.gguf"))
    assert {problem.kind for problem in problems} == {kind}
    assert any(words in problem.says for problem in problems)


# ------------------------------------------------------------------------------------------- the whole of it
SENTENCES = ("The lock was stiff and would not turn.", "Nobody had seen the old ferry leave.",
             "They waited until the lamps were lit again.", "She went home early on that day.",
             "There were nine boats in the harbour.", "The child laughed and ran into the garden.")  # fmt: skip


def voice(name: str, model: Path | None = None, folder: Path = VOICE) -> Variant:
    settings = {"model": str(model or VOICE / f"{name}.gguf"), "voice_dir": str(folder), "segment_phones": 60}
    return Variant(name, "llama_codec", settings, seed=7, reference=name == "f16")


def carried_out(tmp_path: Path, *variants: Variant, reference: Variant | None) -> tuple[dict[str, Any], list[Claim]]:
    corpus = make_corpus("short", [Chunk(f"s{i}", text) for i, text in enumerate(SENTENCES)], "this file")
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan("isolation", corpus, variants, {variant.name: ids for variant in variants}, tmp_path / "reports",
                reference=reference, experiment={"isolation": {"excess_max": 0.4, "likeness": 5}})  # fmt: skip
    path = suite_of("isolation").carry_out()(plan, Quiet(), None)
    with Run.open(path) as run:
        return json.loads((path / "results.json").read_text()), run.claims()


@needs_weights
def test_a_broken_vocoder_a_broken_model_and_a_wrong_file_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "voice"
    folder.mkdir()
    shutil.copy(VOICE / "voice.json", folder)
    with np.load(VOICE / "codec.npz") as codec:
        arrays = dict(codec)
    np.savez(folder / "codec.npz", **{**arrays, "stage1": arrays["stage2"], "stage2": arrays["stage1"]})
    variants = (
        voice("q4_k_s"),
        voice("deaf", VOICE / "q4_k_s.gguf", folder),
        voice("damaged", patched(tmp_path / "damaged.gguf", zero_rows)),
        voice("mixed", patched(tmp_path / "mixed.gguf", exchange)),
    )
    results, run = carried_out(tmp_path, *variants, reference=voice("f16"))
    assert {name: result["places"] for name, result in results.items()} == {
        "q4_k_s": ["healthy"],
        "deaf": ["vocoder"],
        "damaged": ["language model"],
        "mixed": ["loading"],
    }
    assert results["deaf"]["diagnosis"] == "it reads the codebooks in the order 2, 1, 3"
    told = {(claim.variant, claim.name): claim for claim in run}
    assert told["deaf", "language-model"].passed is True and told["deaf", "stages"].passed is True
    assert told["damaged", "vocoder"].passed is True and told["damaged", "language-model"].passed is False
    assert "rows are all zero" in told["damaged", "isolation"].statement
    assert told["q4_k_s", "silence"].passed is True


def test_a_backend_without_stages_is_not_judged_and_says_why(tmp_path: Path) -> None:
    plain, reference = Variant("plain", "null"), Variant("good", "null", reference=True)
    results, carried = carried_out(tmp_path, plain, reference=reference)
    assert results["plain"]["places"] == ["not judged"]
    assert all(claim.passed is None for claim in carried)
    assert "exposes no stages" in carried[0].statement
    assert "no variant has reference = true" in carried_out(tmp_path, plain, reference=None)[1][0].statement


def test_a_wrong_key_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'mel_max'"):
        suite_limits(IsolationMargins, {"isolation": {"mel_mx": 1}}, "isolation")
    with pytest.raises(ConfigError, match="isolation: mel_max: input should be a valid number"):
        suite_limits(IsolationMargins, {"isolation": {"mel_max": "much"}}, "isolation")


def test_no_claim_rests_on_nothing() -> None:
    assert vocoder(IsolationData())[0] is None and model(IsolationData())[0] is None
