"""Living programs: what reaches them line by line, what their state does, and what is made of how they fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.backends.base import BackendRefused, NoAudio, ProgramDied
from harness.backends.interactive import InteractiveBackend
from harness.backends.worker import Worker
from harness.core.errors import ConfigError
from harness.core.records import Outcome, Request, SeedPolicy, Synthesis, Variant

PROGRAM = """
import os, struct, sys, wave
def say(line, end="\\n"):
    sys.stdout.write(line + end); sys.stdout.flush()
count, seed, samples = 0, None, None
print("loading", flush=True)
say("> ", "")
for line in sys.stdin:
    line = line.rstrip("\\n")
    open("heard.txt", "a").write(line + "\\n")
    if line.startswith("/seed "):
        seed = int(line[6:]); say(f"seed is {seed}")
    elif line.startswith("/save "):
        if samples is not None:
            with wave.open(line[6:], "wb") as out:
                out.setnchannels(1); out.setsampwidth(2); out.setframerate(24000); out.writeframes(samples)
            say("saved")
        else:
            say("saved nothing")
    elif line == "/forget":
        count = 0
    elif line == "/exit":
        break
    elif "segfault" in line:
        os.kill(os.getpid(), 11)
    elif "stop now" in line:
        say("fatal: out of luck"); sys.exit(3)
    elif "no words" in line:
        say("error: nothing to speak")
    elif "mute" in line:
        samples = None; say("Generated audio 0")
    elif "forever" in line:
        import time; time.sleep(60)
    else:
        count += 1
        samples = struct.pack("<h", count) * 2400
        say(f"Generated audio {count} (0.10s, rtf=0.5), seed={seed}, tokens={len(line)}")
    say("> ", "")
"""


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, object]:
    """A program that counts its requests and speaks the count, in the manner of a prompt with slash commands."""
    (tmp_path / "program.py").write_text(PROGRAM)
    return {
        "command": [sys.executable, "-I", "-S", "program.py"],
        "cwd": str(tmp_path),
        "prompt": "^> ",
        "say": ["/seed {seed}", "{text}"],
        "done": r"Generated audio \d+",
        "failed": ["^error: .*"],
        "save": ["/save {output}"],
        "saved": "^saved",
        "reset": ["/forget"],
        "leave": ["/exit"],
        "log": {"token_count": r"tokens=(\d+)", "said_seed": r"seed=(\d+)"},
    }


def _variant(keys: dict[str, object], **more: object) -> Variant:
    return Variant("v", "interactive", keys, progress_timeout=3.0, **more)  # type: ignore[arg-type]


class _Open:
    """A loaded backend, closed at the end of the block."""

    def __init__(self, keys: dict[str, object], **more: object) -> None:
        self.backend, self.variant = InteractiveBackend(), _variant(keys, **more)

    def __enter__(self) -> _Open:
        self.backend.check(self.variant)
        self.capabilities = self.backend.load(self.variant)
        return self

    def speak(self, text: str, seed: int = 5) -> Synthesis:
        return self.backend.synthesize(Request("c", text, seed), lambda: None)

    def level(self, text: str) -> int:
        """The count that the program speaks."""
        from harness.audio import read_audio

        spoken = self.speak(text)
        assert spoken.audio_path is not None
        return round(float(read_audio(spoken.audio_path).samples[0]) * 32768)

    def __exit__(self, *_: object) -> None:
        self.backend.close()


def test_one_living_program_answers_all_chunks_and_keeps_its_state(keys: dict[str, object]) -> None:
    with _Open(keys) as program:
        assert [program.level("a"), program.level("b"), program.level("c")] == [1, 2, 3]
        program.backend.reset()
        assert program.level("d") == 1
        assert program.capabilities.resets and program.capabilities.seeded


def test_lines_reach_it_in_order_and_its_log_is_read(keys: dict[str, object], tmp_path: Path) -> None:
    with _Open({**keys, "setup": ["/seed 77"]}) as program:
        spoken = program.speak("good morning", seed=9)
    heard = (tmp_path / "heard.txt").read_text().splitlines()
    assert heard[:3] == ["/seed 77", "/seed 9", "good morning"]
    assert heard[3].startswith("/save ") and heard[4] == "/exit"
    assert spoken.token_count == 12 and spoken.notes["said_seed"] == 9


def test_a_text_of_several_lines_is_one_request_and_says_so(keys: dict[str, object], tmp_path: Path) -> None:
    with _Open(keys) as program:
        spoken = program.speak("one\r\ntwo\u2028three")
        assert program.level("next") == 2
    assert "one two three" in (tmp_path / "heard.txt").read_text().splitlines()
    assert spoken.notes["line_ends_joined"] == 2


def test_a_refusal_leaves_the_program_in_step(keys: dict[str, object]) -> None:
    with _Open(keys) as program:
        assert program.level("a") == 1
        with pytest.raises(BackendRefused, match="error: nothing to speak"):
            program.speak("no words")
        assert program.level("b") == 2


def test_old_audio_never_passes_for_new(keys: dict[str, object]) -> None:
    with _Open(keys) as program:
        program.level("a")
        with pytest.raises(NoAudio, match="wrote no audio file"):
            program.speak("mute")


@pytest.mark.parametrize(
    ("text", "how"), [("segfault", r"signal 11 \(SIGSEGV\)"), ("stop now", r"exit 3 \(fatal: out of luck\)")]
)
def test_the_end_of_the_program_is_a_crash_that_says_how(keys: dict[str, object], text: str, how: str) -> None:
    with _Open(keys) as program, pytest.raises(ProgramDied, match=how):
        program.speak(text)


def test_through_a_worker_crash_and_hang_restart_it(keys: dict[str, object], tmp_path: Path) -> None:
    worker = Worker(_variant(keys), tmp_path / "work", progress_timeout=1.5)
    try:
        worker.start()
        outcomes = []
        for text in ("a", "segfault", "b", "forever", "c"):
            if not worker.alive:
                worker.restart()
            reply = worker.request(Request("c", text, 1))
            level = None if reply.samples is None else round(float(reply.samples[0]) * 32768)
            outcomes.append((reply.outcome, level))
    finally:
        worker.stop()
    assert outcomes == [(Outcome.OK, 1), (Outcome.CRASH, None), (Outcome.OK, 1), (Outcome.HANG, None), (Outcome.OK, 1)]


def test_a_program_that_holds_back_what_goes_to_a_pipe_is_heard_on_a_terminal(
    keys: dict[str, object], tmp_path: Path
) -> None:
    held_back = PROGRAM.replace("sys.stdout.flush()", "pass").replace(", flush=True", "")
    held_back = held_back.replace('say("> ", "")', 'say("> ")')  # a terminal is written line by line
    (tmp_path / "program.py").write_text(held_back)
    with _Open({**keys, "terminal": True}) as program:
        assert [program.level("a"), program.level("b")] == [1, 2]


def test_a_program_that_ends_at_once_fails_to_load_with_its_last_words(keys: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys; sys.exit('no such model')")
    with pytest.raises(ProgramDied, match=r"exit 1 \(no such model\)"), _Open(keys):
        pass


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"done": "("}, "done.*no regular expression"),
        ({"say": ["hello"]}, "the text never reaches the program"),
        ({"save": []}, "no place for the audio"),
        ({"saved": None, "prompt": None}, "nobody knows when the audio is written"),
        ({"say": ["{txt} {text}"]}, r"unknown placeholder \{txt\} \(did you mean \{text\}"),
        ({"promt": "x"}, "unknown key.*did you mean 'prompt'"),
        ({"command": ["no-such-program-here"]}, "no program 'no-such-program-here' on PATH"),
    ],
)
def test_mistakes_are_one_line_before_anything_starts(
    keys: dict[str, object], changes: dict[str, object], message: str
) -> None:
    wrong = {key: value for key, value in {**keys, **changes}.items() if value is not None}
    with pytest.raises(ConfigError, match=message) as error:
        InteractiveBackend.check(_variant(wrong))
    assert "\n" not in str(error.value)


def test_a_seed_that_the_policy_withholds_is_one_line(keys: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"uses \{seed\}, but the variant's seed_policy is 'none'"):
        InteractiveBackend.check(_variant(keys, seed_policy=SeedPolicy.NONE))
