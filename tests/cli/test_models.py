"""``tts-soak models``: what is known, what is here and from where, and getting one."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import main
from harness.scorers.weights.catalogue import known_model
from tests._weights import REVISION, ROOT, contents, small_model
from tests.standins.hub import hub


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TTS_SOAK_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_list_says_where_each_model_comes_from(cache: Path) -> None:
    output = _run("models").output
    for name in ("tiny.en", "base"):
        model = known_model(name)
        assert f"{model.repository}@{model.revision}, MIT" in output
    assert not (cache / "weights").exists()  # looking joins nothing


def test_a_damaged_copy_is_listed_as_such(cache: Path) -> None:
    folder = cache / "weights" / "base-ebe41f70d5b6"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    output = _run("models").output
    assert "base     damaged" in output
    assert (
        f"{folder / 'config.json'}: expected 2309 bytes, got 2; run `tts-soak models get base` to replace it" in output
    )


def test_a_wrong_name_and_a_wrong_folder_are_one_line_each(tmp_path: Path) -> None:
    wrong = _run("models", "get", "tiny.en", "bas")
    assert (wrong.exit_code, wrong.output.strip()) == (4, "tts-soak: unknown model 'bas' (did you mean 'base'?)")
    empty = _run("models", "get", "base", "--offline", "--from", str(tmp_path))
    assert empty.exit_code == 4
    assert f"{tmp_path / 'config.json'}: cannot be read (No such file or directory); name a folder" in empty.output
    assert empty.output.strip().count("\n") == 0
    assert _run("models", "got").exit_code == 2


def test_a_download_shows_a_bar_on_a_terminal(tmp_path: Path) -> None:
    files = contents(megabytes=2)
    fetch = "import sys; from harness.scorers.weights.catalogue import KnownModel\n"
    fetch += "from harness.scorers.weights.hub import fetch\n"
    fetch += "print(fetch(KnownModel.model_validate_json(sys.argv[1])).folder)"
    with hub("somebody/small", REVISION, files) as (address, _):
        environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        environment |= {"TERM": "xterm", "COLUMNS": "100"}
        ours, theirs = pty.openpty()
        command = [sys.executable, "-c", fetch, small_model(files).model_dump_json()]
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True)
        os.close(theirs)
        shown = _all(ours, child)
        output = child.communicate(timeout=10)[0]
    assert child.returncode == 0, shown
    assert f"snapshots/{REVISION}" in output
    assert "model.bin" in shown
    assert "100%" in shown
    assert "Warning" not in shown


def _all(terminal: int, child: subprocess.Popen[str]) -> str:
    """Return what a child writes to a terminal, until it ends or two minutes are over."""
    shown, deadline = b"", time.monotonic() + 120
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                block = os.read(terminal, 65536)
            except OSError:  # Linux's word for the end of a terminal
                break
            shown += block
            if not block:
                break
        elif child.poll() is not None:
            break
    os.close(terminal)
    return shown.decode("utf-8", "replace")
