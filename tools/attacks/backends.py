"""Hostile backends: each speaks two chunks; none may end the run, lose a chunk or leave it without a reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.core.records import Arm, Outcome
from harness.core.variants import load_variants
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation
from harness.store import Run
from tools.attacks.damage import outcome, plan_in
from tools.attacks.servers import ANSWERS, hostile_server

_TABLES = tomllib.loads(Path(__file__).with_name("backends.toml").read_text(encoding="utf-8"))
CALLABLES = {row["name"]: row["body"] for row in _TABLES["callable"]}
PROGRAMS = {row["name"]: row["body"] for row in _TABLES["program"]}
_HEAD = (
    "import os\nimport numpy as np\nITSELF = []\nITSELF.append(ITSELF)\n"
    'def _w(fd, data=b\'{"kind": "none"}\\n[[[\\n\'):\n try: os.write(fd, data)\n except OSError: pass\n'
)


def hostile(folder: Path) -> Iterator[dict[str, Any]]:
    """Speak two chunks with each; yields its outcomes and what is wrong about how they were taken."""
    for name, body in CALLABLES.items():
        yield {"case": f"python, {name}", **_spoken(folder, _python(folder, body))}
    for name, body in PROGRAMS.items():
        script = folder / "say.sh"
        script.write_text(f"#!/bin/sh\n{body}\n")
        script.chmod(0o755)
        declared = "adapter = 'command'\n[variants.h.settings]\ncommand = ['./say.sh', '{output}', '{text}']\n"
        yield {"case": f"command, {name}", **_spoken(folder, declared)}
    for name in ANSWERS:
        with hostile_server(name) as port:
            yield {"case": f"http, {name}", **_spoken(folder, _http(port))}


def _http(port: int) -> str:
    return (
        f"adapter = 'http'\nrequest_timeout = 20\nprogress_timeout = 4\n[variants.h.settings]\n"
        f"url = 'http://127.0.0.1:{port}'\nserved_model = 'm'\nbusy_wait = 0.1\n"
    )


def _python(folder: Path, body: str) -> str:
    (folder / "b.py").write_text(f"{_HEAD}def f(text):\n    {body}\n")
    return (
        "adapter = 'python'\nrequest_timeout = 60\nprogress_timeout = 20\n[variants.h.settings]\n"
        "call = 'b.py:f'\narguments = { text = '{text}' }\n[variants.h.settings.log]\ntoken_count = 'TOKENS: (\\S*)'\n"
    )


def _spoken(folder: Path, declared: str) -> dict[str, Any]:
    (folder / "v.toml").write_text(f"[variants.h]\n{declared}")
    variant = load_variants(folder / "v.toml")[0]
    plan = plan_in(folder, chunks=2)
    ids = tuple(chunk.id for chunk in plan.corpus.chunks)
    plan = replace(
        plan, variants=(variant,), selection={"h": ids}, confirmation=Confirmation(enabled=False), patience=0.5
    )
    paths: list[Path] = []
    ended = outcome(lambda: paths.append(Engine(plan).run()))
    if not paths:
        return {"answers": {"run": ended}, "blind": True}
    with Run.open(paths[0]) as run:
        attempts = run.attempts(arm=Arm.SOAK)
        mute = [a for a in attempts if a.outcome is not Outcome.OK and not a.detail]
        content = (paths[0] / "journal.sqlite").read_bytes()
        away = any(event.kind == "backend away" for event in run.events())
        wrong = [*run.verify(), *(["bytes of another file are kept"] if b"root:x" in content else [])]
    blind = (len(attempts) != len(ids) and not away) or bool(mute) or bool(wrong)
    outcomes = ", ".join(sorted({str(a.outcome) for a in attempts}))
    return {"answers": {"run": ended}, "blind": blind, "outcomes": outcomes, "wrong": wrong}
