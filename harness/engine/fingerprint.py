"""What must be unchanged for a run to be resumed, and the words for what is not.

Everything that decides what is spoken, heard or judged is in it: models, what lies beside them, programs, scripts,
settings, seeds, limits, profile, calibration, weights of recognizers, versions of packages, and the harness's code.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from harness.backends import ADAPTERS
from harness.backends.inputs import WRITTEN, input_files
from harness.core.errors import StoreError
from harness.core.paths import PACKAGE
from harness.core.records import Variant
from harness.core.registry import plugin_packages
from harness.engine.plan import Plan
from harness.scorers import SCORERS
from harness.store.manifest import StoredFingerprint
from harness.store.provenance import PACKAGES, file_sha256, packages
from harness.text import NORMALISER_KEY, TEXT_VERSION, normaliser

_SMALL = 4 << 20  # bytes; below it reading is faster than keeping a cache of hashes
_HASH = 64


def fingerprint(plan: Plan) -> StoredFingerprint:
    """Return what must be unchanged for ``plan``'s run to be resumed, as hashes or plain JSON."""
    return {
        "suite": plan.suite,
        "corpus": {"name": plan.corpus.name, "sha256": plan.corpus.sha256},
        "selection": {name: _digest(list(ids)) for name, ids in plan.selection.items()},
        "models": {variant.name: model_hashes(variant) for variant in plan.variants},
        "settings": {variant.name: _settings(variant) for variant in plan.variants},
        "files": {variant.name: _hashes(input_files(variant, _declared(variant))) for variant in plan.variants},
        "standards": _standards(plan),
        "scorers": {name: dict(options) for name, options in plan.scorers.items()},
        "recognizers": _recognizers(plan),
        "limits": json.loads(_json({**plan.margins, **plan.experiment})),
        "options": {
            "confirmation": asdict(plan.confirmation),
            "quiet_chunks": plan.quiet_chunks,
            "stop_early": plan.stop_early,
            "clients": plan.clients,
            "shards": plan.shards,
        },
        "packages": packages([*PACKAGES.split(), *plugin_packages()]),
        "code": code_sha256(),
    }


def changed_inputs(before: object, now: object) -> list[str]:
    """Name what differs between two fingerprints, e.g. ``models.q4_k_s.model has other contents``."""
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return [] if before == now else ["the whole fingerprint"]
    changes: list[str] = []
    for key in sorted(set(before) | set(now), key=str):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes += [f"{key}.{inner}" for inner in changed_inputs(old, new)]
        elif old != new:
            changes.append(f"{key} {_change(old, new)}")
    named = [one for one in changes if not one.startswith("all ")]
    return named or changes  # the hash over all names only what no other line does


def _change(old: object, new: object) -> str:
    if new is None:
        return "is gone"
    if old is None:
        return "is new"
    plain = all(isinstance(value, str | int | float) and len(str(value)) < _HASH for value in (old, new))
    return f"was {old}, is {new}" if plain else "has other contents"


def model_hashes(variant: Variant) -> dict[str, str]:
    """Return the SHA-256 of every file that a key of the variant's settings names, and of those that its adapter reads.

    The latter go by their file names: a model whose codec was exchanged is another voice.
    """
    paths = {path.name: path for path in _declared(variant)} | {
        key: Path(value) for key, value in variant.settings.items() if isinstance(value, str) and key not in WRITTEN
    }
    return {key: file_sha256(path) for key, path in sorted(paths.items()) if path.is_absolute() and path.is_file()}


def standard_keys(plan: Plan, reference: Variant) -> dict[str, str]:
    """Return what a profile and limits must have been made under to serve this plan: the reference's model, the
    scorers.
    """
    keys = {f"model.{name}": sha256 for name, sha256 in model_hashes(reference).items()} if reference.reference else {}
    for name, options in plan.scorers.items():
        scorer = SCORERS.get(name)(**options)
        keys[f"scorer.{name}"] = scorer.version
    if "intelligibility" in plan.scorers:
        named = plan.scorers["intelligibility"].get("normalise")
        keys[NORMALISER_KEY] = normaliser(named).label if named else TEXT_VERSION
    return keys


def code_sha256() -> str:
    """Return the hash of the harness's own source files."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(str(path.relative_to(PACKAGE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _declared(variant: Variant) -> list[Path]:
    """Return what the adapter says that it reads beside the settings."""
    declare = getattr(ADAPTERS.get(variant.adapter), "inputs", None)
    return list(declare(variant)) if declare is not None else []


def _standards(plan: Plan) -> dict[str, dict[str, str]]:
    """Calibration and profile of each variant; the recording of a reference writes them itself at its end."""
    if plan.suite == "profile":
        return {}
    holders = {variant.name: variant for variant in plan.variants}
    if plan.reference is not None:
        holders.setdefault(plan.reference.name, plan.reference)
    for reference in plan.references.values():
        holders.setdefault(reference.name, reference)
    return {
        name: _hashes({key: path for key, path in (("calibration", one.calibration), ("profile", one.profile)) if path})
        for name, one in holders.items()
    }


def _recognizers(plan: Plan) -> dict[str, dict[str, str]]:
    """Weights that an option of a scorer names by their path, with or without an engine before it."""
    return {
        name: hashes
        for name, options in plan.scorers.items()
        if (hashes := _hashes({str(key): path for key, value in options.items() for path in _weights(value)}))
    }


def _weights(value: object) -> list[Path]:
    if not isinstance(value, str | Path):
        return []
    text = str(value)
    candidates = [Path(word).expanduser() for word in (text, text.partition(":")[2]) if word]
    return [path for path in candidates if path.is_absolute() or "/" in str(path) or path.is_file()]


def _hashes(paths: Mapping[str, Path]) -> dict[str, str]:
    """Name -> SHA-256 of each file and, below ``all``, of them together; a folder's files count as one."""
    hashes = {name: _content(path) for name, path in paths.items() if path.exists()}
    if hashes:  # "all" serves names that look like those of secrets, whose hashes are redacted
        hashes["all"] = _digest(sorted(hashes.items()))
    return hashes


def _content(path: Path) -> str:
    """Return the hash of a file or of a folder's files, or why there is none."""
    try:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return _digest([[str(file.relative_to(path)), _content(file)] for file in files])
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            return "not a regular file"
        if state.st_size > _SMALL:
            return file_sha256(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except StoreError as error:
        return str(error)


def _settings(variant: Variant) -> dict[str, object]:
    plain = replace(variant, source="", profile=None, calibration=None, resources={})
    return {
        name: value if isinstance(value, str | int | float | bool | type(None)) else json.loads(_json(value))
        for name, value in ((slot, getattr(plain, slot)) for slot in plain.__slots__)
    }


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _digest(value: Iterable[object]) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()
