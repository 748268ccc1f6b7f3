"""``python -m tools.sensitivity PART``: see the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.experiments.sensitivity import Trials
from harness.scorers import chosen
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.priors import PRIORS
from tools.sensitivity import abroad as of_abroad
from tools.sensitivity import first_run as of_first_runs
from tools.sensitivity import healthy as of_healthy
from tools.sensitivity import held_out as of_held_out
from tools.sensitivity import measured as of_measured
from tools.sensitivity import numbers as of_numbers
from tools.sensitivity import own as of_own
from tools.sensitivity import priors as of_priors
from tools.sensitivity import process as of_process
from tools.sensitivity import words as of_words
from tools.sensitivity.remake import FIRST_RUNS, PARTS, remake
from tools.sensitivity.table import Parts, write
from tools.sensitivity.voices import REPORTED, REPORTING, VOICES

OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="figures (JSON)")
EXISTING = click.Path(path_type=Path, exists=True)
DATA = Path("harness/data/sensitivity.json")
SEED = click.option("--seed", type=int, default=0, show_default=True)


@click.group()
def main() -> None:
    """Measure the fault catalogue and write docs/sensitivity.md."""


def _save(out: Path, found: dict[str, Any]) -> None:
    out.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    click.echo(out)


@main.command()
@click.option("--texts", type=int, default=50, show_default=True, help="clips a synthetic voice; 0: recordings only")
@click.option("--heard", type=int, default=0, show_default=True, help="of them also by both recognizers")
@click.option(
    "--recordings", type=click.Path(path_type=Path, exists=True), multiple=True, help="folder with recordings"
)
@click.option("--processes", type=int, default=1, show_default=True, help="voices at once")
@SEED
@OUT
def healthy(texts: int, heard: int, recordings: tuple[Path, ...], processes: int, seed: int, out: Path) -> None:
    """Count false alarms on Flite and eSpeak NG voices and on recordings, with the catalogue's default limits."""
    _save(out, of_healthy.run(texts, heard, recordings, seed, processes))


@main.command("measure-voices")
@click.option("--work", type=click.Path(path_type=Path), required=True, help="folder that keeps each voice as measured")
@click.option("--voices", type=click.Choice(["deciding", "reporting", "none"]), default="none", show_default=True)
@click.option("--only", default="", metavar="NAME,...", help="of these voices that programs speak")
@click.option("--texts", type=int, default=60, show_default=True, help="clips a voice that a program speaks")
@click.option("--corpus", default="book", show_default=True, help="their texts, but for ten short ones")
@click.option("--clips", "engines", type=EXISTING, multiple=True, help="folder of an engine: ID.wav and metadata.csv")
@click.option("--language", default="", metavar="NAME=LANG,...", help="languages of folders that do not speak English")
@click.option("--recordings", type=EXISTING, multiple=True, help="folder of a person, or with a folder a person")
@click.option("--scorers", default="signal,pitch,speaker", show_default=True)
def measure_voices(
    work: Path,
    voices: str,
    only: str,
    texts: int,
    corpus: str,
    engines: tuple[Path, ...],
    language: str,
    recordings: tuple[Path, ...],
    scorers: str,
) -> None:
    """Speak and score healthy voices once; `priors` and `held-out` read what is kept."""
    work.mkdir(parents=True, exist_ok=True)
    spoken_in = dict(pair.split("=") for pair in language.split(",") if pair)
    sources = of_measured.from_folders({path: spoken_in.get(path.name, "en") for path in engines})
    for path in recordings:
        sources |= of_measured.from_people(path)
    programs = {"deciding": (*VOICES, *REPORTED), "reporting": REPORTING, "none": ()}[voices]
    chosen_voices = [voice for voice in programs if not only or voice.name in only.split(",")]
    sources |= of_measured.from_programs(chosen_voices, texts, corpus)
    names = frozenset(scorers.split(","))
    trials = Trials(VerdictPolicy(Limits.default(Priors())), {name: {} for name in names})
    for name in of_measured.measure_into(work, sources, trials, names):
        click.echo(name)


@main.command()
@click.option("--work", type=EXISTING, required=True, help="folder of `measure-voices`: the deciding ones")
@click.option("--without", default="", metavar="A,B", help="leave out voices whose names begin so")
@click.option("--out", type=click.Path(path_type=Path), default=PRIORS, show_default=True)
def priors(work: Path, without: str, out: Path) -> None:
    """Fit the priors that every first run is held against."""
    fitted = of_priors.fit(of_measured.voices_in(work), [name for name in without.split(",") if name])
    out.write_text(json.dumps(fitted.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    click.echo(f"{out}: {len(fitted.detectors)} detectors, {len(fitted.voices)} voices")


@main.command("first-runs")
@click.option("--work", type=click.Path(path_type=Path), required=True, help="folder that keeps clips and figures")
@click.option("--only", default="", metavar="NAME,...", help="measure only these voices")
@click.option("--parts", default=",".join(PARTS), show_default=True, help="measure only these parts")
@click.option("--measure/--no-measure", "measuring", default=True, show_default=True, help="measure what is missing")
@click.option("--docs", type=click.Path(path_type=Path), default=Path("docs/sensitivity.md"), show_default=True)
def first_runs(work: Path, only: str, parts: str, measuring: bool, docs: Path) -> None:
    """Measure what is missing of the first runs of real engines, and write their part of docs/sensitivity.md."""
    runs = [run for run in FIRST_RUNS if not only or run.name in only.split(",")]
    for line in remake(work, runs, parts.split(",")) if measuring else ():
        click.echo(line)
    of_first_runs.place(docs, work)
    click.echo(docs)


@main.command("held-out")
@click.option("--work", type=EXISTING, required=True, help="folder of `measure-voices`: the deciding ones")
@click.option("--reporting", type=EXISTING, default=None, help="folder of voices that nothing was decided on")
@OUT
def held_out(work: Path, reporting: Path | None, out: Path) -> None:
    """Count the false alarms of every voice as a first run of its own, by priors fitted without any voice of its
    engine.
    """
    _save(out, of_held_out.run(work, reporting))


@main.command()
@click.option("--clips", "folder", type=EXISTING, required=True, help="folder of an engine: ID.wav and metadata.csv")
@click.option("--language", default="en", show_default=True)
@click.option("--priors", "known", type=EXISTING, default=None, help="priors fitted without this engine")
@click.option("--copies", type=int, default=80, show_default=True, help="of each class; 0: only alarms")
@click.option("--chunks", type=int, default=100, show_default=True, help="of the run")
@click.option("--classes", default="", metavar="A,B", help="only these classes")
@click.option("--scorers", default="signal,pitch,speaker", show_default=True, metavar="A,B")
@click.option("--asr", default=None, help="recognizer, where intelligibility is among the scorers")
@click.option("--other", type=EXISTING, default=None, help="folder with recordings of other voices")
@click.option("--shares", is_flag=True, help="also by share of faulty chunks")
@click.option("--keep", is_flag=True, help="what --out holds of other classes stays")
@SEED
@OUT
def own(folder: Path, out: Path, **asked: Any) -> None:
    """Measure what a first run of an engine finds without a reference: alarms, recall, and the shares it withstands."""
    shipped = Priors.load(asked["known"]) if asked["known"] is not None else Priors.shipped()
    scorers = chosen(asked["scorers"].split(","), asked["asr"])
    classes = [name for name in asked["classes"].split(",") if name]
    job = of_own.Asked(
        folder,
        asked["language"],
        shipped,
        scorers,
        asked["copies"],
        asked["chunks"],
        classes,
        asked["other"],
        asked["shares"],
        asked["seed"],
        json.loads(out.read_text(encoding="utf-8")) if asked["keep"] and out.is_file() else None,
    )
    of_own.measure(job, of_own.save_to(out))
    click.echo(out)


@main.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="folder for the recordings")
def abroad(out: Path) -> None:
    """Speech in five other languages, for `tts-soak sensitivity --classes language-switch --other FOLDER`."""
    click.echo(f"{len(of_abroad.speak(out))} recordings in {out}")


@main.command()
@click.option("--texts", type=int, default=60, show_default=True)
@SEED
@OUT
def words(texts: int, seed: int, out: Path) -> None:
    """Measure times of words by Whisper's alignment against the phone ends that Flite itself tells."""
    _save(out, of_words.run(texts, seed))


@main.command()
@click.option("--count", type=int, default=73, show_default=True, help="requests struck a class")
@click.option("--deadly", type=int, default=20, show_default=True, help="the same of classes that kill the worker")
@SEED
@OUT
def process(count: int, deadly: int, seed: int, out: Path) -> None:
    """Faults of the living process in a real worker around the null backend."""
    _save(out, of_process.run(count, deadly, seed))


@main.command()
@click.option("--texts", type=int, default=80, show_default=True, help="texts with one number each")
@SEED
@OUT
def numbers(texts: int, seed: int, out: Path) -> None:
    """Numbers read as other numbers, heard by the default recognizer."""
    _save(out, of_numbers.run(texts, seed))


@main.command()
@click.option(
    "--run", "runs", type=click.Path(path_type=Path, exists=True), multiple=True, help="results.json of a run"
)
@click.option("--healthy", "health", type=EXISTING, default=None)
@click.option("--words", "aligned", type=EXISTING, default=None)
@click.option("--process", "living", type=EXISTING, default=None)
@click.option("--numbers", "misread", type=EXISTING, default=None)
@click.option(
    "--first-run", "alone", type=EXISTING, default=None, help="figures of `own` that `tts-soak faults` quotes"
)
@click.option("--docs", type=click.Path(path_type=Path), default=Path("docs/sensitivity.md"), show_default=True)
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("harness/data/sensitivity.json"), show_default=True
)
def table(
    runs: tuple[Path, ...],
    health: Path | None,
    aligned: Path | None,
    living: Path | None,
    misread: Path | None,
    alone: Path | None,
    docs: Path,
    data: Path,
) -> None:
    """Write docs/sensitivity.md, and the figures that `tts-soak faults NAME` quotes."""
    for path in write(runs, Parts(health, aligned, living, misread, alone), docs, data):
        click.echo(path)


if __name__ == "__main__":
    main()
