"""Damage to a run's folder and to documents: each kind, seen by verify, report, the list of runs, and resume."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from harness.core.errors import SoakError
from harness.core.records import Corpus, Variant
from harness.core.toml import read_toml
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.report import marks, write
from harness.store import Run, list_runs
from harness.verdicts import Limits
from harness.verdicts.profile import Profile

_SECONDS = 60  # longer is a hang
# What may be damaged without a word: it is made anew from the rest, or nothing of it is changed.
_HARMLESS = ("a year later",)
# A longer list of acknowledged attempts hides nothing, nor does a line more that looks torn; of three attempts 100
# bytes are all.
_HARMLESS_IN_LIST = ("twice", "a table and a trigger in it", "its first 100 bytes")
_REMADE = ("summary.json", "report.html", "logs", "lock")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(data)


def _replace(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def harm(path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        make(path)

    return harm


def _sparse(path: Path) -> None:
    with path.open("ab") as file:
        file.truncate(3 << 30)


def _link_to_text(path: Path) -> None:
    text = path.with_name(f"{path.name}.elsewhere")  # what a writer that follows links would overwrite
    text.write_text("somebody else's text\n" * 50)
    path.symlink_to(text.name)


def _foreign_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE attempts (id INTEGER, note TEXT)")
        database.execute("PRAGMA user_version = 3")
        database.commit()


def _inside(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def _with_table(path: Path) -> None:
    """Put a table, a view and a trigger of somebody else's in it; another file is left as it is, longer."""
    try:
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE sqlitemine AS SELECT 1 AS one")
            database.execute("CREATE TRIGGER mine AFTER INSERT ON sqlitemine BEGIN DELETE FROM sqlitemine; END")
            database.commit()
    except sqlite3.Error:
        _inside(path, lambda data: data + b"CREATE")


HARMS: dict[str, Callable[[Path], Any]] = {
    "deleted": _replace(lambda path: None),
    "emptied": _replace(lambda path: path.write_bytes(b"")),
    "a folder": _replace(lambda path: (path / "x").mkdir(parents=True)),
    "a link to itself": _replace(lambda path: path.symlink_to(path.name)),
    "a link to a text": _replace(_link_to_text),
    "a pipe": _replace(os.mkfifo),
    "noise": _replace(lambda path: path.write_bytes(bytes(range(256)) * 40)),
    "brackets": _replace(lambda path: path.write_text("[" * 100_000)),
    "a foreign database": _replace(_foreign_database),
    "a dead link": _replace(lambda path: path.symlink_to("nowhere")),
    "a link to a device": _replace(lambda path: path.symlink_to("/dev/zero")),
    "a socket": _replace(lambda path: os.mknod(path, 0o600 | stat.S_IFSOCK)),
    "null": _replace(lambda path: path.write_text("null")),
    "an empty object": _replace(lambda path: path.write_text("{}")),
    "one long line": _replace(lambda path: path.write_text("7 " * 2_000_000)),
    "large numbers": _replace(lambda path: path.write_text("9" * 400 + " " + "f" * 64 + "\n-1 x\n" * 100)),
}
ON_FILES: dict[str, Callable[[Path], Any]] = {
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a flipped bit": _flip,
    "a sparse end of gigabytes": _sparse,
    "all but the last byte": lambda path: _inside(path, lambda data: data[:-1]),
    "its first 100 bytes": lambda path: _inside(path, lambda data: data[:100]),
    "a mark of UTF-8 in front": lambda path: _inside(path, lambda data: b"\xef\xbb\xbf" + data),
    "in UTF-16": lambda path: _inside(path, lambda data: data.decode("latin-1").encode("utf-16")),
    "line ends of Windows": lambda path: _inside(path, lambda data: data.replace(b"\n", b"\r\n") + b"\r\n"),
    "twice": lambda path: _inside(path, lambda data: data + data),
    "zeros in the midst": lambda path: _inside(path, lambda data: data[: len(data) // 2] + bytes(4096) + data),
    "all zeros": lambda path: _inside(path, lambda data: bytes(len(data))),
    "backwards": lambda path: _inside(path, lambda data: data[::-1]),
    "a table and a trigger in it": _with_table,
    "a year later": lambda path: os.utime(path, (4e9, 4e9)),
}
PLACES = ("manifest.json", "journal.sqlite", "acknowledged.log", "a sound", "audio", *_REMADE)
DOCUMENTS = {
    "profile": Profile.load,
    "calibration": Limits.load,
    "marks": marks.parse_marks,
    "variants": load_variants,
    "limits": lambda path: read_toml(path, "limits file"),
}
CONTENTS = {
    "empty": b"",
    "noise": bytes(range(256)),
    "brackets": b"[" * 100_000,
    "toml brackets": b"x = " + b"[" * 100_000,
    "tables": b"x = " + b"{a=" * 5000 + b"1" + b"}" * 5000,
    "digits": b'{"schema": ' + b"9" * 5000 + b"}",
    "toml digits": b"x = " + b"9" * 5000,
    "nan": b'{"schema": 1, "faults": {"loop": NaN}}',
    "types": b'{"schema": 1, "keys": [], "fitted": 7, "faults": [], "records": {}, "chunks": 3, "marks": {}}',
    "no keys": b'{"schema": 1, "keys": {}, "records": {}}',
    "a list": b"[1, 2]",
    "null": b"null",
}


class _Said(Quiet):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


def plan_in(folder: Path, chunks: int = 3) -> Plan:
    """Return a small run of the null backend."""
    whole = load_corpus(f"generated:seed=5,chunks={chunks}")
    corpus = Corpus(whole.name, whole.chunks, whole.sha256)
    variant = Variant(name="n", adapter="null", settings={"seconds_per_word": 0.01})
    ids = tuple(chunk.id for chunk in corpus.chunks)
    return Plan("stress", corpus, (variant,), {"n": ids}, folder / "reports", quiet_chunks=0)


def run_folders(folder: Path) -> Iterator[dict[str, Any]]:
    """Damage copies of a finished run, one kind after the other; yields what each of the five said."""
    plan = plan_in(folder)
    path = Engine(plan).run()
    write(path)
    for place in PLACES:
        for name, harm in {**HARMS, **({} if place in ("audio", "logs") else ON_FILES)}.items():
            copy = folder / "case"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(path.parent, copy / "reports", symlinks=True)
            run = copy / "reports" / path.name
            target = next((run / "audio").glob("*.wav")) if place == "a sound" else run / place
            if target.exists():
                harm(target)
            else:
                HARMS["noise"](target)
            row = _ask(plan_in(copy), run, place)
            harmless = (*_HARMLESS, *(_HARMLESS_IN_LIST if place == "acknowledged.log" else ()))
            yield {"case": f"{place}: {name}", **row, "silent": row["silent"] and name not in harmless}


def _ask(plan: Plan, run: Path, place: str) -> dict[str, Any]:
    said = _Said()
    problems: list[str] = []
    steps: dict[str, Callable[[], object]] = {
        "verify": lambda: problems.extend(_verified(run)),
        "report": lambda: problems.extend(write(run).damage),
        "runs": lambda: problems.extend(info.problem for info in list_runs(run.parent) if info.problem),
        "resume": lambda: Engine(plan, said).run(run),
        "verify again": lambda: problems.extend(_verified(run)),
    }
    answers = {name: outcome(step) for name, step in steps.items()}
    refused = any(answer.startswith("refused") for answer in answers.values())
    silent = place not in _REMADE and not problems and not refused and not said.lines
    return {"answers": answers, "silent": silent}


def _verified(run: Path) -> list[str]:
    with Run.open(run) as opened:
        return opened.verify()


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield malformed documents of every kind, as files, folders, links and pipes."""
    for kind, load in DOCUMENTS.items():
        for name, content in CONTENTS.items():
            for ending in ("json", "json.gz") if kind == "profile" else ("json",):
                path = folder / f"document.{ending}"
                HARMS["deleted"](path)
                path.write_bytes(content)
                yield {
                    "case": f"{kind} ({ending}): {name}",
                    "answers": {"load": outcome(lambda load=load, path=path: load(path))},
                }
        for name in ("deleted", "a folder", "a link to itself", "a pipe"):
            path = folder / "document.json"
            HARMS[name](path)
            yield {"case": f"{kind}: {name}", "answers": {"load": outcome(partial(load, path))}}
            HARMS["deleted"](path)


def outcome(step: Callable[[], object]) -> str:
    """Return ``done``, ``refused: ...`` (one line), ``traceback: ...`` or ``hang``."""

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(_SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            step()
        return "done"
    except TimeoutError:
        return "hang"
    except SoakError as error:
        return f"refused: {error}" if "\n" not in str(error) else f"traceback: many lines: {error}"
    except BaseException as error:
        return f"traceback: {type(error).__name__}: {error}"[:200]
    finally:
        signal.alarm(0)
