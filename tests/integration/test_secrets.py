"""No secret is readable in what is written or printed: by name, by shape, by value; cut only once it is redacted."""

import base64
import os
from urllib.parse import quote

import pytest

from harness.backends.process import Tail
from harness.core.printable import printable, printable_line
from harness.core.records import Attempt, Outcome
from harness.store import Run, redact, redact_json, remember_secrets, secrets_in
from harness.store.secret_values import _remembered
from tests._places import ROOT
from tools.attacks.secret_texts import BODY, CANARY, SECRET_TEXTS, drawn_secrets, part_left, readable


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_no_shape_of_a_secret_is_readable(text):
    out = redact(f"before\n{text}\nafter", {})
    assert readable(out) == ""
    assert "[redacted]" in out
    assert redact(out, {}) == out


def test_no_part_of_a_secret_drawn_by_lot_is_readable():
    left = {text: part_left(redact(f"before\n{text}\nafter", {}), secret) for text, secret in drawn_secrets()}
    assert {text: part for text, part in left.items() if part} == {}


@pytest.mark.parametrize(
    "text",
    [
        "wrong password for bob",
        "https://example.org:8080/path/@user?x=1",
        "http://127.0.0.1:8123/v1/audio/speech",
        "mail bob@example.org or to:bob@example.org",
        "ssh://git@github.com/a/b.git",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "commit 4111b0e2f1d3c4b5a697887766554433221100ff",
        "llama_perf_context_print: eval time = 812.22 ms / 120 runs",
        "config.json tokenizer_config.json special_tokens_map.json",
        "Loading checkpoint shards: 100%|##########| 2/2 [00:01<00:00]",
        "author: A. Writer, authority: none, passage: 3, passing: 12, pin_memory=True, signal: 9, design: flat",
        "n_keys = 32, keypoints: 17, tokens: 512, token_ids: [1, 2, 3], tokens/s: 25.1, pass: 2 of 3",
        "compass: north; bypass = true; keyboard: us",
        "basic authentication is off; bearer tokens are not used",
        "attention key shape (1, 12, 64), key length: 512",
        "/usr/lib/python3/dist-packages/tokenizers/tokenizers.abi3.so",
        "seed=4242424242 temperature=0.6 top_p=0.95 speaker=tara",
        ":class:`torch.nn.AdaptiveAvgPool2d`",
        "_ZN5torch8autograd6Engine17evaluate_functionERSt10shared_ptrINS0_9GraphTaskEEPNS0_4NodeE",
        "MAGIC_NUMBER = 0x1950A86A20F9469CFC6C",
        "style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "facebook/wav2vec2-large-960h-lv60-self TheBloke_Mistral-7B-Instruct-v0.1-GPTQ-4bit-32g-actorder Qwen2.5-0.5B",
        "forward_pass: 0.1234 s, second pass: 12 of 30, bypass: soft, LANG_CODE=en-US, code: 404, exit code = 139",
        "models--hexgrad--Kokoro-82M/snapshots/f3ff3571791e39611d31c381e3a41a3af07b4987/voices/af_heart.pt",
        "clip_9f86d081884c7d659a2feaa0c55ad015 EN_B00013_S00913_W000001",
        "tests/tools/test_kills.py::test_a_long_name_of_a_test[a-1]",
        "| variant | chunks | clean |\n|---|---|---|\n| q4_k_s | 60 | 57 |",
        "--set x: must be KEY=VALUE",
        "name: stop_token\nvalue: 128258",
        "a: [0.1, 0.2], dsn off, x-request-id: 7f3c2a10-aaaa-bbbb-cccc-1234567890ab",
    ],
)
def test_ordinary_logs_stay(text):
    assert redact(text, {}) == text


@pytest.fixture
def remembered():
    before = set(_remembered)
    yield remember_secrets
    _remembered.clear()
    _remembered.update(before)


def test_values_of_a_variants_own_environment_are_known_in_every_spelling(remembered):
    value = 'plain&words "x" 99'
    settings = {"command": ["x"], "env": {"DB_PASSWORD": value, "OMP_NUM_THREADS": "1"}, "values": {"n": "ordinary"}}
    assert secrets_in(settings) == {value}
    remembered(secrets_in(settings))
    spellings = [
        *(value, value.upper(), quote(value), quote(value, safe=""), value.encode().hex(), value[::-1]),
        *(base64.b64encode(f"{lead}{value}".encode()).decode() for lead in ("", "u", "us", "user:")),
        *(repr(value)[1:-1], value.replace('"', '\\"')),
    ]
    for spelling in spellings:
        assert "[redacted]" in redact(f"the server says {spelling}!", {}), spelling
    assert redact("ordinary plain words", {}) == "ordinary plain words"


def test_lists_numbers_and_keys_of_json_are_looked_at():
    given = {"passwords": ["a", "b"], "password": 1234, "limits_key": 3, f"https://u:{CANARY}@h/x": 1, "keys": ["ok"]}
    out = redact_json(given, {})
    assert out["passwords"] == ["[redacted]"] * 2
    assert out["password"] == "[redacted]"
    assert (out["limits_key"], out["keys"]) == (3, ["ok"])
    assert readable(repr(out)) == ""


def test_a_log_is_cut_only_after_its_secrets_are_out(tmp_path):
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + f"{BODY}\n" * 50 + "-----END RSA PRIVATE KEY-----\n"
    log = key + "step\n" * 300
    detail = "x" * 480 + f" Authorization: Bearer {CANARY}{CANARY}"
    with Run.create(tmp_path, {}) as run:
        session = run.begin_session("q", "soak", ["a"])
        run.begin_epoch(session, "start", {})
        attempt = Attempt(session, 0, 0, "a", "q", outcome=Outcome.ERROR, detail=detail, stderr_tail=log)
        stored = run.record_attempt(attempt, None)
    assert readable(stored.stderr_tail + stored.detail) == ""
    assert len(stored.stderr_tail) <= 4096
    assert len(stored.detail) <= 500


def test_the_tail_of_a_program_begins_with_a_whole_line():
    read, write = os.pipe()
    tail = Tail(os.fdopen(read, "rb"), limit=100)
    os.write(write, b"Authorization: Bearer " + CANARY.encode() + b"\n" + b"0123456789\n" * 8)
    os.close(write)
    tail.close()
    assert tail.text() == "0123456789\n" * 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\x1b[2Jb\x1b]0;t\x07", r"a\x1b[2Jb\x1b]0;t\x07"),
        ("\x9b2J\x85\u2028\u202e", r"\x9b2J\x85\u2028\u202e"),
        ("::error::x", r"\::error::x"),
        ("one\n  ::warning file=a::l2", "one\n  \\::warning file=a::l2"),
        ("x ##[error]y ##vso[task.complete]", r"x #\#[error]y #\#vso[task.complete]"),
        ("a\rb", r"a\x0db"),
        ("plain :: text ## and\ttabs\n", "plain :: text ## and\ttabs\n"),
        ("\ud800", r"\ud800"),
    ],
)
def test_nothing_printed_moves_a_cursor_or_commands_a_runner(text, expected):
    assert printable(text) == expected
    assert "\n" not in printable_line(text)


def test_a_load_failure_shows_no_secret_and_no_escape_in_the_terminal(pytester):
    root = ROOT
    suite = pytester.path / "suites" / "stress"
    suite.mkdir(parents=True)
    (suite / "test_stress.py").write_text((root / "suites/stress/test_stress.py").read_text())
    (suite / "limits.toml").write_text((root / "suites/stress/limits.toml").read_text())
    pytester.makeconftest('pytest_plugins = ["harness.plugin"]')
    (pytester.path / "b.py").write_text(
        f"raise RuntimeError('password={CANARY} said ' + chr(27) + '[2J' + chr(27) + ']0;title')\n"
    )
    (pytester.path / "v.toml").write_text(
        "[variants.h]\nadapter = 'python'\n[variants.h.settings]\ncall = 'b.py:f'\narguments = { text = '{text}' }\n"
    )
    result = pytester.runpytest_subprocess(
        *("suites/stress", "-q", "--variants", "v.toml", "--reports", "r", "--corpus", "generated:seed=3,chunks=1"),
        *("--scorers", "none", "--quiet-chunks", "0", "--no-confirm", "-p", "no:cacheprovider"),
    )
    shown = result.stdout.str() + result.stderr.str()
    assert "did not load" in shown
    assert CANARY not in shown
    assert "\x1b" not in shown


def test_a_secret_that_stands_beside_its_name_is_seen_in_json():
    value = "".join(secret for text, secret in drawn_secrets()[:3])[:24]
    for given in (
        ["prog", "--api-key", value],
        ["sshpass", "-p", value, "ssh", "h"],
        ["prog", "-H", f"Authorization: Bearer {value}"],
        {"name": "API_KEY", "value": value},
        {"value": value, "key": "password"},
        {"headers": [["x-api-key", value]]},
        {"password": {"value": value, "type": "string"}},
        {"credentials": [{"user": value}]},
        {"token": [value]},
    ):
        assert value not in str(redact_json(given, {})), given
    assert len(redact_json(["prog", "--password", "a b", "--speed", "1.2"], {})) == 5
    assert redact_json(["prog", "--stop-token", "<eos>", "--key", "C#"], {})[2:] == ["<eos>", "--key", "C#"]


def test_id_and_text_of_a_chunk_stay():
    chunk = {"id": "V1StGXR8Z5jdHi6BmyT0aB3x", "text": "My password is Xy12Zz34Qq, he said.", "language": "en"}
    assert redact_json({"texts": [chunk]}, {}) == {"texts": [chunk]}
