"""No secret reaches the disk, and ordinary text of a speech model stays as it was."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import StoreError
from harness.core.records import Attempt
from harness.store import Run, redact, redact_json
from harness.store.provenance import environment, file_sha256, packages, provenance

CANARY = "canary7Hq2ZpX9w4Lm"


@pytest.mark.parametrize(
    "text",
    [
        f"--api-key {CANARY}",
        f"--api_key={CANARY}",
        f'{{"apiKey": "{CANARY}"}}',
        f"OPENAI_API_KEY={CANARY} ./tts",
        f"Authorization: Bearer {CANARY}",
        f"authorization: Basic {CANARY}=",
        f"curl -H 'X-Api-Key: {CANARY}' http://host",
        f"https://user:{CANARY}@host/path",
        f"password: {CANARY}",
        f"db_password={CANARY}; next",
        f"hf_{CANARY}",
        f"ghp_{CANARY}{CANARY}",
        f"sk-{CANARY}",
        f"AKIA{'A1' * 8} {CANARY}".replace(f" {CANARY}", ""),
        f"eyJhbGciOi.eyJ{CANARY}.sig{CANARY}",
        f"token={CANARY}",
        f"error: limits_key: password={CANARY}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n{CANARY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY} cut off here",
        f"Set-Cookie: session={CANARY}; path=/",
    ],
)
def test_secrets_are_taken_out_wherever_they_stand(text):
    out = redact(f"before {text}\nafter", {})
    assert CANARY not in out and "AKIAA1" not in out
    assert out.startswith("before ") and "[redacted]" in out
    assert redact(out, {}) == out


@pytest.mark.parametrize(
    "text",
    [
        "stop token = 128258, generated 900 tokens",
        "token: <|end_of_speech|>",
        "stop_token=<|audio_end|> pad_token=<pad_token>",
        "the key difference is audible",
        "llama_model_loader: - kv   3: general.basename str = orpheus",
        "limits_key=calibrated-voice-2024-01",
        "key: general.architecture",
        "https://example.org/path?x=1",
        "max_tokens=2500 TOKENIZERS_PARALLELISM=false",
        "first pass: 12.5 s, second pass: 11.9 s",
        "a basic understanding of bearer instruments",
        "sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_ordinary_text_of_a_speech_model_stays(text):
    assert redact(text, {}) == text


def test_the_value_of_a_secret_variable_is_known_wherever_it_turns_up():
    variables = {"MY_SERVICE_TOKEN": "correct horse battery", "SHORT_KEY": "abc", "PWD": "/home/somebody"}
    assert (
        redact("said: correct horse battery! abc /home/somebody", variables) == "said: [redacted]! abc /home/somebody"
    )


def test_json_keeps_its_shape():
    value = {"settings": {"api_key": "x", "stop_token": "<end>", "limits_key": "abc"}, "list": [1, None, "ok"]}
    assert redact_json(value, {}) == {
        "settings": {"api_key": "[redacted]", "stop_token": "<end>", "limits_key": "abc"},
        "list": [1, None, "ok"],
    }


@given(st.text(max_size=300))
def test_redaction_never_fails_and_settles(text):
    once = redact(text, {"A_SECRET": "long enough value"})
    assert redact(once, {"A_SECRET": "long enough value"}) == once


def test_a_planted_canary_is_in_no_file_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEECH_API_KEY", CANARY)
    monkeypatch.setenv("TTS_SOAK_NOTE", f"see {CANARY}")
    monkeypatch.setattr(sys, "argv", ["tts-soak", "--api-key", CANARY, f"--url=https://u:{CANARY}@h"])
    said = f"401 for key {CANARY}"
    with Run.create(tmp_path, {"provenance": provenance(), "command": ["tts", "--token", CANARY]}) as run:
        session = run.begin_session("q4", "soak", ["a"], {"command": said})
        run.begin_epoch(session, "start", {"log": said})
        attempt = Attempt(
            session, 0, 0, "a", "q4", detail=said, stderr_tail=said * 20, notes={"header": said}, sample_rate=8000
        )
        stored = run.record_attempt(attempt, np.zeros(9, np.float32))
        run.record_event("gave up", {"why": said})
        run.finish("interrupted", {"why": said})
        assert stored.detail == "401 for key [redacted]" == run.attempts()[0].detail
    for file in tmp_path.rglob("*"):
        if file.is_file() and not file.is_symlink():
            assert CANARY.encode() not in file.read_bytes(), file


def test_only_listed_variables_are_written_and_none_that_looks_secret():
    variables = environment({"OMP_NUM_THREADS": "1", "TTS_SOAK_TOKEN": "x", "TTS_SOAK_MODE": "a", "HOME": "/home/me"})
    assert variables == {"OMP_NUM_THREADS": "1", "TTS_SOAK_MODE": "a"}


def test_provenance_says_what_ran():
    recorded = provenance()
    assert len(recorded["code"]["sha256"]) == 64
    assert recorded["code"]["commit"] is None or len(recorded["code"]["commit"]) == 40
    assert recorded["packages"]["numpy"] == np.__version__
    assert packages(["no-such-package-anywhere"]) == {"no-such-package-anywhere": None}


def test_a_model_that_cannot_be_read_is_an_error_of_the_store(tmp_path):
    with pytest.raises(StoreError, match=r"none\.gguf"):
        file_sha256(tmp_path / "none.gguf")
