"""Any program as a backend, with real programs: what reaches them, and what is made of what they do."""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audio import float_to_pcm, write_wav
from harness.backends.base import BackendAway, BackendFault, BackendRefused, NoAudio, ProgramDied
from harness.backends.command import CommandBackend
from harness.backends.command_settings import fill
from harness.backends.worker import Reply, Worker
from harness.core.errors import ConfigError
from harness.core.records import Outcome, Request, SeedPolicy, Synthesis, Variant

TONE = (0.5 * np.sin(np.arange(2400) / 10)).astype(np.float32)


def _variant(**keys: object) -> Variant:
    more = {key: keys.pop(key) for key in ("voice", "seed_policy", "source") if key in keys}
    return Variant("v", "command", keys, **more)  # type: ignore[arg-type]


def _speak(text: str = "hello", *, overrides: dict[str, object] | None = None, **keys: object) -> Synthesis:
    backend, variant = CommandBackend(), _variant(**keys)
    backend.check(variant)
    backend.load(variant)
    try:
        spoken = backend.synthesize(Request("c", text, 42, variant.voice, "en-GB", overrides or {}), lambda: None)
        if spoken.audio_path is not None:  # read before the folder is removed
            spoken.notes = {**spoken.notes, "bytes": spoken.audio_path.read_bytes()}
        return spoken
    finally:
        backend.close()


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    """A program that copies a tone to its last argument, and writes its arguments and stdin to ``seen.json``."""
    write_wav(tmp_path / "tone.wav", TONE, 24000, "PCM_16")
    script = tmp_path / "tts.py"
    script.write_text(
        "import json, os, shutil, sys\n"
        "here = os.path.dirname(__file__)\n"
        "data = sys.stdin.buffer.read()\n"
        "seen = {'argv': [os.fsencode(a).decode() for a in sys.argv[1:]], 'stdin': data.decode(), 'cwd': os.getcwd(),\n"
        "        'extra': os.environ.get('EXTRA'), 'file': None}\n"
        "for a in sys.argv:\n"
        "    if a.endswith('text.txt'): seen['file'] = open(a, 'rb').read().decode()\n"
        "json.dump(seen, open(os.path.join(here, 'seen.json'), 'w'))\n"
        "shutil.copy(os.path.join(here, 'tone.wav'), sys.argv[-1])\n"
    )
    return [sys.executable, "-I", "-S", str(script)]


def _seen(tmp_path: Path) -> dict[str, object]:
    received: dict[str, object] = json.loads((tmp_path / "seen.json").read_text())
    return received


# ------------------------------------------------------------------------------- what reaches the program
NASTY = [
    "plain",
    'it\'s "quoted" `and` $HOME \\ back',
    "two\nlines\r\n",
    "-rf --help",
    "{seed} {text} {{text}} {} {x",
    "日本語 مرحبا 👩‍👩‍👧",
    "",
    "*.py ; rm -rf / & | > x",
]


@pytest.mark.parametrize("text", NASTY)
def test_text_arrives_unchanged_as_argument_file_and_stdin(tmp_path: Path, program: list[str], text: str) -> None:
    spoken = _speak(text, command=[*program, "{text}", "{text_file}", "{output}"], stdin="{text}")
    assert spoken.audio_path is not None
    received = _seen(tmp_path)
    assert received["argv"][0] == text and received["file"] == text and received["stdin"] == text


@pytest.mark.parametrize("text", NASTY)
def test_text_arrives_unchanged_through_a_shell(tmp_path: Path, program: list[str], text: str) -> None:
    line = " ".join([*program, "{text}", "{output}", ">&2"])
    _speak(text, command=line, shell=True)
    assert _seen(tmp_path)["argv"][0] == text


def test_one_string_is_split_before_the_text_is_filled_in(tmp_path: Path, program: list[str]) -> None:
    _speak("two words", command=" ".join(program) + " --say={text} 'a b' {output}")
    assert _seen(tmp_path)["argv"][:2] == ["--say=two words", "a b"]


def test_every_placeholder_and_literal_braces(tmp_path: Path, program: list[str]) -> None:
    parts = [
        "{seed}",
        "{voice}",
        "{language}",
        "{model}",
        "{heat}",
        '{"a": {text_json}}',
        "{{text}}",
        "{none}",
        "{output}",
    ]
    _speak('say "x"', command=[*program, *parts], voice="anna", model="m.gguf", values={"heat": 0.6})
    assert _seen(tmp_path)["argv"][:-1] == [
        "42", "anna", "en-GB", "m.gguf", "0.6", '{"a": "say \\"x\\""}', "{text}", "{none}",
    ]  # fmt: skip


def test_overrides_change_one_request(tmp_path: Path, program: list[str]) -> None:
    keys = {"command": [*program, "{heat}", "{text}", "{output}"], "values": {"heat": 0.6}}
    _speak(overrides={"values": {"heat": 0.9}}, **keys)
    assert _seen(tmp_path)["argv"][0] == "0.9"


def test_folder_and_environment(tmp_path: Path, program: list[str]) -> None:
    _speak(command=[*program, "{text}", "{output}"], env={"EXTRA": "1"}, source=str(tmp_path / "variants.toml"))
    assert _seen(tmp_path)["cwd"] == str(tmp_path) and _seen(tmp_path)["extra"] == "1"


@given(st.text(alphabet=st.sampled_from("{}textsdou_ '\"\n"), max_size=40), st.text(max_size=20))
@settings(max_examples=200)
def test_filling_is_one_pass(template: str, text: str) -> None:
    """What was filled in is never read as a template again."""
    mark = "\x01"
    assert fill(template, {"text": text, "seed": "1"}) == fill(template, {"text": mark, "seed": "1"}).replace(
        mark, text
    )


def test_nul_and_a_megabyte_cannot_be_arguments_and_say_so(tmp_path: Path, program: list[str]) -> None:
    command = [*program, "{text}", "{output}"]
    with pytest.raises(BackendRefused, match=r"NUL character.*\{text_file\}"):
        _speak("a\0b", command=command)
    with pytest.raises(BackendRefused, match=r"an argument of 1000000 bytes.*\{text_file\}"):
        _speak("a" * 1_000_000, command=command)


@pytest.mark.parametrize("text", ["a\0b", "a b " * 250_000])
def test_nul_and_a_megabyte_arrive_by_file_and_stdin(tmp_path: Path, program: list[str], text: str) -> None:
    _speak(text, command=[*program, "{text_file}", "{output}"], stdin="{text}")
    assert _seen(tmp_path)["file"] == text and _seen(tmp_path)["stdin"] == text


def test_program_that_never_reads_its_stdin(tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", TONE, 24000)
    spoken = _speak("x" * 1_000_000, command=["cp", str(tmp_path / "tone.wav"), "{output}"], stdin="{text}")
    assert spoken.notes["bytes"] == (tmp_path / "tone.wav").read_bytes()


# ------------------------------------------------------------------------------------ where audio comes from
@pytest.mark.parametrize(
    ("name", "subtype"), [("pcm_s16le", "PCM_16"), ("pcm_f32le", "FLOAT"), ("pcm_s24le", "PCM_24")]
)
def test_raw_audio_from_stdout(tmp_path: Path, name: str, subtype: str) -> None:
    (tmp_path / "x.raw").write_bytes(float_to_pcm(TONE, subtype))
    spoken = _speak(str(tmp_path / "x.raw"), command="cat {text}", format=name, sample_rate=22050)
    assert spoken.sample_rate == 22050 and spoken.samples is not None
    assert np.allclose(spoken.samples, TONE, atol=1e-4)
    assert spoken.ttfa is not None and spoken.ttfa > 0


def test_raw_stereo_with_a_broken_last_frame_is_repaired_and_recorded(tmp_path: Path) -> None:
    both = np.stack([TONE, -TONE], axis=1).reshape(-1)
    (tmp_path / "x.raw").write_bytes(float_to_pcm(both, "PCM_16") + b"\x01")
    keys = {"format": "pcm_s16le", "sample_rate": 8000, "channels": 2}
    spoken = _speak(str(tmp_path / "x.raw"), command=["cp", "{text}", "{output}"], **keys)
    assert spoken.samples is not None and len(spoken.samples) == len(TONE) and np.abs(spoken.samples).max() < 1e-3
    assert spoken.notes["repairs"] == ["1 bytes of an incomplete last frame left out"]


def test_wav_from_stdout_has_a_time_to_first_audio(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", TONE, 24000, "PCM_16")
    spoken = _speak(str(tmp_path / "x.wav"), command="cat {text}; sleep 0.3", shell=True)
    assert spoken.notes["bytes"] == (tmp_path / "x.wav").read_bytes()
    assert spoken.ttfa is not None and spoken.ttfa < 0.3


def test_file_that_gets_an_ending_or_a_name_of_its_own_is_found(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", TONE, 24000)
    source = (tmp_path / "x.wav").read_bytes()
    for target in ("{output}.wav", "{output_dir}/speech-001.wav"):
        assert _speak(str(tmp_path / "x.wav"), command=["cp", "{text}", target]).notes["bytes"] == source


def test_fixed_output_file_never_serves_old_audio(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    write_wav(out, TONE, 24000)
    with pytest.raises(NoAudio):
        _speak(command=["true", "{text}"], output_file=str(out))
    write_wav(tmp_path / "x.wav", TONE, 24000)
    assert _speak(str(tmp_path / "x.wav"), command=["cp", "{text}", str(out)], output_file=str(out)).audio_path == out


def test_audio_of_the_chunk_before_is_never_taken(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", TONE, 24000)
    backend, variant = CommandBackend(), _variant(command="cp {text} {output} || true", shell=True)
    backend.load(variant)
    first = backend.synthesize(Request("a", str(tmp_path / "x.wav"), 1), lambda: None)
    assert first.audio_path is not None and first.audio_path.is_file()
    with pytest.raises(NoAudio):
        backend.synthesize(Request("b", "/nowhere", 1), lambda: None)
    backend.close()


# --------------------------------------------------------------------------------------- how a program ends
@pytest.mark.parametrize(
    ("line", "kind", "detail"),
    [
        ("true {text}", NoAudio, "exit 0 and nothing on stdout"),
        ("echo no credits >&2; exit 3 {text}", BackendRefused, "exit 3: no credits"),
        ("kill -SEGV $$; echo {text}", ProgramDied, "signal 11 (SIGSEGV)"),
        ("kill -KILL $$; echo {text}", ProgramDied, "signal 9 (SIGKILL)"),
        (
            "sh -c 'kill -SEGV $$'; exit $?; echo {text}",
            ProgramDied,
            "exit 139 (a wrapper's word for signal 11, SIGSEGV)",
        ),
        ("true {text} {output}", NoAudio, "exit 0 and no audio file"),
        ("true {text}; : > {output}", NoAudio, "exit 0 and an empty audio file"),
        ("true {text}; mkdir {output}", NoAudio, "exit 0 and no audio file"),
        ("true {text}; cd {output_dir}; touch a b", NoAudio, "exit 0 and more than one file: a, b"),
    ],
)
def test_ends_that_give_no_speech(line: str, kind: type[BackendFault], detail: str) -> None:
    with pytest.raises(kind) as caught:
        _speak(command=line, shell=True)
    assert str(caught.value) == detail


def test_less_than_one_raw_frame_is_no_audio() -> None:
    with pytest.raises(NoAudio, match="1 bytes of raw audio"):
        _speak(command="printf x; : {text}", shell=True, format="pcm_s16le", sample_rate=8000)


def test_program_that_vanished_is_away_not_a_fault_of_the_text(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    backend, variant = CommandBackend(), _variant(command=[str(tool), "{text}", "{output}"])
    backend.load(variant)
    tool.unlink()
    with pytest.raises(BackendAway, match=r"cannot start .*No such file"):
        backend.synthesize(Request("a", "x", 1), lambda: None)
    backend.close()


def test_child_left_behind_is_killed_and_noted(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", TONE, 24000)
    pid_file = tmp_path / "pid"
    line = f"sleep 600 & echo $! > {pid_file}; cp {{text}} {{output}}"
    spoken = _speak(str(tmp_path / "x.wav"), command=line, shell=True)
    assert "left_running" in spoken.notes and spoken.audio_path is not None
    state = Path(f"/proc/{int(pid_file.read_text())}/stat")
    for _ in range(100):
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.02)
    else:
        pytest.fail("the child is still running")


# ---------------------------------------------------------------------------------------------------- the log
LOG = """Range: -0.91 .. 0.87
Generated 5 mel codes
Codec tokens: [1, 2, 3, 4, 5, 6]
Generated 6 mel codes
STOP token detected (2150)
"""


def _speak_log(printed: str, **keys: object) -> Synthesis:
    return _speak(printed, command=["sh", "-c", 'printf "%s" "$1" >&2; printf "\\0\\0\\0\\0"', "-", "{text}"],
                  format="pcm_s16le", sample_rate=8000, **keys)  # fmt: skip


def test_log_gives_tokens_reason_and_notes() -> None:
    spoken = _speak_log(
        LOG,
        log={
            "token_count": r"Generated (\d+) mel codes",
            "token_ids": r"Codec tokens: \[([\d, ]*)\]",
            "finish_reason": {"stop": "STOP token", "length": "max steps"},
            "range": r"Range: (?P<low>\S+) \.\. (?P<high>\S+)",
            "missing": r"never there (\d+)",
        },
        tokens={"codebook_sizes": [4096, 4096], "frame_seconds": 0.08},
    )
    assert spoken.tokens is not None and spoken.tokens.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert (spoken.token_count, spoken.finish_reason) == (6, "stop")
    assert spoken.notes == {"low": -0.91, "high": 0.87}


def test_ids_that_fill_no_frame_are_noted_not_dropped_silently() -> None:
    spoken = _speak_log(
        "ids: 1 2 3", log={"token_ids": "ids: (.*)"}, tokens={"codebook_sizes": [9, 9], "frame_seconds": 0.1}
    )
    assert spoken.tokens is not None and spoken.tokens.shape == (1, 2) and spoken.token_count == 3
    assert "3 ids do not fill" in spoken.notes["token_ids"]


def test_fail_on_turns_success_into_an_error_with_the_line() -> None:
    with pytest.raises(BackendRefused, match="the log says: warn: using random initialization for 3 layers"):
        _speak_log("ok\nwarn: using random initialization for 3 layers\nok", fail_on=["using random initialization"])


def test_what_the_log_said_is_kept_when_the_program_fails() -> None:
    with pytest.raises(BackendRefused) as caught:
        _speak(command="echo made 7 codes; exit 3; : {text} {output}", shell=True, log={"token_count": r"made (\d+)"})
    assert caught.value.partial is not None and caught.value.partial.token_count == 7


def test_long_log_keeps_its_beginning_and_its_end() -> None:
    line = "echo first 1 >&2; head -c 30000000 /dev/zero | tr '\\0' 'x' >&2; echo last 2 >&2; printf xx; : {text}"
    spoken = _speak(command=line, shell=True, format="pcm_s16le", sample_rate=8000,
                  log={"first": r"first (\d)", "last": r"last (\d)"})  # fmt: skip
    assert spoken.notes == {"first": 1, "last": 2}


# ------------------------------------------------------------------------------------------ through the worker
@pytest.fixture(scope="module")
def copier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A program that gives back the file named by its text."""
    worker = Worker(Variant("v", "command", {"command": ["cp", "{text}", "{output}"]}), tmp_path_factory.mktemp("w"))
    worker.start()
    yield worker
    worker.stop()


def _copy(copier: Worker, path: Path, data: bytes) -> Reply:
    path.write_bytes(data)
    return copier.request(Request("c", str(path), None))


def _wav(
    data: bytes, *, tag: int = 1, channels: int = 1, rate: int = 24000, bits: int = 16, size: int | None = None
) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)
    size = len(data) if size is None else size
    head = b"RIFF" + struct.pack("<I", min(size + 36, 0xFFFFFFFF)) + b"WAVEfmt " + struct.pack("<I", 16) + form
    return head + b"data" + struct.pack("<I", size) + data


PCM = float_to_pcm(TONE, "PCM_16")


@pytest.mark.parametrize(
    ("data", "rate"),
    [
        *((_wav(float_to_pcm(TONE, "PCM_16"), rate=rate), rate) for rate in (8000, 16000, 22050, 44100, 48000)),
        (_wav(float_to_pcm(TONE, "PCM_U8"), bits=8), 24000),
        (_wav(float_to_pcm(TONE, "PCM_24"), bits=24), 24000),
        (_wav(float_to_pcm(TONE, "PCM_32"), bits=32), 24000),
        (_wav(float_to_pcm(TONE, "FLOAT"), tag=3, bits=32), 24000),
        (_wav(float_to_pcm(np.repeat(TONE, 2), "PCM_16"), channels=2), 24000),
    ],
)
def test_wav_flavours_are_read_alike(copier: Worker, tmp_path: Path, data: bytes, rate: int) -> None:
    reply = _copy(copier, tmp_path / "a.wav", data)
    assert reply.outcome is Outcome.OK and reply.sample_rate == rate and "repairs" not in reply.notes
    assert reply.samples is not None and np.allclose(reply.samples, TONE, atol=0.01)


@pytest.mark.parametrize("data", [_wav(PCM, size=0xFFFFFFFF), _wav(PCM, size=len(PCM) * 3)])
def test_wrong_size_in_the_header_is_repaired_and_recorded(copier: Worker, tmp_path: Path, data: bytes) -> None:
    reply = _copy(copier, tmp_path / "a.wav", data)
    assert reply.outcome is Outcome.OK and reply.samples is not None and len(reply.samples) == len(TONE)
    assert reply.notes["repairs"]


@pytest.mark.parametrize(
    ("data", "outcome", "detail"),
    [
        (_wav(b""), Outcome.NO_AUDIO, "zero frames"),
        (b"", Outcome.NO_AUDIO, "empty audio file"),
        (b"Error: out of credits\n", Outcome.BAD_AUDIO, "Error: out of credits"),
        (PCM[:3], Outcome.BAD_AUDIO, "output.wav"),
    ],
)
def test_files_without_speech_are_results(
    copier: Worker, tmp_path: Path, data: bytes, outcome: Outcome, detail: str
) -> None:
    reply = _copy(copier, tmp_path / "a.wav", data)
    assert reply.outcome is outcome and detail in reply.detail and reply.samples is None and copier.alive


def test_lone_surrogate_and_missing_file_are_results(copier: Worker) -> None:
    assert "lone surrogate" in copier.request(Request("c", "a\udc80", None)).detail
    reply = copier.request(Request("c", "/nowhere/at/all.wav", None))
    assert reply.outcome is Outcome.ERROR and reply.detail.startswith("exit 1: ") and "/nowhere" in reply.stderr_tail
    assert copier.alive


def _ask(tmp_path: Path, line: str, **limits: float) -> tuple[Worker, Reply]:
    worker = Worker(Variant("v", "command", {"command": line, "shell": True}), tmp_path / "w", **limits)
    worker.start()
    return worker, worker.request(Request("c", "x", None))


def test_program_that_forks_and_hangs_dies_whole(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    line = f"setsid sh -c 'echo $$ >> {pids}; exec sleep 600' & echo $$ >> {pids}; wait; : {{text}} {{output}}"
    worker, reply = _ask(tmp_path, line, progress_timeout=1.5)
    assert (reply.outcome, reply.detail) == (Outcome.HANG, "no sign of life for 1.5 s") and not worker.alive
    processes = [int(word) for word in pids.read_text().split()]
    assert len(processes) == 2
    assert not [pid for pid in processes if psutil.pid_exists(pid)]


@pytest.mark.parametrize("life", ["echo . >&2", "printf x >> {output}"])
def test_bytes_in_log_or_file_are_signs_of_life(tmp_path: Path, life: str) -> None:
    """Six lives of 0.5 s under a watchdog of 1.5 s: without them it would be a hang."""
    line = f"for i in 1 2 3 4 5 6; do sleep 0.5; {life}; done; : {{text}} {{output}}; exit 3"
    worker, reply = _ask(tmp_path, line, progress_timeout=1.5)
    assert reply.outcome is Outcome.ERROR and reply.detail.startswith("exit 3")
    worker.stop()


def test_cpu_and_memory_of_the_program_are_counted(tmp_path: Path) -> None:
    script = tmp_path / "busy.py"
    script.write_text(
        "import time\nx = b'x' * 150_000_000\nt = time.process_time()\nwhile time.process_time() - t < 0.4: pass\n"
    )
    worker, reply = _ask(tmp_path, f"{sys.executable} -I -S {script}; : {{text}} {{output}}")
    worker.stop()
    assert reply.cpu_seconds is not None and reply.cpu_seconds >= 0.4
    assert reply.peak_rss_bytes is not None and reply.peak_rss_bytes > 150e6
    assert reply.rss_bytes is not None and reply.rss_bytes < reply.peak_rss_bytes


# --------------------------------------------------------------------------------------------------- settings
GOOD = ["cp", "{text}", "{output}"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"comand": GOOD},
            "settings.command: missing|comand: unknown key of adapter 'command' .did you mean 'command'",
        ),
        ({"command": GOOD, "fromat": "wav"}, "fromat: unknown key of adapter 'command' .did you mean 'format'"),
        ({"command": GOOD, "format": "wave"}, "format: cannot be 'wave' .did you mean 'wav'"),
        ({"command": ["nosuchprogram", "{text}"]}, "no program 'nosuchprogram' on PATH"),
        ({"command": ["/bin/shh", "{text}"]}, "no program /bin/shh .did you mean 'sh"),
        ({"command": ["/etc/passwd", "{text}"]}, "not executable"),
        ({"command": []}, "is empty"),
        ({"command": "cp 'x {text}"}, "cannot be split"),
        ({"command": ["cp", "a", "b"]}, "the text never reaches the program"),
        ({"command": ["cp", "{tetx}", "{output}", "{text}"]}, "unknown placeholder {tetx} .did you mean {text}"),
        ({"command": [*GOOD, "{voice}"]}, "uses {voice}, but the variant has no voice"),
        ({"command": [*GOOD, "{seed}"], "seed_policy": SeedPolicy.NONE}, "seed_policy is 'none'"),
        ({"command": ["cat", "{text}"], "format": "pcm_s16le"}, "sample_rate: missing: raw audio"),
        ({"command": ["cat", "{text}"], "output": "file"}, "has no {output}"),
        ({"command": GOOD, "output": "stdout"}, "also names a place for a file"),
        ({"command": GOOD, "fail_on": ["("]}, "fail_on: '.' is no regular expression"),
        ({"command": GOOD, "log": {"x": "["}}, "log.x: "),
        ({"command": GOOD, "log": {"x": {"a": "b"}}}, "only finish_reason may be a table"),
        ({"command": GOOD, "cwd": "/no/such"}, "no folder /no/such"),
        ({"command": GOOD, "sample_rate": "24000"}, "sample_rate: input should be a valid integer"),
        ({"command": GOOD, "tokens": {"codebook_sizes": [1], "frame_second": 1.0}}, "frame_second"),
        ({"command": GOOD, "shell": True}, "must be one string"),
    ],
)
def test_wrong_settings_are_a_line_each_naming_the_key(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        CommandBackend.check(_variant(**keys))
    assert all("variants.v.settings" in line for line in str(caught.value).splitlines())


def test_wrong_setting_names_file_and_line(tmp_path: Path) -> None:
    source = tmp_path / "variants.toml"
    source.write_text('[variants.v]\nadapter = "command"\n[variants.v.settings]\ncommand = ["cp"]\nfromat = "wav"\n')
    with pytest.raises(ConfigError, match=f"^{source}:5: variants.v.settings.fromat: "):
        CommandBackend.check(_variant(command=GOOD, fromat="wav", source=str(source)))


def test_capabilities_say_what_is_known_of_the_program() -> None:
    backend = CommandBackend()
    capabilities = backend.load(_variant(command=GOOD, version=["sh", "-c", "echo 1.2.3; echo more"]))
    backend.close()
    assert (
        not capabilities.seeded
        and capabilities.details["version"] == "1.2.3"
        and len(capabilities.details["program_sha256"]) == 64
    )
