"""Twins from what a run has recorded: nothing is spoken or scored again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.audio import read_audio
from harness.core.errors import ConfigError
from harness.core.records import Arm, Attempt, Chunk, DetectorInput, Outcome, ReferenceRecord, Variant
from harness.detectors import detect_all
from harness.experiments.sensitivity.twins import Twin
from harness.store import Run
from harness.verdicts import Priors
from harness.verdicts.profile import Profile, Take, takes, text_key
from harness.verdicts.profile.build import attempts_by_text, compare_voices, reference_of
from harness.verdicts.settled import SPEAKER, settle_run
from harness.verdicts.this_run import LEAST_CHUNKS

SUFFIXES = (".flac", ".wav", ".ogg")
MOST_OTHERS = 20  # other voices that are kept in memory


def takes_of_variant(
    run: Run, variant: str, profile: Profile | None
) -> tuple[list[Take], Mapping[str, Sequence[float]]]:
    """Return every take of a variant that gave speech, in order, and the embeddings of its voice by encoder.

    Without a profile the voice is what its own takes have in common; of a run that is large enough to be its own
    reference, :func:`as_judged` knows it better.
    """
    given = [take for take in takes(run, variant) if take.attempt.outcome is Outcome.OK and take.attempt.audio]
    if profile is not None:
        return given, profile.voice_embeddings
    if sum(take.attempt.arm == Arm.SOAK for take in given) >= LEAST_CHUNKS:
        return given, {}
    return compare_voices(given)


def as_judged(clean: Sequence[Twin], priors: Priors) -> list[Twin]:
    """Return the twins with what their run as a whole leads to expect of each, as for its final verdicts.

    A copy of a twin is held against the run's other chunks, as if it had been spoken in the twin's place.
    """
    settled = settle_run([twin.view for twin in clean], [detect_all(twin.view) for twin in clean], priors)
    return [
        replace(
            twin,
            observations=view.observations,
            own=settled.own.of(view.attempt.id),
            expected=view.voice,
            voice_embeddings=settled.voice_embeddings(view.attempt.id, _encoder(view)),
        )
        for twin, view in zip(clean, settled.views, strict=True)
    ]


def _encoder(view: DetectorInput) -> str:
    return str((view.payload(SPEAKER) or {}).get("encoder"))


def references(gathered: Sequence[Take], profile: Profile | None) -> Callable[[Take], ReferenceRecord | None]:
    """Return the reference of a take: the profile's record of its text, else its other takes.

    None where there is none.
    """
    groups = attempts_by_text(gathered) if profile is None else {}

    def of(take: Take) -> ReferenceRecord | None:
        if profile is not None:
            return profile.record(take.chunk)
        group = groups[text_key(take.chunk)]
        place = next(i for i, one in enumerate(group) if one.attempt.id == take.attempt.id)
        return reference_of(group, without=place) if len(group) > 1 else None

    return of


def twins(
    run: Run,
    variant: Variant,
    chosen: Sequence[Take],
    reference: Callable[[Take], ReferenceRecord | None],
    others: Sequence[Twin] = (),
) -> list[Twin]:
    """Return a twin a take of the soak, with its own previous one where both were spoken in one epoch."""
    layouts = {(row.id, epoch.epoch): epoch.layout for row in run.sessions() for epoch in run.epochs(row.id)}
    every: list[Twin] = []
    for take in chosen:
        attempt = take.attempt
        if attempt.arm != Arm.SOAK or attempt.audio is None:
            continue
        audio = read_audio(run.path / attempt.audio)
        before = every[-1] if every and take.previous is not None and every[-1].chunk.id == take.previous.id else None
        every.append(
            Twin(
                take.chunk,
                attempt,
                audio.samples,
                audio.sample_rate,
                take.observations,
                variant,
                variant.name,
                reference(take),
                layouts.get((attempt.session, attempt.epoch)),
                replace(before, previous=None) if before is not None else None,
                others[len(every) % len(others)] if others else None,
            )
        )
    return every


def recordings(folder: Path, variant: Variant) -> list[Twin]:
    """Return recordings of other voices, at most 20, spread over the folder. Raises ConfigError where there is none."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    if not files:
        raise ConfigError(f"{folder}: no recording of another voice in it")
    every = []
    for path in files[:: max(1, len(files) // MOST_OTHERS)][:MOST_OTHERS]:
        audio = read_audio(path)
        attempt = Attempt(0, 0, 0, path.stem, "other")
        every.append(Twin(Chunk(path.stem, ""), attempt, audio.samples, audio.sample_rate, {}, variant, "other"))
    return every
