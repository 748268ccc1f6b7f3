"""Fit a voice's profile and limits anew after scorers have changed, on the stored audio of the run they were fitted on.

Run as ``python -m tools.refit RUN VARIANT --scorers pitch,edit_likelihood --work FILE``. Nothing is spoken again; what
the named scorers see in each take replaces what the run's journal holds. ``--work`` keeps it as it comes, so that a
stopped run goes on. Stored transcripts are normalised by today's rules and not heard again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from harness.core.records import Measurement, Variant
from harness.core.variants import load_variants
from harness.scorers import SCORERS, observe
from harness.scorers.clip import SharedClip
from harness.scorers.intelligibility import transcript_payload
from harness.scorers.transcript import Transcript
from harness.store import Run
from harness.store.convert import observation_of, observation_row
from harness.text import normaliser
from harness.text.alignment import TimedWord
from harness.verdicts.calibration import calibrate
from harness.verdicts.profile import takes
from tools.rows import append_row, read_rows


class Rescored:
    """A run whose journal is read as if today's scorers had seen its audio."""

    def __init__(self, run: Run, anew: dict[tuple[int, str], Measurement]) -> None:
        self._run, self._anew = run, anew

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def all_observations(self, *given: Any, **named: Any) -> Iterator[tuple[int, Measurement]]:
        """Yield attempt and measurement, the new one where there is one."""
        for attempt, measurement in self._run.all_observations(*given, **named):
            yield attempt, self._anew.get((attempt, measurement.scorer), measurement)


def read_work(path: Path) -> dict[tuple[int, str], Measurement]:
    """Return what was scored before, by attempt and scorer."""
    return {(row["attempt_id"], row["scorer"]): observation_of(row) for row in read_rows(path)}


def normalised_anew(measurement: Measurement, text: str) -> Measurement:
    """Return the measurement of a transcript as today's normaliser of the same name makes it of ``text``."""
    payload = measurement.payload
    words = tuple(TimedWord(w["word"], w["start"], w["end"], w["probability"]) for w in payload["words"])
    heard = Transcript(payload["text"], words, payload["engine"], payload["model"])
    chosen = normaliser(payload["normaliser"].partition("/")[0])
    anew = transcript_payload(heard, text, payload["language"], chosen)
    same = {key: payload[key] for key in ("avg_logprob", "no_speech_prob")}
    return replace(measurement, payload={**payload, **anew, **same})


def transcripts(run: Run, variant: Variant) -> dict[tuple[int, str], Measurement]:
    """Return every stored measurement of a transcript, normalised anew, by attempt and scorer."""
    anew: dict[tuple[int, str], Measurement] = {}
    for take in takes(run, variant.name):
        for name, measurement in take.observations.items():
            if take.attempt.id is not None and "normaliser" in measurement.payload:
                anew[take.attempt.id, name] = normalised_anew(measurement, take.chunk.expected_text)
    return anew


def score_anew(run: Run, variant: Variant, names: list[str], path: Path) -> None:
    """Score every take that ``path`` lacks, and append each measurement to it."""
    scorers = {name: cast("Any", SCORERS.get(name))() for name in names}
    for scorer in scorers.values():
        scorer.setup()
    done = read_work(path)
    for count, take in enumerate(takes(run, variant.name), 1):
        assert take.attempt.id is not None
        missing = [name for name in names if (take.attempt.id, name) not in done]
        if not missing or take.attempt.audio is None:
            continue
        samples, rate = run.read_audio(take.attempt)
        clip = SharedClip(take.chunk, take.attempt, samples, rate, variant, None)
        for name in missing:
            append_row(path, observation_row(take.attempt.id, observe(scorers[name], clip)))
        print(f"\r{count} takes", end="", flush=True)
    print()


def main() -> None:
    """Score, fit, and write the variant's calibration and profile."""
    parser = argparse.ArgumentParser(prog="python -m tools.refit", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("variant")
    parser.add_argument("--variants", type=Path, default=Path("variants.toml"))
    parser.add_argument("--scorers", required=True, metavar="A,B")
    parser.add_argument("--work", type=Path, required=True, help="where new measurements are kept")
    options = parser.parse_args()
    (variant,) = [one for one in load_variants(options.variants) if one.name == options.variant]
    if variant.calibration is None or variant.profile is None:
        parser.error(f"{options.variant} names no calibration and profile to write")
    run = Run.open(options.run)
    score_anew(run, variant, [name for name in options.scorers.split(",") if name], options.work)
    limits, profile = calibrate(Rescored(run, transcripts(run, variant) | read_work(options.work)), variant)
    print(json.dumps({"profile": profile.totals, "held_out": limits.fitted["held_out"]}, indent=1))
    limits.save(variant.calibration)
    profile.save(variant.profile)


if __name__ == "__main__":
    main()
