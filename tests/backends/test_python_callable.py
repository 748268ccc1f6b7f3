"""Any callable: what reaches it, what it may return, its hooks, its interpreter, and how it may end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends.base import BackendAway, BackendRefused, BadAudio, NoAudio, ProgramDied
from harness.backends.python_callable import PythonBackend
from harness.backends.worker import Worker
from harness.core.errors import ConfigError
from harness.core.records import Outcome, Request, SeedPolicy, Synthesis, Variant

CODE = """
import io, json, logging, os, random, struct, sys, wave
import numpy as np
HERE = os.path.dirname(os.path.abspath(__file__))
TONE = (0.5 * np.sin(np.arange(2400) / 10)).astype(np.float32)

def note(**given):
    with open(os.path.join(HERE, "seen.jsonl"), "a") as file:
        file.write(json.dumps(given) + "\\n")

def wav(path, value=16000):
    with wave.open(path, "wb") as out:
        out.setnchannels(1); out.setsampwidth(2); out.setframerate(24000)
        out.writeframes(struct.pack("<h", value) * 240)
    return path

def speak(text, seed=0, heat=0.45, **more):
    note(text=text, seed=seed, heat=heat, **more)
    logging.getLogger("voice").info("Generated %d tokens", len(text))
    return TONE, 24000

def path(text): return wav(os.path.join(HERE, "out.wav"))
def same_path(text):
    place = os.path.join(HERE, "once.wav")
    return place if os.path.exists(place) else wav(place)
def no_file(text): return "/nowhere/x.wav"
def written(text, out): wav(out)
def as_bytes(text):
    return open(path(text), "rb").read()
def swapped(text): return 24000, TONE
def table(text): return {"audio": TONE[None, :], "sampling_rate": 24000}
def int16(text): return (TONE * 32767).astype(np.int16), 24000
def stereo(text): return np.stack([TONE, TONE]), 24000
def plain_list(text): return [0.5, -0.5] * 200
def pieces(text):
    for part in np.split(TONE, 4):
        yield part, 24000
async def later(text): return TONE, 24000
def nothing(text): return None
def empty(text): return TONE[:0], 24000
def no_audio(text): return {"loss": 1.0}
def fails(text): raise RuntimeError("CUDA out of memory\\nmore")
def leaves(text): sys.exit(7)
def segfault(text): os.kill(os.getpid(), 11)
def hangs(text):
    import time; time.sleep(60)
def reads_stdin(text): return ((TONE, 24000) if sys.stdin.read() == "" else None)
def chance(text): return [random.random() for _ in range(100)]

class Voice:
    def __init__(self, name): self.name, self.count = name, 0
    def say(self, text):
        self.count += 1
        note(name=self.name, count=self.count)
        return np.full(100, self.count / 100, np.float32)
    def forget(self): self.count = 0
    def bye(self): note(bye=self.count)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code_under_test.py").write_text(CODE)
    return tmp_path


def _variant(folder: Path, call: str, **keys: Any) -> Variant:
    more = {key: keys.pop(key) for key in ("voice", "seed_policy") if key in keys}
    name = call if ":" in call or " " in call else f"code_under_test:{call}"
    settings = {"call": name, "arguments": {"text": "{text}"}, "cwd": str(folder), "sample_rate": 24000, **keys}
    return Variant("v", "python", settings, **more)


def _speak(folder: Path, call: str, text: str = "hello", seed: int = 42, **keys: Any) -> Synthesis:
    backend, variant = PythonBackend(), _variant(folder, call, **keys)
    backend.check(variant)
    backend.load(variant)
    try:
        return backend.synthesize(Request("c", text, seed, variant.voice, "en-GB"), lambda: None)
    finally:
        backend.close()


def _seen(folder: Path) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in (folder / "seen.jsonl").read_text().splitlines()]


# -------------------------------------------------------------------------------------- what reaches it
def test_keywords_are_mapped_and_keep_their_types(folder: Path) -> None:
    arguments = {
        "text": "{text}", "seed": "{seed}", "heat": 0.9, "who": "{voice}", "deep": {"a": ["{language}", 3]},
        "mix": "<{text}>",
    }  # fmt: skip
    _speak(folder, "speak", 'say "{seed}"\n日本', arguments=arguments, voice="anna")
    assert _seen(folder) == [{
        "text": 'say "{seed}"\n日本', "seed": 42, "heat": 0.9, "who": "anna", "deep": {"a": ["en-GB", 3]},
        "mix": '<say "{seed}"\n日本>',
    }]  # fmt: skip


def test_what_it_logs_is_read(folder: Path) -> None:
    assert _speak(folder, "speak", "12345", log={"token_count": r"Generated (\d+) tokens"}).token_count == 5


def test_an_override_changes_one_call(folder: Path) -> None:
    backend, variant = PythonBackend(), _variant(folder, "speak")
    backend.load(variant)
    override = {"arguments": {"text": "{text}", "heat": 0.95}}
    for overrides in ({}, override, {}):
        backend.synthesize(Request("c", "x", 1, overrides=overrides), lambda: None)
    backend.close()
    assert [entry["heat"] for entry in _seen(folder)] == [0.45, 0.95, 0.45]


# ---------------------------------------------------------------------------------- what it may return
@pytest.mark.parametrize("call", ["speak", "swapped", "table", "int16", "stereo", "pieces", "later"])
def test_samples_of_every_kind(folder: Path, call: str) -> None:
    spoken = _speak(folder, call, sample_rate=None)
    tone = 0.5 * np.sin(np.arange(2400) / 10)
    assert spoken.samples is not None and spoken.sample_rate == 24000
    np.testing.assert_allclose(spoken.samples, tone, atol=1e-4)
    assert (spoken.ttfa is not None) == (call == "pieces")


@pytest.mark.parametrize("call", ["path", "as_bytes"])
def test_a_path_and_the_bytes_of_a_file(folder: Path, call: str) -> None:
    spoken = _speak(folder, call, sample_rate=None)
    assert spoken.samples is not None and len(spoken.samples) == 240 and spoken.sample_rate == 24000


def test_a_callable_that_writes_where_it_is_told(folder: Path) -> None:
    spoken = _speak(folder, "written", arguments={"text": "{text}", "out": "{output}"})
    assert spoken.samples is not None and len(spoken.samples) == 240


def test_old_audio_never_passes_for_new(folder: Path) -> None:
    backend, variant = PythonBackend(), _variant(folder, "same_path")
    backend.load(variant)
    try:
        assert backend.synthesize(Request("a", "a", 1), lambda: None).samples is not None
        with pytest.raises(NoAudio, match=r"returned once.wav, which this call did not write"):
            backend.synthesize(Request("b", "b", 1), lambda: None)
    finally:
        backend.close()


def test_samples_without_a_rate_need_the_setting(folder: Path) -> None:
    assert _speak(folder, "plain_list").sample_rate == 24000
    with pytest.raises(BadAudio, match="without a rate: set sample_rate"):
        _speak(folder, "plain_list", sample_rate=None)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ("nothing", NoAudio, "returned nothing"),
        ("empty", NoAudio, "samples of length 0"),
        ("no_file", NoAudio, "no file: /nowhere/x.wav"),
        ("no_audio", BackendRefused, "TypeError: a table with the keys 'loss' is no audio"),
        ("fails", BackendRefused, "RuntimeError: CUDA out of memory more"),
        ("leaves", BackendRefused, "SystemExit: 7"),
        ("segfault", ProgramDied, r"the interpreter ended: signal 11 \(SIGSEGV\)"),
        ("no_such_function", BackendRefused, "AttributeError.*no_such_function"),
        ("no_such_module:f", BackendAway, "ModuleNotFoundError.*no_such_module"),
    ],
)
def test_what_is_no_speech(folder: Path, call: str, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        _speak(folder, call)


# ---------------------------------------------------------------------------------- hooks, interpreter, seeds
def test_setup_reset_and_teardown(folder: Path) -> None:
    keys = {
        "setup": "code_under_test:Voice",
        "setup_arguments": {"name": "{voice}"},
        "reset": ":forget",
        "teardown": ":bye",
        "voice": "anna",
    }
    backend, variant = PythonBackend(), _variant(folder, ":say", **keys)
    backend.check(variant)
    assert backend.load(variant).resets
    heard = []
    for again in (False, False, True, False):
        if again:
            backend.reset()
        spoken = backend.synthesize(Request("c", "x", 1), lambda: None)
        assert spoken.samples is not None
        heard.append(round(float(spoken.samples[0]) * 100))
    backend.close()
    assert heard == [1, 2, 1, 2]
    assert _seen(folder)[0] == {"name": "anna", "count": 1} and _seen(folder)[-1] == {"bye": 2}


def test_a_file_by_its_path(folder: Path) -> None:
    by_name = _speak(folder, "speak").samples
    assert by_name is not None
    np.testing.assert_array_equal(_speak(folder, "code_under_test.py:speak").samples, by_name)


def test_an_interpreter_of_its_own_without_anything_of_the_harness(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (tmp_path / "theirs.py").write_text(
        textwrap.dedent(
            """
            import importlib.util, sys, http.client, wave
            def speak(text, out):
                assert sys.prefix.endswith("venv") and importlib.util.find_spec("numpy") is None
                with wave.open(out, "wb") as file:
                    file.setnchannels(1); file.setsampwidth(2); file.setframerate(8000); file.writeframes(bytes(800))
            """
        )
    )
    spoken = _speak(
        tmp_path,
        "theirs:speak",
        arguments={"text": "{text}", "out": "{output}"},
        python=str(tmp_path / "venv" / "bin" / "python"),
        env={"PYTHONPATH": ""},
    )
    assert spoken.samples is not None and spoken.sample_rate == 8000


def test_generators_are_seeded_on_request(folder: Path) -> None:
    first, second, other, free = (
        _speak(folder, "chance", seed=seed, seed_generators=seeded).samples
        for seed, seeded in ((1, True), (1, True), (2, True), (1, False))
    )
    assert first is not None and second is not None and other is not None and free is not None
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other) and not np.array_equal(first, free)


def test_requests_cannot_be_read_by_the_callable(folder: Path) -> None:
    spoken = _speak(folder, "reads_stdin")  # sound only where it has read nothing
    assert spoken.sample_rate == 24000 and spoken.samples is not None


def test_through_a_worker_death_and_hang_restart_it(folder: Path, tmp_path: Path) -> None:
    outcomes = []
    for call in ("segfault", "hangs", "speak"):
        worker = Worker(_variant(folder, call), tmp_path / "work", progress_timeout=1.5)
        try:
            worker.start()
            outcomes.append(worker.request(Request("c", "x", 1)).outcome)
        finally:
            worker.stop()
    assert outcomes == [Outcome.CRASH, Outcome.HANG, Outcome.OK]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"call": "no colon"}, "not of the form module:function"),
        ({"call": "missing.py:f"}, "no file .*missing.py"),
        ({"call": ":method"}, "there is no setup"),
        ({"arguments": {"x": 1}}, "the text never reaches the callable"),
        ({"arguments": {"text": "{txt}"}}, r"unknown placeholder \{txt\} \(did you mean \{text\}"),
        ({"arguments": {"text": "{text}", "v": "{voice}"}}, r"uses \{voice\}, but the variant has no voice"),
        ({"python": "/no/such/python"}, "no interpreter /no/such/python"),
        ({"path": ["nowhere"]}, "no folder .*nowhere"),
        ({"argument": {}}, "did you mean 'arguments'"),
        ({"seed_policy": SeedPolicy.NONE, "seed_generators": True}, "seed_policy is 'none'"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_imported(folder: Path, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        PythonBackend.check(_variant(folder, keys.pop("call", "m:f"), **keys))
    assert "\n" not in str(error.value)
