"""Backends that print, return and write what none should: each is an outcome with a reason, and the run goes on."""

import os
import struct

import numpy as np
import pytest

from harness.backends.answers import Hello, LoadedAnswer, ReplySaid, read_answer, usable
from harness.backends.protocol import MAGIC, FrameDecoder, Message, ProtocolError
from harness.backends.worker import Worker
from harness.core.records import Arm, Corpus, Outcome, Request, Synthesis, Variant
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.store import Run

NESTED = []
NESTED.append(NESTED)


# -------------------------------------------------------------------------------------- what an adapter may give
@pytest.mark.parametrize(
    ("given", "unusable"),
    [
        ({"token_count": 10**23}, "token_count"),
        ({"token_count": -1}, "token_count"),
        ({"token_count": "many"}, "token_count"),
        ({"token_count": 1.5}, "token_count"),
        ({"token_count": float("nan")}, "token_count"),
        ({"token_count": True}, "token_count"),
        ({"ttfa": float("inf")}, "ttfa"),
        ({"ttfa": [1]}, "ttfa"),
        ({"ttfa": "soon"}, "ttfa"),
        ({"ttfa": -1.0}, "ttfa"),
        ({"sample_rate": 2**40}, "sample_rate"),
        ({"sample_rate": 1}, "sample_rate"),
        ({"stage_seconds": [1]}, "stage_seconds"),
        ({"stage_seconds": {"a": "x"}}, "stage_seconds.a"),
        ({"notes": [1]}, "notes"),
        ({"notes": {"a": NESTED}}, "notes"),
        ({"notes": {"a": "x" * (9 << 20)}}, "notes"),
        ({"tokens": np.zeros((2, 2, 2))}, "tokens"),
        ({"tokens": [[1], [2, 3]]}, "tokens"),
        ({"tokens": np.array([[2**40]])}, "tokens"),
        ({"tokens": np.array([[0.5]])}, "tokens"),
    ],
)
def test_what_does_not_fit_is_left_out_and_named(given, unusable):
    header, tokens = usable(Synthesis(**given))
    assert unusable in header["notes"]["unusable"]
    assert not header.get(unusable) or unusable == "notes"
    assert tokens is None
    read_answer(ReplySaid, Message({"kind": "reply", "outcome": "error", "detail": "", **header}))


def test_what_fits_is_kept():
    synthesis = Synthesis(
        token_count=np.int64(5), ttfa=np.float32(0.5), sample_rate=24000.0, tokens=np.array([[1], [2]])
    )
    header, tokens = usable(synthesis)
    assert (header["token_count"], header["ttfa"], header["sample_rate"]) == (5, 0.5, 24000)
    assert tokens.tolist() == [[1], [2]]
    assert header["notes"] == {}


# ------------------------------------------------------------------------------------------- frames on the pipe
@pytest.mark.parametrize(
    "header",
    [
        {"kind": "reply"},
        {"kind": "reply", "outcome": "splendid"},
        {"kind": "reply", "outcome": "ok", "sample_rate": 24000},
        {"kind": "reply", "outcome": "ok", "sample_rate": "24000"},
        {"kind": "reply", "outcome": "error", "cpu_seconds": -1.0},
        {"kind": "reply", "outcome": "error", "token_count": 10**30},
        {"kind": "reply", "outcome": "error", "notes": 7},
        {"kind": "reply", "outcome": "error", "detail": "x" * 5000},
    ],
)
def test_a_reply_of_another_shape_is_a_broken_pipe(header):
    with pytest.raises(ProtocolError) as caught:
        read_answer(ReplySaid, Message(header))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "header"), [(Hello, {"kind": "hello"}), (LoadedAnswer, {"kind": "loaded", "capabilities": {"layout": 3}})]
)
def test_a_greeting_of_another_shape_is_a_broken_pipe(kind, header):
    with pytest.raises(ProtocolError):
        read_answer(kind, Message(header))


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 60_000,
        b"[]",
        b'"x"',
        b'{"arrays": [{"name": "a", "type": "float32", "shape": [4611686018427387904, 4]}]}',
        b'{"arrays": [{"name": "a", "type": "float32", "shape": [-1]}]}',
        b'{"arrays": [{"name": "a", "type": "float99", "shape": [1]}]}',
        b'{"arrays": 7}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_frame_that_cannot_be_read_is_a_protocol_error(header):
    with pytest.raises(ProtocolError):
        list(FrameDecoder().feed(struct.pack("<4sIQ", MAGIC, len(header), 0) + header))


# ------------------------------------------------------------------------------------------------ whole backends
def python_variant(folder, body, extra=""):
    (folder / "b.py").write_text(body)
    (folder / "v.toml").write_text(
        "[variants.h]\nadapter = 'python'\nprogress_timeout = 5\n[variants.h.settings]\n"
        f"call = 'b.py:f'\narguments = {{ text = '{{text}}' }}\n{extra}\n"
    )
    return load_variants(folder / "v.toml")[0]


SPEAK = "import numpy as np, os\n"
HOSTILE = {
    "a count beyond 64 bits": (
        "def f(text):\n print('TOKENS: 99999999999999999999999')\n return np.zeros(12000,'f4'), 24000",
        "settings.log",
        Outcome.OK,
    ),
    "a rate of 2 GHz": (
        "def f(text): return {'audio': np.zeros(12000,'f4'), 'sample_rate': 2_000_000_000}",
        "",
        Outcome.BAD_AUDIO,
    ),
    "a rate of 1 Hz": ("def f(text): return {'audio': np.zeros(12000,'f4'), 'sample_rate': 1}", "", Outcome.BAD_AUDIO),
    "a rate of 10 MHz": (
        "def f(text): return {'audio': np.zeros(12000,'f4'), 'sample_rate': 10_000_000}",
        "",
        Outcome.BAD_AUDIO,
    ),
    "stray lines on the pipe": (
        'def f(text):\n for fd in range(3, 40):\n  try: os.write(fd, b\'{"kind": "none"}\\n[[[[\\nx\\n\')\n'
        "  except OSError: pass\n return np.zeros(12000,'f4'), 24000",
        "",
        Outcome.OK,
    ),
    "a path of somebody else's": ("def f(text): return '/etc/passwd'", "", Outcome.NO_AUDIO),
    "an exception that cannot be printed": (
        "class E(Exception):\n def __str__(self): raise ValueError\ndef f(text): raise E()",
        "",
        Outcome.CRASH,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_callable_costs_its_chunks_and_not_the_run(tmp_path, name):
    body, extra, outcome = HOSTILE[name]
    settings = "[variants.h.settings.log]\ntoken_count = 'TOKENS: (\\d+)'" if extra else ""
    variant = python_variant(tmp_path, SPEAK + body, settings)
    whole = load_corpus("generated:seed=3,chunks=2")
    corpus = Corpus(whole.name, whole.chunks, whole.sha256)
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan(
        "stress", corpus, (variant,), {"h": ids}, tmp_path / "r", quiet_chunks=0, confirmation=Confirmation(False)
    )
    with Run.open(Engine(plan).run()) as run:
        attempts = run.attempts(arm=Arm.SOAK)
        assert [attempt.chunk_id for attempt in attempts] == list(ids)
        assert {attempt.outcome for attempt in attempts} <= {outcome, Outcome.ERROR}
        assert all(attempt.outcome is Outcome.OK or attempt.detail for attempt in attempts)
        assert run.verify() == []
        assert "root:" not in (run.path / "journal.sqlite").read_bytes().decode("latin-1")


def answer(folder, command):
    """Return the reply to one request that ``command`` is run for."""
    worker = Worker(Variant("c", "command", {"command": command}), folder / "w")
    worker.start()
    try:
        return worker.request(Request("a", "hello", 1))
    finally:
        worker.stop()


def test_an_output_that_is_a_link_elsewhere_shows_nothing_of_it(tmp_path):
    (tmp_path / "say.sh").write_text('#!/bin/sh\nln -s /etc/passwd "$2"\n')
    (tmp_path / "say.sh").chmod(0o755)
    reply = answer(tmp_path, [str(tmp_path / "say.sh"), "{text}", "{output}"])
    assert reply.outcome is Outcome.BAD_AUDIO
    assert "root" not in reply.detail


@pytest.mark.parametrize("size", [3 << 30, 1 << 40])
def test_a_sparse_wav_of_gigabytes_is_refused_before_it_is_read(tmp_path, size):
    (tmp_path / "say.py").write_text(
        f"import sys, os\np = sys.argv[1]\nopen(p, 'wb').write(b'RIFF....WAVE')\nos.truncate(p, {size})\n"
    )
    reply = answer(tmp_path, ["python3", str(tmp_path / "say.py"), "{output}", "{text}"])
    assert reply.outcome is Outcome.BAD_AUDIO
    assert "bytes, more than" in reply.detail
    assert reply.peak_rss_bytes < 1 << 30


def test_scoring_processes_die_with_their_parent(tmp_path):
    import subprocess
    import sys
    import time

    import psutil

    code = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.engine.scoring import ScoringProcess\n"
        f"room = ScoringProcess({{'signal': {{}}}}, Path({str(tmp_path / 'log')!r}))\n"
        "room._ensure_process()\nprint(room._process.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=os.environ.copy())
    child = int(parent.stdout.readline())
    time.sleep(1.0)
    parent.kill()
    parent.wait()
    end = time.monotonic() + 20
    while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie" and time.monotonic() < end:
        time.sleep(0.1)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"
