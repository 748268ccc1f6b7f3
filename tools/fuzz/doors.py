"""Each door as a function of bytes: it returns for a value and for an expected error of one line, else it raises."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.audio import read_audio, read_raw, read_wav_bytes
from harness.backends.answers import ReplySaid, read_answer
from harness.backends.base import BackendFault
from harness.backends.events import audio_in, error_in
from harness.backends.http_stream import Listening
from harness.backends.protocol import FrameDecoder, Message, ProtocolError
from harness.core.documents import parse_json, parse_toml
from harness.core.errors import ConfigError, SoakError
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.engine.serve.asked import Refused, parsed
from harness.report import marks
from harness.store import redact
from harness.store.manifest import check_whole
from harness.verdicts import Limits
from harness.verdicts.profile import Profile


def _one_line(call: Callable[[], object], file: Path | None = None) -> None:
    """Check that an error is one line; of a ``file`` each of its problems may have one, which then names the file."""
    try:
        call()
    except (SoakError, ProtocolError, Refused, BackendFault) as error:
        if any(not line.startswith(str(file)) for line in str(error).split("\n")[1:]):
            raise AssertionError(f"an error of many lines: {error!r}") from error


def _json(data: bytes) -> object:
    return parse_json(data, "fuzzed")


def _object(data: bytes) -> dict[str, object]:
    value = _json(data)
    if not isinstance(value, dict):
        raise ConfigError("not an object")
    return value


def _event(data: bytes) -> None:
    message = _json(data)
    audio_in(message, "a.0.b")
    error_in(message, "error")


def _listen(data: bytes) -> None:
    """Bytes of an answer in pieces, as each kind of audio."""
    for kind in ("wav", "pcm", "mp3"):
        heard = Listening(kind, 48000.0 if kind == "pcm" else None)
        for at in range(0, len(data), 40):
            heard.feed(data[at : at + 40], at / 1000)


def _through_a_file(load: Callable[[Path], object], name: str) -> Callable[[bytes], None]:
    def door(data: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            _one_line(lambda: load(path), path)

    return door


DOORS: dict[str, Callable[[bytes], None]] = {
    "json": lambda data: _one_line(lambda: _json(data)),
    "toml": lambda data: _one_line(lambda: parse_toml(data.decode("utf-8", "replace"), "fuzzed")),
    "frame": lambda data: _one_line(lambda: list(FrameDecoder().feed(data))),
    "answer": lambda data: _one_line(lambda: read_answer(ReplySaid, Message(_object(data)))),
    "manifest": lambda data: _one_line(lambda: check_whole(Path("run"), _object(data), resumed=True)),
    "request": lambda data: _one_line(lambda: parsed(data)),
    "wav": lambda data: _one_line(lambda: read_wav_bytes(data)),
    "raw": lambda data: _one_line(lambda: read_raw(data, "PCM_16", 2, 24_000)),
    "listening": lambda data: _one_line(lambda: _listen(data)),
    "event": lambda data: _one_line(lambda: _event(data)),
    "audio": _through_a_file(read_audio, "sound.flac"),
    "text": lambda data: _one_line(lambda: redact(data.decode("utf-8", "surrogateescape"), {})),
    "profile": _through_a_file(Profile.load, "profile.json"),
    "profile-gz": _through_a_file(Profile.load, "profile.json.gz"),
    "calibration": _through_a_file(Limits.load, "calibration.json"),
    "marks": _through_a_file(marks.parse_marks, "marks.json"),
    "variants": _through_a_file(load_variants, "variants.toml"),
    "jsonl": _through_a_file(lambda path: load_corpus(str(path)), "own.jsonl"),
    "csv": _through_a_file(lambda path: load_corpus(str(path)), "own.csv"),
    "tsv": _through_a_file(lambda path: load_corpus(str(path)), "own.tsv"),
    "lst": _through_a_file(lambda path: load_corpus(str(path)), "meta.lst"),
    "txt": _through_a_file(lambda path: load_corpus(str(path)), "own.txt"),
    "epub": _through_a_file(lambda path: load_corpus(str(path)), "own.epub"),
}
