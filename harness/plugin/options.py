"""Command-line options of the plugin, and what is made of them."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.errors import ConfigError
from harness.core.paths import VARIANTS, default_reports, default_variants
from harness.core.project import ProjectDefaults, project_defaults

if TYPE_CHECKING:
    from harness.engine.night import SuiteEntry


_USUAL: dict[str, object] = {}  # the default of each option, as it was registered


def add(parser: pytest.Parser) -> None:
    """Register the options."""
    group = parser.getgroup("tts-soak", "soak test of text-to-speech")
    for flag, settings in {**_SPOKEN, **_MEASURED, **_RUN, **_JUDGED}.items():
        _USUAL[flag.removeprefix("--")] = settings.get("default", False)
        group.addoption(flag, **settings)


def refuse_night_options(config: pytest.Config) -> None:
    """Raise ConfigError for an option of a night on the command line of a session that is none."""
    for word in config.invocation_params.args:
        option = str(word).partition("=")[0]
        if option in ("--baseline", "--night-quick"):
            raise ConfigError(f"{option}: is of a night: it needs --nightly PLAN (or: tts-soak nightly {option})")


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: it must be a whole number from 1 on")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: it must be a whole number from 0 to {2**31 - 1}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


# how an option of the table is read: as on the command line
_KINDS: Mapping[str, Callable[[str], object]] = {
    **dict.fromkeys(("variants", "reports", "limits", "calibration"), Path),
    **dict.fromkeys(("chunks", "clients", "jobs", "shards", "replay-seeds", "replay-most", "keep"), _count),
    "quiet-chunks": int,
    "patience": _seconds,
    "seed": _seed,
}


# what is spoken
_SPOKEN: dict[str, dict[str, object]] = {
    "--variants": {"metavar": "FILE", "type": Path, "default": None, "help": "what is under test (TOML)"},
    "--variant": {
        "metavar": "NAME",
        "action": "append",
        "default": [],
        "help": "only this variant, by its exact name; repeatable",
    },
    "--corpus": {"metavar": "NAME|FILE", "default": None, "help": "what is spoken; the suite's own if not given"},
    "--chunks": {"metavar": "N", "type": _count, "default": None, "help": "only the first N chunks of the corpus"},
    "--language": {"metavar": "TAG", "default": None, "help": "language of own texts (BCP-47)"},
    "--with-reference": {"action": "store_true", "help": "run the reference along instead of using its profile"},
    "--seed": {
        "metavar": "N",
        "type": _seed,
        "default": None,
        "help": "ask with this one seed, whatever the variant says",
    },
}

# how it is heard
_MEASURED: dict[str, dict[str, object]] = {
    "--asr": {
        "metavar": "ENGINE",
        "default": None,
        "help": "recognizer: whisper (by language), faster-whisper:NAME|FOLDER, whisper:NAME|FILE.pt",
    },
    "--asr-device": {"metavar": "DEVICE", "default": "cpu", "help": "where the recognizer runs: cpu, cuda, cuda:1"},
    "--normaliser": {"metavar": "NAME", "default": None, "help": "of the word error rate; by language if not given"},
    "--scorers": {
        "metavar": "A,B",
        "default": None,
        "help": "only these scorers ('none': journal and process faults only)",
    },
    "--mos": {
        "metavar": "NAME",
        "nargs": "?",
        "const": "dnsmos",
        "default": None,
        "help": "predict opinion scores too (slow): dnsmos (extra 'mos', the default) or distillmos",
    },
    "--speaker": {
        "metavar": "ENCODER",
        "default": None,
        "help": "speaker encoder: resemblyzer (default), or onnx:PATH (extra 'speaker')",
    },
}

# how the run is made
_RUN: dict[str, dict[str, object]] = {
    "--resume": {
        "nargs": "?",
        "const": "latest",
        "default": None,
        "metavar": "RUN",
        "help": "continue the last run, or RUN",
    },
    "--reports": {
        "metavar": "DIR",
        "type": Path,
        "default": None,
        "help": "where run directories go (default: ./reports)",
    },
    "--clients": {
        "metavar": "N",
        "type": _count,
        "default": 1,
        "help": "stress: ask a running server with N clients at once",
    },
    "--jobs": {
        "metavar": "N",
        "type": _count,
        "default": None,
        "help": "scoring processes (default: cores synthesis leaves)",
    },
    "--shards": {
        "metavar": "N",
        "type": _count,
        "default": 1,
        "help": "stress: cut the chunks into N sessions, each anew",
    },
    "--ray": {"metavar": "ADDRESS", "default": None, "help": "speak and score on this Ray cluster: auto, or HOST:PORT"},
    "--patience": {
        "metavar": "S",
        "type": _seconds,
        "default": 60.0,
        "help": "wait so long for a backend that is away",
    },
    "--keep": {
        "metavar": "N",
        "type": _count,
        "default": None,
        "help": "after the run, delete all but the last N runs",
    },
}

# how it is judged, and nights
_JUDGED: dict[str, dict[str, object]] = {
    "--no-confirm": {"action": "store_true", "help": "do not replay faulty chunks; they stay suspected"},
    "--replay-seeds": {"metavar": "N", "type": _count, "default": 2, "help": "other seeds in a replay (default 2)"},
    "--replay-most": {
        "metavar": "N",
        "type": _count,
        "default": 25,
        "help": "replay at most N chunks a variant (default 25)",
    },
    "--quiet-chunks": {
        "metavar": "N",
        "type": int,
        "default": 5,
        "help": "chunks timed again with nothing beside (0: none)",
    },
    "--limits": {
        "metavar": "FILE",
        "type": Path,
        "default": None,
        "help": "margins of the claims; the suite's own if not given",
    },
    "--calibration": {
        "metavar": "FILE",
        "type": Path,
        "default": None,
        "help": "judge every variant by these limits (JSON)",
    },
    "--nightly": {
        "metavar": "PLAN",
        "type": Path,
        "default": None,
        "help": "a night as PLAN (TOML) has it; see tts-soak nightly",
    },
    "--night-quick": {"action": "store_true", "help": "the small size of that night"},
    "--baseline": {
        "metavar": "NAME",
        "default": None,
        "help": "of a night: compare with this baseline, not the plan's",
    },
    "--stop-early": {"action": "store_true", "help": "stress: stop as soon as a sequential test knows the fault rate"},
}


def settle_options(config: pytest.Config) -> None:
    """Fill in what the command line leaves open: the project's defaults, then those of the clone or the folder.

    Raises ConfigError for a table [tool.tts-soak] that cannot be used.
    """
    here = config.invocation_params.dir
    _take_project_defaults(config, project_defaults(here))
    if config.option.variants is None:
        config.option.variants = default_variants(here)
    if config.option.reports is None:
        config.option.reports = default_reports(here)


def _take_project_defaults(config: pytest.Config, project: ProjectDefaults) -> None:
    given = {str(word).partition("=")[0] for word in config.invocation_params.args}
    for key, value in project.values.items():
        kind, name = _KINDS.get(key), key.replace("-", "_")
        if f"--{key}" in given or getattr(config.option, name) != _USUAL[key]:  # the latter: by PYTEST_ADDOPTS
            continue
        try:
            taken = kind(str(value)) if kind is not None else value
        except (argparse.ArgumentTypeError, ValueError) as error:
            raise ConfigError(f"{project.where(key)}: {error}") from None
        setattr(config.option, name, taken)


def repeated_options(config: pytest.Config) -> str:
    """Return the options that a command must repeat to ask the same of one chunk."""
    names = (
        "variants",
        "corpus",
        "language",
        "asr",
        "asr-device",
        "scorers",
        "normaliser",
        "limits",
        "mos",
        "speaker",
        "calibration",
        "seed",
    )
    named = [(name, config.getoption(f"--{name}")) for name in names]
    given = [(name, value) for name, value in named if value not in (None, VARIANTS, "cpu")]
    flags = " --with-reference" if config.getoption("with_reference") else ""
    return "".join(f" --{name} {shlex.quote(str(value))}" for name, value in given) + flags


class SuiteOptions:
    """The options as one suite sees them: what the plan of the night says of it, else the command line."""

    def __init__(self, config: pytest.Config, part: SuiteEntry | None = None) -> None:
        self._config = config
        self._own = {**part.options(), "limits": None} if part is not None else {}  # --limits is for the comparison
        self.variants = part.variants if part is not None else None  # None: all that the suite takes
        self.margins: Mapping[str, object] = part.margins if part is not None else {}
        self.settings: Mapping[str, object] = part.settings if part is not None else {}
        self.arguments = tuple(str(argument) for argument in config.invocation_params.args)

    def getoption(self, name: str) -> Any:
        """Return the value of an option."""
        return self._own[name] if name in self._own else self._config.getoption(name)


def _is_suite(limits: Path) -> bool:
    """Whether tests beside a limits file ask for a soak; a file of that name may be another project's."""
    return any("soak" in file.read_text("utf-8", "replace") for file in limits.parent.glob("test_*.py"))


def refuse_xdist(config: pytest.Config) -> None:
    """Raise UsageError when pytest-xdist would cut the session of a suite into pieces.

    Called before its processes are started, when nothing is collected yet: a suite is known by its files.
    """
    if not getattr(config.option, "numprocesses", None) and getattr(config.option, "dist", "no") in ("no", None):
        return
    named = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    folders = [path if path.is_dir() else path.parent for path in named]
    if any(_is_suite(file) for folder in folders for file in folder.rglob("limits.toml")):
        raise pytest.UsageError(
            "-n (pytest-xdist) is refused: it would cut the one living session that a soak test is about; "
            "scoring already runs in processes of its own (--jobs)"
        )
