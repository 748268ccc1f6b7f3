"""The contract of the scorers: what ARCHITECTURE.md lists are the keys that the types have, and what they measure."""

from __future__ import annotations

import re

import numpy as np
import pytest

from harness.core.records import Attempt, Chunk, Variant
from harness.core.records import payloads as types
from harness.scorers.base import Clip
from harness.scorers.pitch import PitchScorer
from harness.scorers.signal import SignalScorer
from harness.scorers.tokens import TokensScorer
from tests._places import ROOT

ARCHITECTURE = ROOT / "ARCHITECTURE.md"
TYPES = {
    "signal": types.SignalPayload,
    "pitch": types.PitchPayload,
    "tokens": types.TokensPayload,
    "intelligibility": types.TranscriptPayload,
    "edit_likelihood": types.EditsPayload,
    "speaker": types.SpeakerPayload,
    "dnsmos": types.OpinionPayload,
}


@pytest.mark.parametrize("scorer", sorted(TYPES))
def test_the_table_of_the_contract_has_the_keys_of_the_type(scorer: str) -> None:
    row = re.search(rf"^\| `{scorer}` .*? \| (.*) \|$", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE)
    assert row is not None
    listed = re.sub(r"\{[^{}]*\}|\{[^{}]*\{[^{}]*\}[^{}]*\}|\([^()]*\)", "", row[1])  # inner keys and explanations
    assert set(re.findall(r"`(\w+)`", listed)) == set(TYPES[scorer].__annotations__)


def test_what_the_scorers_of_the_waveform_measure_are_the_keys_of_their_types() -> None:
    noise = (np.random.default_rng(1).standard_normal(24000) * 0.1).astype(np.float32)
    attempt = Attempt(0, 0, 0, "c", "v", tokens=np.zeros((4, 2), np.int32), token_count=8)
    for samples in (noise, np.zeros(24000, np.float32), np.full(24000, np.nan, np.float32)):
        clip = Clip(Chunk("c", "text"), attempt, samples, 24000, Variant("v", "null"))
        assert set(SignalScorer().observe(clip)) == set(types.SignalPayload.__annotations__)
        assert set(PitchScorer().observe(clip)) == set(types.PitchPayload.__annotations__)
        assert set(TokensScorer().observe(clip)) == set(types.TokensPayload.__annotations__)
