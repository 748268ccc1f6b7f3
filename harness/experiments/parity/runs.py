"""One side of a comparison: named stages from a dump, a folder of dumps, or a callable by its import path."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import ConfigError, MissingExtra, nearest

Array = NDArray[np.generic]
SUFFIXES = (".npz", ".safetensors")


@dataclass(frozen=True)
class StageDumps:
    """Stages by name in their order, and for callables the seconds of the first call and of each later one."""

    source: str
    stages: Mapping[str, Array]
    cold: float | None = None
    warm: tuple[float, ...] = field(default_factory=tuple)

    def seconds_of_audio(self, waveform: str, rate: int) -> float | None:
        """Return the length of the sound; None where there is none."""
        sound = self.stages.get(waveform)
        return None if sound is None or not sound.size else sound.size / rate


class DumpSource:
    """Where a side comes from. A callable is imported once and keeps its state from bucket to bucket."""

    def __init__(self, spec: str, folder: Path) -> None:
        self.spec = spec
        self._folder = folder
        self._call: Callable[..., object] | None = None

    def load(self, bucket: int | None = None, repeats: int = 0) -> StageDumps:
        """Return the stages for one bucket; a callable is called again ``repeats`` times.

        Raises ConfigError, MissingExtra.
        """
        if ":" in self.spec and not self.spec.endswith(SUFFIXES):
            return self._called(bucket, repeats)
        return StageDumps(self.spec, read_dump(self._path(bucket)))

    def _path(self, bucket: int | None) -> Path:
        named = self.spec if bucket is None else self.spec.replace("{bucket}", str(bucket))
        if "{bucket}" in named:
            raise ConfigError(f"{self.spec}: there is no bucket to put in; give the pair buckets = [...]")
        path = self._folder / Path(named).expanduser()
        if not path.is_dir():
            return path
        files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
        if bucket is not None:
            files = [each for each in files if each.stem == str(bucket)]
        if len(files) != 1:
            names = ", ".join(each.name for each in files) or "none"
            wanted = "one dump" if bucket is None else f"one dump named {bucket}.npz or {bucket}.safetensors"
            raise ConfigError(f"{path}: {wanted} is needed, there is {names}")
        return files[0]

    def _called(self, bucket: int | None, repeats: int) -> StageDumps:
        if self._call is None:
            self._call = imported(self.spec, self._folder)
        taken = {} if bucket is None or not _takes(self._call, "bucket") else {"bucket": bucket}
        try:
            cold, output = _timed(self._call, taken)
            warm = [_timed(self._call, taken)[0] for _ in range(repeats)]
        except Exception as error:  # of somebody else's code: one pair is lost, the others go on
            said = (str(error).splitlines() or [""])[0]
            raise ConfigError(f"{self.spec}: raised {type(error).__name__}: {said}") from error
        return StageDumps(self.spec, arrays(output, self.spec), cold, tuple(warm))


def _timed(call: Callable[..., object], taken: Mapping[str, object]) -> tuple[float, object]:
    """Seconds of a call, and what it gave."""
    began = time.perf_counter()
    output = call(**taken)
    return time.perf_counter() - began, output


def _takes(call: Callable[..., object], name: str) -> bool:
    parameters = inspect.signature(call).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def read_dump(path: Path) -> dict[str, Array]:
    """Return arrays of an .npz or .safetensors file in their order. Raises ConfigError, MissingExtra."""
    if path.suffix not in SUFFIXES:
        raise ConfigError(f"{path}: a dump must be .npz or .safetensors, or module:callable")
    if not path.is_file():
        beside = [each.name for each in path.parent.glob("*")] if path.parent.is_dir() else []
        raise ConfigError(f"{path}: no such dump{nearest(path.name, beside)}")
    try:
        dump = _safetensors(path) if path.suffix == ".safetensors" else _npz(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ConfigError(f"{path}: cannot be read as {path.suffix}: {str(error).splitlines()[0]}") from None
    if not dump:
        raise ConfigError(f"{path}: holds no stage")
    return dump


def _npz(path: Path) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _safetensors(path: Path) -> dict[str, Array]:
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingExtra(f"{path}: .safetensors needs the extra 'parity': pip install 'tts-soak[parity]'") from None
    try:
        with safe_open(str(path), framework="pt") as stored:  # torch, because numpy has no bfloat16
            # keys come in alphabetical order; offsets are the order of writing
            names = getattr(stored, "offset_keys", stored.keys)()
            return arrays({name: stored.get_tensor(name) for name in names}, str(path))
    except SafetensorError as error:
        raise ValueError(str(error)) from None


def imported(spec: str, folder: Path) -> Callable[..., Any]:
    """Import ``module:callable`` or ``file.py:callable``. Raises ConfigError for what is not there."""
    place, _, name = spec.rpartition(":")
    here = str(folder.absolute())
    if here not in sys.path:  # a console script has no working directory on its path
        sys.path.insert(0, here)
    try:
        module = _from_file(folder / place) if place.endswith(".py") else importlib.import_module(place)
    except ImportError as error:
        raise ConfigError(f"{spec}: cannot be imported: {error}") from None
    function = getattr(module, name, None)
    if not callable(function):
        callables = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise ConfigError(f"{spec}: {place} has no callable {name!r}{nearest(name, callables)}")
    return function  # type: ignore[no-any-return]


def _from_file(path: Path) -> object:
    if not path.is_file():
        raise ConfigError(f"{path}: no such file")
    described = importlib.util.spec_from_file_location(f"parity_{path.stem}", path)
    if described is None or described.loader is None:
        raise ConfigError(f"{path}: no Python file")
    module = importlib.util.module_from_spec(described)
    sys.modules[described.name] = module
    described.loader.exec_module(module)
    return module


def arrays(found: object, source: str) -> dict[str, Array]:
    """Return a table of NumPy arrays or tensors as NumPy arrays. Raises ConfigError for anything else."""
    if not isinstance(found, Mapping) or not found:
        raise ConfigError(f"{source}: must give a table of stage name -> array, gave {type(found).__name__}")
    by_name: dict[str, Array] = {}
    for name, value in found.items():
        if hasattr(value, "detach"):
            value = value.detach().cpu()
            value = value.float().numpy() if value.is_floating_point() else value.numpy()
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            raise ConfigError(f"{source}: stage {name!r} is no array of numbers but {array.dtype}")
        by_name[str(name)] = array
    return by_name
