"""The append-only journal of a run: sessions, attempts, observations, judgements, audio.

A run directory holds ``manifest.json`` (written once), ``journal.sqlite`` (docs/store.md has the tables) and
``audio/<hash>_<rate>.flac`` or ``.wav``. Only one process writes; when a ``record_`` method returns, the record
survives a kill and a power cut.
"""

from harness.store.directory import Pruned, RunInfo, latest, list_runs, prune_runs
from harness.store.recorded import EpochRow, EventRow, SessionRow
from harness.store.redact import redact, redact_json, remember_secrets, secrets_in
from harness.store.run import Run
from harness.store.schema import SCHEMA_VERSION

__all__ = [
    "SCHEMA_VERSION",
    "EpochRow",
    "EventRow",
    "Pruned",
    "Run",
    "RunInfo",
    "SessionRow",
    "latest",
    "list_runs",
    "prune_runs",
    "redact",
    "redact_json",
    "remember_secrets",
    "secrets_in",
]
