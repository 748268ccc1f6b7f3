"""``tts-soak sensitivity``: what would have been noticed on a voice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click
from click.core import ParameterSource

from harness.cli.common import REPORTS, VARIANTS, main, run_path, variant_named
from harness.core.errors import ConfigError
from harness.core.printable import printable
from harness.core.suites import SCORERS

if TYPE_CHECKING:
    from harness.core.records import Variant
    from harness.engine.plan import Plan


FULL_COPIES = {"clips": 80, "clips_heard": 80, "clips_doses": 20}
QUICK_COPIES = {"clips": 20, "clips_heard": 20, "clips_doses": 0}
DECIDED = {
    "spec": "--corpus",
    "chunks": "--chunks",
    "takes": "--takes",
    "asr": "--asr",
    "asr_device": "--asr-device",
}


class MeasureOptions(TypedDict):
    """The options of ``sensitivity``."""

    spec: str
    chunks: int
    takes: int
    clips: int | None
    clips_heard: int | None
    clips_doses: int | None
    minutes: float
    classes: str
    other: Path | None
    run_id: str | None
    calibrate: bool
    budget: float
    scorers: str
    asr: str | None
    asr_device: str
    seed: int


@main.command()
@click.argument("variant")
@click.option("--corpus", "spec", default="book", help="what is spoken")
@click.option("--chunks", type=click.IntRange(min=1), default=120, show_default=True, help="only the first N chunks")
@click.option(
    "--takes", type=click.IntRange(min=1), default=3, show_default=True, help="of every text, with other seeds"
)
@click.option(
    "--clips", type=click.IntRange(min=1), default=None, help="copies at the preset dose  [default: 80; of a RUN 20]"
)
@click.option(
    "--clips-heard", type=click.IntRange(min=0), default=None, help="where words are needed  [default: 80; of a RUN 20]"
)
@click.option(
    "--clips-doses", type=click.IntRange(min=0), default=None, help="copies at other doses  [default: 20; of a RUN 0]"
)
@click.option("--minutes", type=float, default=0, help="stop injecting after so much; 0: no limit")
@click.option("--classes", default="", metavar="A,B", help="only these classes")
@click.option("--other", type=click.Path(path_type=Path), default=None, help="folder with recordings of other voices")
@click.option("--from", "run_id", default=None, metavar="RUN", help="speak nothing: take what this run has spoken")
@click.option("--calibrate", is_flag=True, help="fit the limits of this voice on half of the texts, and write them")
@click.option("--budget", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.004, show_default=True)
@click.option(
    "--scorers", default=",".join(SCORERS), metavar="A,B", help="only these scorers, and classes that rest on them"
)
@click.option("--asr", default=None, help="recognizer, as for pytest")
@click.option("--asr-device", default="cpu", show_default=True, help="cpu, cuda or cuda:1")
@click.option("--seed", type=int, default=0, show_default=True)
@VARIANTS
@REPORTS
def sensitivity(variant: str, variants: Path, reports: Path, **asked: Unpack[MeasureOptions]) -> None:
    """Measure what would have been noticed on this voice: recall by class and dose, false alarms, exact intervals.

    Clean texts are spoken and scored once; copies with one fault each go through the scorers that its class rests on.
    Prints the tables and the run directory, which holds them as results.md and results.json.
    """
    from harness.experiments.sensitivity.run import from_run, run_sensitivity
    from harness.terminal import Line

    voice = variant_named(variants, variant)
    plan = _plan(voice, reports, asked)
    if asked["run_id"] is not None:
        run = run_path(asked["run_id"], reports)
        _check_decided(asked["run_id"])
        only = tuple(plan.scorers) if _is_given("scorers") else None
        table_path = from_run(run, voice, plan.experiment["sensitivity"], Line(sys.stderr), only)
        click.echo(printable(table_path.read_text(encoding="utf-8")))
        click.echo(table_path)
        return
    path = run_sensitivity(plan, Line(sys.stderr), None)
    click.echo(printable((path / "results.md").read_text(encoding="utf-8")))
    click.echo(path)


def _is_given(parameter: str) -> bool:
    return click.get_current_context().get_parameter_source(parameter) is ParameterSource.COMMANDLINE


def _check_decided(run_id: str) -> None:
    """Raise ConfigError for an option that was decided when the run was made, and would change nothing."""
    for parameter, option in DECIDED.items():
        if _is_given(parameter):
            raise ConfigError(f"{option}: run {run_id} decides it, which --from takes as it is; leave {option} out")


def _copies(asked: MeasureOptions) -> dict[str, int]:
    """Return how many copies are made: a run that somebody has is asked quickly, a suite thoroughly."""
    usual = FULL_COPIES if asked["run_id"] is None else QUICK_COPIES
    given = {"clips": asked["clips"], "clips_heard": asked["clips_heard"], "clips_doses": asked["clips_doses"]}
    return {name: usual[name] if count is None else count for name, count in given.items()}


def _plan(voice: Variant, reports: Path, asked: MeasureOptions) -> Plan:
    from harness.corpora import head, load_corpus
    from harness.engine.plan import Plan, scorers_for

    corpus = head(load_corpus(asked["spec"]), asked["chunks"])
    names = (name for name in asked["scorers"].split(",") if name)
    table: dict[str, object] = {
        "takes": asked["takes"],
        **_copies(asked),
        "minutes": asked["minutes"],
        "calibrate": asked["calibrate"],
        "budget": asked["budget"],
        "seed": asked["seed"],
        "classes": [name for name in asked["classes"].split(",") if name],
        "other": str(asked["other"] or ""),
    }
    return Plan(
        suite="sensitivity",
        corpus=corpus,
        variants=(voice,),
        selection={voice.name: tuple(chunk.id for chunk in corpus.chunks)},
        reports=reports,
        scorers=scorers_for([voice], names, asked["asr"], asked["asr_device"]),
        reference=voice if voice.reference else None,
        experiment={"sensitivity": table},
        quiet_chunks=0,
        arguments=tuple(sys.argv[1:]),
    )
