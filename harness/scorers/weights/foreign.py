"""A folder that a user names, with a model that the catalogue need not know: is it a Whisper model of CTranslate2?"""

from __future__ import annotations

from pathlib import Path

from harness.core.documents import read_json
from harness.core.errors import ConfigError
from harness.scorers.weights.ctranslate2_file import ModelFile

_SPECIFICATION = "WhisperSpec"
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
# The first bytes of the formats in which a Whisper model is usually had.
_FORMATS = (
    (b"PK\x03\x04", "a zip archive, such as a PyTorch checkpoint (for one of openai-whisper: whisper:PATH.pt)"),
    (b"\x80\x02", "a Python pickle, such as an old PyTorch checkpoint"),
    (b"GGUF", "a GGUF model"),
    (b"lmgg", "a model of whisper.cpp"),
)


def is_path(name: str) -> bool:
    """Return whether a model is named by a path: it has a separator or a tilde, or is there as a file or folder."""
    return "/" in name or "\\" in name or name.startswith("~") or Path(name).exists()


def foreign_folder(path: Path, offline: bool) -> Path:
    """Return the absolute folder of a CTranslate2 Whisper model. Raises ConfigError unless its files are just that.

    Its weights have no known hash; what is checked is that they can be read and are whole. Without ``tokenizer.json``
    faster-whisper fetches one, so that is refused when ``offline``.
    """
    folder = path.expanduser().absolute()
    if folder.is_file():
        raise ConfigError(f"{path}: is {_format(folder)}, expected a folder with a CTranslate2 model")
    if not folder.is_dir():
        raise ConfigError(f"{path}: no such folder, expected one with a CTranslate2 model")
    for name in ("config.json", "model.bin", *(["tokenizer.json"] if offline else [])):
        if not (folder / name).is_file():
            raise ConfigError(f"{path}: has no {name}, so it is no whole CTranslate2 Whisper model{_instead(folder)}")
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        raise ConfigError(f"{path}: has no vocabulary ({' or '.join(_VOCABULARIES)})")
    for name in ("config.json", "tokenizer.json"):
        _check_json(folder / name)
    specification = _opened(folder / "model.bin").specification
    if specification != _SPECIFICATION:
        raise ConfigError(f"{folder / 'model.bin'}: is a {specification} of CTranslate2, expected {_SPECIFICATION}")
    return folder


def _opened(path: Path) -> ModelFile:
    try:
        return ModelFile.open(path)
    except ConfigError as error:
        if any(_head(path).startswith(magic) for magic, _ in _FORMATS):
            raise ConfigError(f"{path}: is {_format(path)}, expected a model file of CTranslate2") from None
        raise error


def _check_json(path: Path) -> None:
    if path.exists() and not isinstance(read_json(path, "description of the model"), dict):
        raise ConfigError(f"{path}: expected a JSON object")


def _instead(folder: Path) -> str:
    """Return what else lies there, where that tells which format the folder is of."""
    others = sorted(file.name for file in folder.glob("*") if file.suffix in {".safetensors", ".onnx", ".pt", ".gguf"})
    return f" (it has {', '.join(others[:3])})" if others else ""


def _format(path: Path) -> str:
    for magic, title in _FORMATS:
        if _head(path).startswith(magic):
            return title
    if path.name == "model.bin":
        return "a file; name the folder it is in"
    return f"a {path.suffix} file" if path.suffix else "a file"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""
