"""``tts-soak bisect``: which part of a variant makes it fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from harness.cli.common import REPORTS, UNFINISHED, VARIANTS, main, variant_named
from harness.core.printable import printable

if TYPE_CHECKING:
    from harness.core.records import Variant
    from harness.engine.plan import Plan


class BisectOptions(TypedDict):
    """The options of ``bisect``."""

    spec: str
    generations: int
    search: int
    verify: int
    share: float
    margin: float
    minutes: float
    resume: bool
    asr: str | None
    asr_device: str


@main.command()
@click.argument("variant")
@click.option("--against", "reference", required=True, metavar="REFERENCE", help="the variant whose speech is right")
@click.option("--corpus", "spec", default="book", show_default=True, help="what is spoken")
@click.option(
    "--generations",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="texts of the reference that are fed to every hybrid",
)
@click.option(
    "--chunks",
    "search",
    type=click.IntRange(min=0),
    default=40,
    show_default=True,
    help="texts that are listened to in the search; 0: by the arithmetic alone",
)
@click.option(
    "--verify",
    type=click.IntRange(min=0),
    default=60,
    show_default=True,
    help="further texts on which the set is verified; a larger set after one that is refused has as many of its own",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.1,
    show_default=True,
    help="of the divergence, or of the square distance of ONNX models, that may stay",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1),
    default=0.02,
    show_default=True,
    help="of the fault rate, beyond the reference's",
)
@click.option("--minutes", type=click.FloatRange(min=0), default=0, help="stop after so much; 0: no limit")
@click.option("--resume", is_flag=True, help="go on with the last bisect of these two; nothing is measured twice")
@click.option("--asr", default=None, help="recognizer, as for pytest")
@click.option("--asr-device", default="cpu", show_default=True, help="cpu, cuda or cuda:1")
@VARIANTS
@REPORTS
def bisect(variant: str, reference: str, variants: Path, reports: Path, **asked: Unpack[BisectOptions]) -> None:
    """Name the smallest part of VARIANT that must be the reference's to restore the speech: tensors, nodes or settings.

    Where both are GGUF models of the adapter llama_codec, hybrids are ranked by the divergence of their next speech
    token from the reference's; where both are ONNX models, by the log-mel distance of what the engine speaks with
    them. Then they are listened to. Where the models are the same, the settings that differ are tried one at a time,
    then in pairs.

    Exit codes: 0 named, 1 no set restores it or the set is not confirmed on other texts, 2 unfinished (go on with
    --resume), 4 wrong use, 6 nothing to find.
    """
    from harness.causes.bisect.run import last_bisect, run_bisect
    from harness.store import Run
    from harness.terminal import Line

    broken, right = (variant_named(variants, name) for name in (variant, reference))
    plan = _plan(broken, right, reports, asked)
    resume = last_bisect(plan.reports, broken.name, right.name) if asked["resume"] else None
    try:
        path = run_bisect(plan, Line(sys.stderr), resume, asked["minutes"])
    except KeyboardInterrupt:
        click.echo("interrupted; everything that was measured is kept: go on with --resume", err=True)
        sys.exit(UNFINISHED)
    click.echo(printable((path / "results.md").read_text(encoding="utf-8")), nl=False)
    click.echo(f"in {path}")
    with Run.open(path) as run:
        claims = run.claims()
    sys.exit(_exit_code(str(claims[0].details["word"]), all(claim.passed is not False for claim in claims)))


def _plan(broken: Variant, right: Variant, reports: Path, asked: BisectOptions) -> Plan:
    from harness.causes.bisect.run import ROUNDS
    from harness.causes.runs import FOLDER
    from harness.core.suites import SCORERS
    from harness.corpora import head, load_corpus
    from harness.engine.plan import Plan, scorers_for

    listens = asked["search"] > 0
    most = max(asked["search"], asked["generations"]) + (ROUNDS * asked["verify"] if listens else 0)
    corpus = head(load_corpus(asked["spec"]), most)
    voices = (right,) if broken.name == right.name else (right, broken)
    ids = tuple(chunk.id for chunk in corpus.chunks)
    return Plan(
        suite="bisect",
        corpus=corpus,
        variants=voices,
        selection={voice.name: ids for voice in voices},
        reports=reports / FOLDER,
        scorers=scorers_for(voices, SCORERS if listens else (), asked["asr"], asked["asr_device"]),
        reference=right,
        experiment={
            "bisect": {
                "generations": asked["generations"],
                "search": asked["search"],
                "verify": asked["verify"],
                "share": asked["share"],
                "margin": asked["margin"],
            }
        },
        quiet_chunks=0,
        arguments=tuple(sys.argv[1:]),
    )


def _exit_code(word: str, confirmed: bool) -> int:
    from harness.causes.bisect.verdict import BisectWord
    from harness.causes.target import NothingToFind

    codes = {BisectWord.UNFINISHED: UNFINISHED, BisectWord.NOTHING: NothingToFind.exit_code, BisectWord.NO_SET: 1}
    return codes.get(BisectWord(word), 0 if confirmed else 1)
