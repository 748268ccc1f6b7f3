"""What must be unchanged for a run to be resumed: every file and option that decides speech, hearing or verdicts."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.backends import ADAPTERS
from harness.core.errors import ConfigError, ResumeRefused
from harness.core.records import Corpus
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.fingerprint import changed_inputs, fingerprint
from harness.engine.plan import Confirmation, Plan
from harness.store import redact_json
from harness.verdicts import Limits
from tests._places import ROOT


@pytest.fixture
def corpus():
    whole = load_corpus("generated:seed=5,chunks=2")
    return Corpus(whole.name, whole.chunks, whole.sha256)


def plan_of(folder, corpus, declared, **changes):
    (folder / "v.toml").write_text(f"[variants.h]\n{declared}\n")
    variants = load_variants(folder / "v.toml")
    for variant in variants:
        ADAPTERS.get(variant.adapter).check(variant)
    plan = Plan(
        suite="stress",
        corpus=corpus,
        variants=variants,
        selection={"h": tuple(chunk.id for chunk in corpus.chunks)},
        reports=folder / "reports",
        quiet_chunks=0,
    )
    return replace(plan, **changes)


def stored(plan):
    """A fingerprint as the manifest gives it back."""
    return json.loads(json.dumps(redact_json(fingerprint(plan))))


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
        if text.startswith("#!"):
            (folder / name).chmod(0o755)


PYTHON = "adapter = 'python'\n[variants.h.settings]\narguments = { text = '{text}' }\n"
COMMAND = "adapter = 'command'\n[variants.h.settings]\n"
SCRIPT = "#!/bin/sh\ncat > /dev/null\n"
CASES = {
    "the file of a call": (PYTHON + "call = 'b.py:f'", {"b.py": "def f(text): pass"}, "b.py"),
    "what that file imports": (
        PYTHON + "call = 'b.py:f'",
        {"b.py": "from inner import deep", "inner/__init__.py": "", "inner/deep.py": "X = 1"},
        "inner/deep.py",
    ),
    "a relative import": (
        PYTHON + "call = 'pack.b:f'",
        {"pack/__init__.py": "", "pack/b.py": "from . import other", "pack/other.py": "X = 1"},
        "pack/other.py",
    ),
    "a module below path": (
        PYTHON + "call = 'm:f'\npath = ['lib']",
        {"lib/m.py": "def f(text): pass"},
        "lib/m.py",
    ),
    "a file given to a callable": (
        PYTHON + "call = 'b.py:f'\nsetup = 'b.py:g'\nsetup_arguments = { weights = 'w/net.pt' }",
        {"b.py": "", "w/net.pt": "one"},
        "w/net.pt",
    ),
    "the program of a command": (COMMAND + "command = './say.sh {text}'", {"say.sh": SCRIPT}, "say.sh"),
    "a script after its interpreter": (
        COMMAND + f"command = ['{sys.executable}', 'say.py', '{{text}}']",
        {"say.py": "import helper", "helper.py": "X = 1"},
        "helper.py",
    ),
    "a model at a relative path": (
        COMMAND + "command = './say.sh --model=net.onnx {text}'",
        {"say.sh": SCRIPT, "net.onnx": "one", "net.onnx.json": "{}"},
        "net.onnx",
    ),
    "what lies beside a model": (
        COMMAND + "command = './say.sh -m net.onnx {text}'",
        {"say.sh": SCRIPT, "net.onnx": "one", "net.onnx.json": "{}"},
        "net.onnx.json",
    ),
    "a file in a shell line": (
        COMMAND + "shell = true\ncommand = 'cat voice.cfg > {output}; echo {text}'",
        {"voice.cfg": "one"},
        "voice.cfg",
    ),
    "what a wrapper calls": (
        COMMAND + "command = './say.sh {text}'",
        {"say.sh": SCRIPT + "exec ./engine.bin\n", "engine.bin": "one"},
        "engine.bin",
    ),
    "a value of one's own": (
        COMMAND + "command = './say.sh {weights} {text}'\nvalues = { weights = 'deep/net.bin' }",
        {"say.sh": SCRIPT, "deep/net.bin": "one"},
        "deep/net.bin",
    ),
    "a file in its environment": (
        COMMAND + "command = './say.sh {text}'\nenv = { VOICE = 'v.dat' }",
        {"say.sh": SCRIPT, "v.dat": "one"},
        "v.dat",
    ),
    "a folder of a model": (
        COMMAND + "command = './say.sh {model} {text}'\nmodel = 'nets'",
        {"say.sh": SCRIPT, "nets/a/weights.safetensors": "one"},
        "nets/a/weights.safetensors",
    ),
    "a recording": (
        "adapter = 'recorded'\n[variants.h.settings]\nmanifest = 'r/list.csv'",
        {"r/list.csv": "file_name,transcription\na.wav,hello\n", "r/a.wav": "one"},
        "r/a.wav",
    ),
    "the program of a server": (
        "adapter = 'http'\n[variants.h.settings]\nurl = 'http://127.0.0.1:{port}'\nstart = ['./serve.sh', '{port}']",
        {"serve.sh": SCRIPT},
        "serve.sh",
    ),
    "the recording of a voice": (
        "adapter = 'null'\nvoice_prompt = 'me.wav'",
        {"me.wav": "one"},
        "me.wav",
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("change", ["edited", "gone"])
def test_a_file_that_an_adapter_reads_is_part_of_the_run(tmp_path, corpus, name, change):
    declared, files, changed = CASES[name]
    write(tmp_path, files)
    plan = plan_of(tmp_path, corpus, declared)
    before = stored(plan)
    assert changed_inputs(before, stored(plan)) == []
    if change == "gone":
        (tmp_path / changed).unlink()
    else:
        with (tmp_path / changed).open("a") as file:
            file.write("# changed\n")
    word = "is gone" if change == "gone" else "has other contents"
    try:
        named = changed_inputs(before, stored(plan))
    except ConfigError as error:  # without its program a variant is refused before anything is compared
        named = [f"{error} is gone"]
    assert any(changed in one and one.endswith(word) for one in named), named


def test_what_a_run_writes_is_not_part_of_it(tmp_path, corpus):
    write(tmp_path, {"say.sh": SCRIPT, "out.wav": "old", "notes.log": "x", "nets/net.gguf": "x", "nets/today.log": "x"})
    plan = plan_of(
        tmp_path, corpus, COMMAND + "command = './say.sh {model} {text}'\noutput_file = 'out.wav'\nmodel = 'nets'"
    )
    before = stored(plan)
    write(tmp_path, {"out.wav": "new", "notes.log": "y", "nets/today.log": "y", "reports/x": "y"})
    assert changed_inputs(before, stored(plan)) == []


def test_limits_profile_and_options_are_part_of_the_run(tmp_path, corpus):
    Limits.default().save(tmp_path / "cal.json")
    write(tmp_path, {"prof.json": "{}", "net.pt": "one"})
    declared = "adapter = 'null'\ncalibration = 'cal.json'\nprofile = 'prof.json'"
    scorers = {"intelligibility": {"asr": f"whisper:{tmp_path / 'net.pt'}"}}
    plan = plan_of(tmp_path, corpus, declared, scorers=scorers)
    before = stored(plan)
    assert changed_inputs(before, stored(replace(plan, quiet_chunks=3))) == ["options.quiet_chunks was 0, is 3"]
    assert changed_inputs(before, stored(replace(plan, confirmation=Confirmation(new_seeds=9)))) == [
        "options.confirmation.new_seeds was 2, is 9"
    ]
    (tmp_path / "net.pt").write_text("two")
    assert "recognizers.intelligibility.asr has other contents" in changed_inputs(before, stored(plan))
    (tmp_path / "cal.json").unlink()
    assert "standards.h.calibration is gone" in changed_inputs(before, stored(plan))
    (tmp_path / "prof.json").write_text("{ }")
    assert "standards.h.profile has other contents" in changed_inputs(before, stored(plan))


def test_the_voice_beside_a_model_is_part_of_the_run(tmp_path, corpus):
    root = ROOT
    plan = plan_of(tmp_path, corpus, f"adapter = 'llama_codec'\nmodel = '{root}/voices/duo/q4_k_s.gguf'")
    assert {"voice.json", "codec.npz"} <= {Path(name).name for name in stored(plan)["files"]["h"]}


def test_a_refused_resume_says_in_one_line_what_changed(tmp_path, corpus):
    Limits.default().save(tmp_path / "cal.json")
    plan = plan_of(
        tmp_path, corpus, "adapter = 'null'\ncalibration = 'cal.json'\nsettings = { seconds_per_word = 0.01 }"
    )
    path = Engine(plan).run()
    (tmp_path / "cal.json").unlink()
    with pytest.raises(
        ResumeRefused, match=r"^\S+: cannot resume, changed since it began: .*calibration is gone"
    ) as caught:
        Engine(plan).run(path)
    assert "\n" not in str(caught.value)
