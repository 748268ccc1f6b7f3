"""Where the files of a known model may be on this machine, in the order in which they are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from harness.core.errors import ConfigError
from harness.core.paths import cache_root
from harness.scorers.weights.catalogue import CarriedPart, KnownModel
from harness.scorers.weights.checked import check_file

EXTRA = "pip install 'tts-soak[whisper-weights]'"
# What CTranslate2 and faster-whisper read from a model's folder. Such a file beside the known ones would be read
# unchecked, so a folder that has one is not used in place.
_READ_BY_ENGINES = frozenset(
    {"config.json", "model.bin", "preprocessor_config.json", "shared_vocabulary.json", "shared_vocabulary.txt"}
    | {"tokenizer.json", "vocabulary.json", "vocabulary.txt"}
)


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """A folder that should have all files of a model; ``source`` says whose it is, ``remedy`` what mends a bad one."""

    folder: Path
    source: str
    remedy: str

    def check(self, model: KnownModel) -> None:
        """Raise ConfigError unless every file has its size and hash, and an engine would read nothing else there."""
        for file in model.files:
            check_file(self.folder / file.name, file, self.remedy)
        for path in self.others(model):
            raise ConfigError(f"{path}: is no file of {model.name}, and an engine would read it; {self.remedy}")

    def others(self, model: KnownModel) -> list[Path]:
        """Return the files that an engine which loads the folder would read and the catalogue does not have."""
        names = {file.name for file in model.files}
        return [self.folder / name for name in sorted(_READ_BY_ENGINES - names) if (self.folder / name).exists()]


@dataclass(frozen=True, slots=True)
class Carrier:
    """The installed packages that carry a model: where each part of each file is, by the packages' own file lists."""

    model: KnownModel
    paths: dict[CarriedPart, Path]

    @property
    def source(self) -> str:
        """Return the names of the packages with the versions that are installed."""
        packages = dict.fromkeys(part.package for part in self.paths)
        return "installed package " + " + ".join(f"{name} {metadata.version(name)}" for name in packages)

    def in_place(self) -> ModelPlace | None:
        """Return the folder that can be used as it is; None where parts must be joined or brought together."""
        folders = {self.paths[part].parent for file in self.model.files for part in file.parts}
        names = all(len(file.parts) == 1 and self.paths[file.parts[0]].name == file.name for file in self.model.files)
        if len(folders) != 1 or not names:
            return None
        place = ModelPlace(folders.pop(), self.source, _reinstall(self.model.requirements))
        return None if place.others(self.model) else place

    def check(self) -> None:
        """Raise ConfigError, naming the package to install again, unless every part has its size and hash."""
        for part, path in self.paths.items():
            check_file(path, part, _reinstall((part.requirement,)))


def carrier(model: KnownModel) -> Carrier | None:
    """Return the installed packages that carry ``model``; None unless all of them are installed.

    Only the packages' lists of files are read, and then the files. Their code is never imported.
    """
    paths = {part: _installed(part) for file in model.files for part in file.parts}
    present = {part: path for part, path in paths.items() if path is not None}
    return Carrier(model, present) if present and len(present) == len(paths) else None


def given(model: KnownModel, path: Path) -> ModelPlace:
    """Return the place that a user named. Raises ConfigError where it is no folder."""
    folder = path.expanduser().absolute()
    if not folder.is_dir():
        names = ", ".join(file.name for file in model.files)
        raise ConfigError(f"{path}: no folder with the files of {model.name} ({names})")
    return ModelPlace(folder, f"given path {folder}", f"name a folder with the files of {revision_of(model)}")


def cached(model: KnownModel) -> ModelPlace:
    """Return the model's place in the project's cache, whether or not it is there."""
    folder = cache_root() / "weights" / f"{model.name}-{model.revision[:12]}"
    return ModelPlace(folder, f"cache {folder}", f"run `tts-soak models get {model.name}` to replace it")


def hub_cached(model: KnownModel) -> ModelPlace | None:
    """Return the snapshot of the pinned revision in the hub's own cache; None unless it has all files."""
    from huggingface_hub import try_to_load_from_cache

    paths = [try_to_load_from_cache(model.repository, file.name, revision=model.revision) for file in model.files]
    if not all(isinstance(path, str) for path in paths):
        return None
    return hub_place(model, Path(str(paths[0])).parent)


def hub_place(model: KnownModel, folder: Path) -> ModelPlace:
    """Return a snapshot folder of the hub's cache as a place."""
    return ModelPlace(folder, f"hub's cache {folder}", f"run `tts-soak models get {model.name}` to fetch it again")


def revision_of(model: KnownModel) -> str:
    """Return the repository and the revision of a model, as they are written."""
    return f"{model.repository}@{model.revision[:12]}"


def _installed(part: CarriedPart) -> Path | None:
    """Return where a package's own list of files has it; None where it is not installed or has no such file."""
    try:
        distribution = metadata.distribution(part.package)
    except metadata.PackageNotFoundError:
        return None
    for entry in distribution.files or ():
        if entry.as_posix() == part.path:
            return Path(str(entry.locate())).absolute()
    return None


def _reinstall(requirements: tuple[str, ...]) -> str:
    return f"install it again: pip install --force-reinstall --no-deps {' '.join(requirements)}"
