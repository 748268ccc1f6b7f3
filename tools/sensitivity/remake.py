"""First runs of real engines, from their speech to figures, going on where it stopped.

In the work folder: ``clips/NAME`` (``ID.wav`` and ``metadata.csv``; spoken where they are missing), ``deciding`` and
``reporting`` (of ``measure-voices``), ``other`` (recordings of other voices), and ``figures``, one file a part.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import soundfile

from harness.core.records import Arm, Json, Outcome
from harness.detectors import catalogue
from harness.detectors.base import Family, InjectionPoint
from harness.experiments.sensitivity import Trials
from harness.scorers import chosen
from harness.store import Run, latest
from harness.verdicts import Limits, Priors, VerdictPolicy
from tools.engines import bench
from tools.sensitivity import abroad, held_out
from tools.sensitivity.clips import LIST, listed
from tools.sensitivity.measured import voices_in
from tools.sensitivity.own import Asked, measure, save_to
from tools.sensitivity.priors import fit

CHUNKS = 100
SOUND, WORDS = "sound", "words"
PARTS = {SOUND: ("signal", "pitch", "speaker"), WORDS: ("intelligibility", "edit_likelihood", "signal")}


@dataclass(frozen=True)
class FirstRun:
    """A voice whose first run is measured. ``engine``: of ``tools.engines``, None for eSpeak NG in ``language``."""

    name: str
    engine: str | None
    copies: int
    language: str = "en"
    shares: bool = True

    @property
    def family(self) -> str:
        """Return how the voices of its engine begin, which the priors that judge it are fitted without."""
        return self.name.partition("-")[0]


FIRST_RUNS = (
    FirstRun("piper-joe", "piper", 80),
    FirstRun("hibari", "hibari", 80),
    FirstRun("f16", "duo-f16", 24),
    FirstRun("flite-slt", "flite-slt", 24),
    FirstRun("kokoro-alpha", "kokoro", 24, "ja"),
    *(FirstRun(f"espeak-{tag[:2]}", None, 12, tag, shares=False) for tag in ("de", "fr", "ru", "zh-CN")),
)


def figures_of(work: Path, name: str) -> list[Path]:
    """Return the parts of a voice that are measured, the sound first."""
    return [path for part in PARTS if (path := _figures(work, name, part)).is_file()]


def _figures(work: Path, name: str, part: str) -> Path:
    return work / "figures" / f"{name}.{part}.json"


def held_out_of(work: Path) -> Path:
    """Return where the false alarms on healthy voices are."""
    return work / "figures" / "held-out.json"


def remake(work: Path, runs: Sequence[FirstRun], parts: Sequence[str] = tuple(PARTS)) -> Iterator[str]:
    """Speak and measure what ``work`` lacks, and count the false alarms on healthy voices; yield what was done.

    A part whose clips, scorers, priors and counts are those of before is not measured again, nor is a class of it.
    Engines that are not on this machine, and have no clips, are left out with their reason.
    """
    (work / "figures").mkdir(parents=True, exist_ok=True)
    for run in runs:
        try:
            folder = _clips(work, run)
        except bench.Missing as missing:
            yield f"{run.name}: left out: {missing}"
            continue
        for part in parts:
            if _measure(work, run, folder, part):
                yield f"{run.name}: {part}"
    if (work / "deciding").is_dir():
        reporting = work / "reporting"
        counted = held_out.run(work / "deciding", reporting if reporting.is_dir() else None)
        held_out_of(work).write_text(json.dumps(counted, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        yield "false alarms"


# --------------------------------------------------------------------------------------------------------- speaking
def _clips(work: Path, run: FirstRun) -> Path:
    """Return the folder of the voice's clips, spoken where it lacks them. Raises tools.engines.bench.Missing."""
    folder = work / "clips" / run.name
    if (folder / LIST).is_file():
        return folder
    if run.engine is None:
        abroad.write_clips(abroad.foreign_voice(run.language), abroad.texts_in(run.language), folder)
    else:
        _speak(next(engine for engine in bench.ENGINES if engine.name == run.engine), run, folder, work)
    return folder


def _speak(engine: bench.Engine, run: FirstRun, folder: Path, work: Path) -> None:
    """Soak the engine as a user would, without scoring, and keep what it spoke."""
    given = work / "spoken" / run.name
    given.mkdir(parents=True, exist_ok=True)
    (given / "variants.toml").write_text(engine.variants(), encoding="utf-8")
    corpus = "book"
    if run.language != "en":
        corpus = str(given / "texts.jsonl")
        Path(corpus).write_text(bench.as_corpus(abroad.texts_in(run.language)), encoding="utf-8")
    bench.run_suite("stress", given, "--corpus", corpus, "--chunks", str(CHUNKS), "--scorers", "none")
    folder.mkdir(parents=True, exist_ok=True)
    with Run.open(latest(given / "stress")) as spoken:
        texts = {chunk.id: chunk.text for chunk in spoken.chunks}
        lines = []
        for attempt in spoken.attempts():
            if attempt.arm == Arm.SOAK and attempt.outcome is Outcome.OK and attempt.audio:
                samples, rate = spoken.read_audio(attempt)
                soundfile.write(folder / f"{attempt.chunk_id}.wav", samples, rate, subtype="FLOAT")
                lines.append(f"{attempt.chunk_id}|{texts[attempt.chunk_id]}\n")
    (folder / LIST).write_text("".join(lines), encoding="utf-8")


# -------------------------------------------------------------------------------------------------------- measuring
def _measure(work: Path, run: FirstRun, folder: Path, part: str) -> bool:
    """Measure the classes of a part that its figures lack; return whether there were any."""
    path = _figures(work, run.name, part)
    scorers = chosen(list(PARTS[part]), None)
    priors = _priors_without(work / "deciding", run.family)
    trials = Trials(VerdictPolicy(Limits.default(priors)), scorers)
    key = _key(run, folder, priors, {name: trials.version_of(name) for name in scorers})
    before: Json = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if before.get("key") != key:
        before = {}
    measured = {row["fault"] for row in before.get("rows", [])}
    missing = [name for name in _classes(part) if name not in measured]
    if missing:
        save = save_to(path)
        asked = Asked(
            folder,
            run.language,
            priors,
            scorers,
            run.copies,
            CHUNKS,
            missing,
            _others(work, part),
            run.shares and part == SOUND,
            before=before,
        )
        measure(asked, lambda figures: save({**figures, "key": key}))
    return bool(missing)


def _classes(part: str) -> list[str]:
    """Return the classes whose copies are made of a clip's samples or words and seen by the scorers of ``part``."""
    points = (InjectionPoint.AUDIO, InjectionPoint.WORDS)
    return [
        name
        for name, fault in catalogue().items()
        if fault.observes
        and set(fault.observes) <= set(PARTS[part])
        and (fault.family is Family.TRANSCRIPT) == (part == WORDS)
        and not fault.judged_by
        and any(injector.stage in points for injector in fault.injectors)
    ]


def _others(work: Path, part: str) -> Path | None:
    """Return recordings of other voices, for the sound, or of other languages, for the words."""
    if part == SOUND:
        return work / "other" if (work / "other").is_dir() else None
    folder = work / "foreign"
    if not folder.is_dir() and shutil.which("espeak-ng"):
        abroad.speak(folder)
    return folder if folder.is_dir() else None


@cache
def _priors_without(deciding: Path, family: str) -> Priors:
    return fit(voices_in(deciding), [family]) if deciding.is_dir() else Priors.shipped()


def _key(run: FirstRun, folder: Path, priors: Priors, versions: Mapping[str, str]) -> str:
    """Return what the figures of a part depend on, but for the code of detectors and injectors."""
    names = [name for name, _ in listed(folder)]
    rests_on = [run.copies, CHUNKS, names, dict(sorted(versions.items())), priors.to_json()]
    return hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()[:16]
