"""``tts-soak clients``: many clients at once on one speech server, every request on record."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from harness.backends.http_settings import check_http_settings
from harness.backends.worker import Reply, Worker
from harness.core.documents import parse_json, read_limited
from harness.core.errors import ConfigError, StoreError
from harness.core.hashes import pcm_sha256
from harness.core.records import Chunk, Corpus, Json, Outcome, Request, Variant, seed_for
from harness.engine.serve.load_figures import LoadRow, WrittenSummary, load_summary

RESULTS = "requests.jsonl"
SUMMARY = "summary.json"
_LOOK = 0.5  # s between two looks at whether the server is back


@dataclass
class Load:
    """How a server is to be loaded. ``patience``: s to wait for a server that has gone before giving up."""

    variant: Variant
    corpus: Corpus
    folder: Path
    clients: int = 4
    requests: int = 300
    patience: float = 60.0
    resume: bool = False
    report: Callable[[str], None] = field(default=lambda line: None)

    def asked(self, number: int) -> tuple[Chunk, int | None]:
        """Return chunk and seed of request ``number``; a corpus that is too short begins again with other seeds."""
        chunk = self.corpus.chunks[number % len(self.corpus.chunks)]
        turn = number // len(self.corpus.chunks)
        return chunk, seed_for(self.variant, chunk.id, turn)


class _Record:
    """One line a request, on disk before it counts."""

    def __init__(self, path: Path, plan: Json, resume: bool) -> None:
        self._lock = threading.Lock()
        self.rows: list[LoadRow] = []
        if resume:
            self.rows = _read(path, plan)
        elif path.exists():
            raise ConfigError(f"{path}: already there; go on with --resume, or name another folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        if not resume:
            self._write({"plan": plan})

    def add(self, row: LoadRow) -> None:
        with self._lock:
            self._write(row)
            self.rows.append(row)

    def _write(self, row: Mapping[str, object]) -> None:
        try:
            self._file.write(json.dumps(row).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise StoreError(f"{self._file.name}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        self._file.close()


def _read(path: Path, plan: Json) -> list[LoadRow]:
    """Rows of an earlier run of the same plan; a last line that was torn is cut off."""
    data = read_limited(path, "record to resume", kind=StoreError)
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with path.open("r+b") as file:
            file.truncate(len(whole))
    first, *rows = [
        parse_json(line, f"{path}:{number}", StoreError) for number, line in enumerate(whole.splitlines(), 1)
    ] or [None]
    before = first.get("plan") if isinstance(first, dict) else None
    if not isinstance(before, dict) or not all(
        isinstance(row, dict) and isinstance(row.get("request"), int) for row in rows
    ):
        raise StoreError(f"{path}: not the record of an earlier load")
    changed = [key for key in plan if before.get(key) != plan[key]]
    if changed:
        raise ConfigError(f"{path}: cannot be resumed: {', '.join(changed)} changed")
    return rows


def run_load(load: Load) -> WrittenSummary:
    """Make all requests, ask once more for those that failed, and return the summary, which is also written.

    Every request is recorded whatever becomes of it. Raises ConfigError for a variant that cannot be loaded so,
    StoreError when the record cannot be written.
    """
    settings = check_http_settings(load.variant)
    if load.variant.adapter != "http" or settings.start:
        raise ConfigError(
            f"variant {load.variant.name!r}: clients need a server that is running already (url, no start)"
        )
    plan = {
        "variant": load.variant.name,
        "url": settings.url + settings.path,
        "corpus": load.corpus.sha256,
        "requests": load.requests,
    }
    record = _Record(load.folder / RESULTS, plan, load.resume)
    started = time.monotonic()
    try:
        for take in (0, 1):
            _pass(load, record, settings.url, take)
    finally:
        record.close()
    figures = load_summary(record.rows, load.requests)
    wall = time.monotonic() - started
    summary: WrittenSummary = {
        "variant": load.variant.name,
        "url": settings.url + settings.path,
        "corpus": load.corpus.sha256,
        "requests": load.requests,
        "clients": load.clients,
        **figures,
        "wall_seconds": wall,
        "requests_per_second": figures["answered"] / wall,
        "rtfx": figures["audio_seconds"] / wall,
    }
    (load.folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return summary


def _pass(load: Load, record: _Record, url: str, take: int) -> None:
    """Take 0: every request without a row. Take 1: every request that has failed once."""
    rows: dict[int, list[LoadRow]] = {}
    for row in record.rows:
        rows.setdefault(row["request"], []).append(row)
    open_ones: queue.Queue[int] = queue.Queue()
    for number in range(load.requests):
        had = rows.get(number, [])
        failed = bool(had) and all(row["outcome"] != Outcome.OK for row in had)
        if (not had) if take == 0 else (failed and len(had) == 1):
            open_ones.put(number)
    if open_ones.empty():
        return
    gone = threading.Event()
    errors: list[BaseException] = []
    count = min(load.clients, open_ones.qsize())
    threads = [
        threading.Thread(target=_client, args=(load, record, url, take, number, open_ones, gone, errors))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    if gone.is_set():
        raise StoreError(
            f"{url}: no server for {load.patience:g} s; {len(record.rows)} requests are on record, go on with --resume"
        )


def _client(
    load: Load,
    record: _Record,
    url: str,
    take: int,
    client: int,
    open_ones: queue.Queue[int],
    gone: threading.Event,
    errors: list[BaseException],
) -> None:
    worker = Worker(load.variant, load.folder / "work")
    try:
        worker.start()
        for number in _until_empty(open_ones, gone):
            if not worker.alive:
                worker.restart()
            chunk, seed = load.asked(number)
            reply = worker.request(Request(chunk.id, chunk.text, seed, load.variant.voice, chunk.language))
            record.add(_row(number, take, client, chunk.id, reply))
            load.report(f"{len(record.rows)} requests, last: {reply.outcome}")
            gone_now = reply.outcome is Outcome.AWAY or reply.detail.startswith("connection lost")
            if gone_now and not _is_back(url, load.patience):
                gone.set()
    except BaseException as error:
        errors.append(error)
        gone.set()
    finally:
        worker.stop()


def _until_empty(open_ones: queue.Queue[int], gone: threading.Event) -> Iterator[int]:
    while not gone.is_set():
        try:
            yield open_ones.get_nowait()
        except queue.Empty:
            return


def _is_back(url: str, patience: float) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            httpx.get(url, timeout=5.0, trust_env=False)
            return True
        except httpx.HTTPError:
            time.sleep(_LOOK)
    return False


def _row(number: int, take: int, client: int, chunk: str, reply: Reply) -> LoadRow:
    http = reply.noted.get("http", {})
    seconds = len(reply.samples) / reply.sample_rate if reply.samples is not None and reply.sample_rate else None
    return {
        "request": number,
        "take": take,
        "client": client,
        "chunk": chunk,
        "outcome": str(reply.outcome),
        "detail": reply.detail,
        "ttfa": reply.ttfa,
        "wall": reply.wall_seconds,
        "audio_seconds": seconds,
        "sha256": pcm_sha256(reply.samples) if reply.samples is not None else None,
        "underruns": http.get("underruns"),
        "underrun_seconds": http.get("underrun_seconds"),
        "longest_gap": http.get("longest_gap"),
        "refusals": len(http.get("refusals", [])),
    }
