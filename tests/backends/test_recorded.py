"""Recordings that already exist, in the field's own manifest formats, as a backend."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from harness.audio import write_wav
from harness.backends.recorded import RecordedBackend
from harness.backends.worker import Worker
from harness.core.errors import ConfigError, CorpusError, SoakError
from harness.core.manifests import read_recordings
from harness.core.records import Outcome, Request, Variant


def _tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(4000) / 16000)).astype(np.float32)


def _audio(path: Path, hz: float = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_wav(path, _tone(hz), 16000, "FLOAT")
    return path


def _write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


# --------------------------------------------------------------------------------------------- the formats
def test_ljspeech(tmp_path: Path) -> None:
    _audio(tmp_path / "wavs/LJ001-0001.wav")
    path = _write(tmp_path / "metadata.csv", 'LJ001-0001|In 1455, "he"|In fourteen, "he"\r\nLJ001-0002|two fields\n')
    one, two = read_recordings(path)
    assert (one.id, one.text, one.audio) == ("LJ001-0001", 'In fourteen, "he"', tmp_path / "wavs/LJ001-0001.wav")
    assert (two.text, two.audio, two.line) == ("two fields", tmp_path / "wavs/LJ001-0002.wav", 2)


@pytest.mark.parametrize(
    ("line", "text", "prompt_text", "prompt", "truth"),
    [
        ("u|say this", "say this", None, None, None),
        ("u.wav|say this|p/a.wav", "say this", None, "p/a.wav", None),
        ("u|he said|p/a.wav|say this", "say this", "he said", "p/a.wav", None),
        ("u|he said|p/a.wav|say this|g/u.wav", "say this", "he said", "p/a.wav", "g/u.wav"),
    ],
)
def test_seed_tts_eval(tmp_path: Path, line, text, prompt_text, prompt, truth) -> None:
    """Two to five fields; the audio under test is ``utt.wav`` in a folder of its own."""
    _audio(tmp_path / "out/u.wav")
    (row,) = read_recordings(_write(tmp_path / "meta.lst", f"\n{line}\n"), audio_dir=tmp_path / "out")
    assert (row.id, row.text, row.prompt_text, row.audio) == ("u", text, prompt_text, tmp_path / "out/u.wav")
    assert row.prompt_audio == (tmp_path / prompt if prompt else None)
    assert row.ground_truth == (tmp_path / truth if truth else None)


def test_jsonl_with_tokens(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "audio": "x/a.wav", "text": "one", "tokens": [1, 2, 3], "finish_reason": "length", "extra": 1},
        {"audio": {"path": "b.flac", "bytes": None}, "tokens": [[1, 2], [3, 4]]},
        {"id": 7, "file_name": "c.wav", "token_count": 99, "language": "de"},
    ]
    recordings = read_recordings(_write(tmp_path / "m.jsonl", "\n".join(map(json.dumps, rows))))
    assert [row.id for row in recordings] == ["a", "b", "7"]
    assert recordings[0].tokens == ((1,), (2,), (3,)) and recordings[0].finish_reason == "length"
    assert recordings[1].tokens == ((1, 2), (3, 4)) and recordings[1].audio == tmp_path / "b.flac"
    assert recordings[2].token_count == 99 and recordings[2].language == "de"


def test_csv_with_file_names(tmp_path: Path) -> None:
    path = _write(tmp_path / "metadata.csv", '﻿file_name,text\na.wav,"one, two"\nsub/b.wav,three\n')
    assert [(row.id, row.text, row.audio.name) for row in read_recordings(path)] == [
        ("a", "one, two", "a.wav"), ("b", "three", "b.wav"),
    ]  # fmt: skip


def test_folder(tmp_path: Path) -> None:
    _audio(tmp_path / "b.wav"), _audio(tmp_path / "a.wav"), _write(tmp_path / "a.txt", "spoken\n")
    _write(tmp_path / "notes.md", "no audio")
    assert [(row.id, row.text) for row in read_recordings(tmp_path)] == [("a", "spoken"), ("b", None)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.lst", "a|b\na|c\n", "m.lst:2: id 'a' appears twice .first on line 1"),
        ("m.lst", "a|b\na|b|c|d|e|f\n", "m.lst:2: expected 2 to 5 fields"),
        ("m.csv", "alone\n", "m.csv:1: expected id"),
        ("m.jsonl", '{"audio": "a.wav"}\n{"audio"\n', "m.jsonl:2: not JSON"),
        ("m.jsonl", '["a"]', "m.jsonl:1: expected a JSON object"),
        ("m.jsonl", '{"adio": "a.wav"}', "m.jsonl:1: needs a key 'audio' or 'id'.*did you mean"),
        ("m.jsonl", '{"audio": "a.wav", "tokens": [[1], [1, 2]]}', "m.jsonl:1: key 'tokens'"),
        ("m.jsonl", '{"audio": "a.wav", "text": 3}', "m.jsonl:1: key 'text' must be text"),
        ("m.jsonl", '{"audio": "a.wav", "token_count": -1}', "key 'token_count'"),
        ("m.csv", b"a|\xff\n", "m.csv:1: not UTF-8"),
        ("m.lst", "\n \n", "no recordings"),
        ("m.dat", "what is this\n", "cannot tell the format"),
        ("m.jsonl", '{"audio": "../../etc/passwd"}', "m.jsonl:1: '../../etc/passwd' leads out of"),
        ("m.lst", "../../etc/passwd|text\n", "leads out of"),
        ("m.lst", "u|p|../p.wav|text\n", "'../p.wav' leads out of"),
        ("m.csv", "../u|text\n", "leads out of"),
        ("m.jsonl", '{"id": "a\\u0000b"}', "is no path"),
    ],
)
def test_wrong_manifest_is_one_line_with_file_and_line(tmp_path: Path, name: str, content, message: str) -> None:
    with pytest.raises(CorpusError, match=message) as caught:
        read_recordings(_write(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_absolute_path_is_the_users_own_affair(tmp_path: Path) -> None:
    elsewhere = _audio(tmp_path / "elsewhere/a.wav")
    (tmp_path / "m").mkdir()
    (row,) = read_recordings(_write(tmp_path / "m/m.jsonl", json.dumps({"id": "x/../y", "audio": str(elsewhere)})))
    assert row.audio == elsewhere and row.id == "x/../y"


def test_absent_manifest_names_its_neighbour(tmp_path: Path) -> None:
    _write(tmp_path / "meta.lst", "a|b")
    with pytest.raises(CorpusError, match=r"did you mean 'meta\.lst'"):
        read_recordings(tmp_path / "metaa.lst")


# ----------------------------------------------------------------------------------------------- the adapter
def test_recordings_are_answered_by_id_through_the_worker(tmp_path: Path) -> None:
    _audio(tmp_path / "a.wav", 200), _audio(tmp_path / "b.wav", 300)
    rows = [
        {"id": "one", "audio": "a.wav", "tokens": [5, 6]},
        {"id": "two", "audio": "b.wav", "text": "other words"},
        {"id": "gone", "audio": "gone.wav", "token_count": 12},
        {"id": "text", "audio": "m.jsonl"},
    ]
    manifest = _write(tmp_path / "m.jsonl", "\n".join(map(json.dumps, rows)))
    keys = {"manifest": str(manifest), "codebook_sizes": [8], "frame_seconds": 0.125}
    variant = Variant("r", "recorded", keys)
    RecordedBackend.check(variant)
    worker = Worker(variant, tmp_path / "w")
    loaded = worker.start()
    replies = {name: worker.request(Request(name, "hello", None)) for name in ("two", "one", "gone", "text", "tow")}
    alive = worker.alive
    worker.stop()
    assert alive and not loaded.seeded and loaded.layout is not None and loaded.layout.codebook_sizes == (8,)
    for name, hz in (("one", 200), ("two", 300)):
        reply = replies[name]
        assert reply.outcome is Outcome.OK and reply.sample_rate == 16000
        assert reply.samples is not None and np.array_equal(reply.samples, _tone(hz))
    assert replies["one"].tokens is not None and replies["one"].tokens.tolist() == [[5], [6]]
    assert replies["one"].token_count == 2 and replies["two"].notes == {"recorded_text": "other words"}
    gone = replies["gone"]
    assert gone.outcome is Outcome.NO_AUDIO and str(tmp_path / "gone.wav") in gone.detail and gone.token_count == 12
    assert replies["text"].outcome is Outcome.BAD_AUDIO
    assert replies["tow"].outcome is Outcome.ERROR and "did you mean 'two'" in replies["tow"].detail


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "settings.manifest: missing"),
        ({"manifest": "/no/such"}, "settings.manifest: no file or folder /no/such"),
        (
            {"manifest": "HERE", "audio_dirs": "x"},
            "audio_dirs: unknown key of adapter 'recorded' .did you mean 'audio_dir'",
        ),
        ({"manifest": "HERE", "audio_dir": "/no/such"}, "audio_dir: no folder"),
        ({"manifest": "HERE", "format": "ljspech"}, "format: cannot be 'ljspech' .did you mean 'ljspeech'"),
        ({"manifest": "HERE", "frame_seconds": 0.1}, "describe the tokens together"),
    ],
)
def test_wrong_settings_are_one_line(tmp_path: Path, keys: dict[str, object], message: str) -> None:
    _audio(tmp_path / "a.wav")
    keys = {key: str(tmp_path) if value == "HERE" else value for key, value in keys.items()}
    with pytest.raises(ConfigError, match=message):
        RecordedBackend.check(Variant("r", "recorded", keys))


def test_broken_manifest_is_found_before_anything_starts(tmp_path: Path) -> None:
    manifest = _write(tmp_path / "m.lst", "a\n")
    with pytest.raises(SoakError, match="expected 2 to 5 fields"):
        RecordedBackend.check(Variant("r", "recorded", {"manifest": str(manifest)}))
