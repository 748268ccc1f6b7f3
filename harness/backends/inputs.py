"""Files that decide what a variant says: models and what lies beside them, programs, scripts and their own imports.

An adapter declares what only it can know, in ``inputs(variant)``; every text in the settings that names a file counts
anyway. Nothing is executed or imported.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harness.core.records import Variant

FILES_LIMIT = 5000  # of one variant
_SCRIPT_BYTES = 1 << 18  # a longer script is generated; what it names is not looked at
_WORD = re.compile(r"[\w.~/+@-]{2,255}")
WRITTEN = frozenset({"output_file"})  # settings that name what the program writes
_NOT_READ = WRITTEN | {"cwd", "path"}  # these are folders of much else
# What a folder of a model holds; logs and caches beside it change from day to day.
_OF_A_MODEL = frozenset(
    {".gguf", ".ggml", ".onnx", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".npz", ".npy", ".model", ".json"}
    | {".yaml", ".yml", ".toml", ".txt", ".data", ".onnx_data", ".wav", ".flac"}
)


def base_folder(variant: Variant) -> Path:
    """Return the folder that relative paths of the variant's programs start from."""
    base = Path(variant.source).absolute().parent if variant.source else Path.cwd()
    cwd = variant.settings.get("cwd")
    return base / cwd if isinstance(cwd, str) else base


def input_files(variant: Variant, declared: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the name -> path of every file that decides what the variant says, at most ``FILES_LIMIT`` of them.

    ``declared`` are files and folders named by the adapter. Names are relative to the variants file where they lie
    below it.
    """
    folder = base_folder(variant)
    named = [folder / path for path in declared]
    named += [path for text in _texts(variant.settings) for path in _paths_in(text, folder)]
    if variant.voice_prompt is not None:
        named.append(variant.voice_prompt)
    files = _closure(named, folder)
    return {str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path): path for path in files}


def _texts(value: object, key: str = "") -> Iterator[str]:
    if isinstance(value, str) and key not in _NOT_READ:
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, str(name))
    elif isinstance(value, list | tuple) and key not in _NOT_READ:
        for item in value:
            yield from _texts(item)


def _paths_in(text: str, folder: Path) -> Iterator[Path]:
    """Files that a text names: as a whole, as one of its words, or behind ``=``."""
    words = {text}
    if len(text) < _SCRIPT_BYTES:
        with suppress(ValueError):
            words |= set(shlex.split(text))
    words |= {word.partition("=")[2] for word in words} | {word.partition(":")[0] for word in words}
    for word in words:
        path = _there(word, folder)
        if path is not None and (path.is_file() or (path.is_absolute() and word == text and path != folder)):
            yield path


def _there(word: str, folder: Path) -> Path | None:
    if not word.strip() or len(word) > 4096 or "\0" in word:
        return None
    try:
        path = folder / Path(word).expanduser()
        return path if path.exists() else None
    except (OSError, RuntimeError):  # a name too long for the system, a user that there is not
        return None


def _closure(named: Iterable[Path], folder: Path) -> list[Path]:
    waiting, queue = [path.absolute() for path in named], set[Path]()
    while waiting and len(queue) < FILES_LIMIT:
        path = waiting.pop()
        if path in queue or not path.exists():
            continue
        if path.is_dir():
            waiting += _of_model(path)
            continue
        if path.is_file():
            queue.add(path)
            waiting += _beside(path)
            waiting += _of_script(path, folder)
    return sorted(queue)


def _of_model(folder: Path) -> list[Path]:
    files: list[Path] = []
    for path in folder.rglob("*"):
        if path.suffix in _OF_A_MODEL and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            files.append(path.absolute())
        if len(files) >= FILES_LIMIT:
            break
    return [path for path in files if path.is_file()]


def _beside(path: Path) -> list[Path]:
    """Return what a model's loader reads along with it: ``voice.onnx.json``, ``model.onnx_data``."""
    if path.suffix not in _OF_A_MODEL:
        return []
    try:
        siblings = list(path.parent.glob(f"{_literally(path.name)}[._]*"))
    except (OSError, ValueError):
        return []
    return [sibling for sibling in siblings if sibling.suffix in _OF_A_MODEL and sibling.is_file()]


def _literally(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _of_script(path: Path, folder: Path) -> list[Path]:
    """Modules beside a Python file that it imports, files that another script names."""
    try:
        if path.stat().st_size > _SCRIPT_BYTES:
            return []
        raw = path.read_bytes()
    except OSError:
        return []
    if path.suffix == ".py" or (raw.startswith(b"#!") and b"python" in raw.split(b"\n", 1)[0]):
        return _imported(path, raw)
    if not raw.startswith(b"#!") and path.suffix not in (".sh", ".bash"):
        return []
    words = set(_WORD.findall(raw.decode("utf-8", "replace")))
    places = [place for word in words for base in (path.parent, folder) if (place := _there(word, base)) is not None]
    return [place.absolute() for place in places if place.is_file()]


def _imported(path: Path, raw: bytes) -> list[Path]:
    try:
        tree = ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            within = f"{module}." if node.module else module
            names |= {module} | {f"{within}{alias.name}" for alias in node.names}
    return [source for name in names for source in module_files(name, _import_roots(path))]


def _import_roots(path: Path) -> list[Path]:
    """Return the file's own folder, and the one that its package lies in."""
    root = path.parent
    while (root / "__init__.py").is_file() and root != root.parent:
        root = root.parent
    return list(dict.fromkeys([path.parent, root]))


def module_files(name: str, folders: Iterable[Path]) -> list[Path]:
    """Return the source files of a module, and of the packages it lies in, where they are below ``folders``."""
    level = len(name) - len(name.lstrip("."))
    parts = [part for part in name.lstrip(".").split(".") if part]
    files: list[Path] = []
    for folder in folders:
        place = folder
        for _ in range(level - 1):
            place = place.parent
        for part in parts:
            files += [file for file in (place / f"{part}.py", place / part / "__init__.py") if file.is_file()]
            place = place / part
    return files
