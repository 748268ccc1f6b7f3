"""``tts-soak``: a thin command line around the same engine and store that pytest uses (layer 6)."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness import __version__
from harness.errors import ConfigError, SoakError, nearest

if TYPE_CHECKING:
    from harness.types import Variant

_ROOT = Path(__file__).resolve().parents[1]
_REPORTS = click.option("--reports", type=click.Path(path_type=Path), default=_ROOT / "reports", help="where runs are")
_VARIANTS = click.option(
    "--variants", type=click.Path(path_type=Path), default=_ROOT / "variants.toml", help="variants file (TOML)"
)


class _OneLineErrors(click.Group):
    """A user's error prints as one line and ends with its exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SoakError as error:
            click.echo(f"tts-soak: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tts-soak")
def main() -> None:
    """Soak test for text-to-speech. The test itself is run with pytest: `pytest suites/stress -k NAME`."""


@main.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path("variants.toml"))
def init(path: Path) -> None:
    """Write a commented variants file to start from (default: ./variants.toml)."""
    if path.exists():
        raise ConfigError(f"{path}: already there; name another file or remove it first")
    path.write_text((Path(__file__).parent / "data" / "variants.example.toml").read_text(encoding="utf-8"))
    click.echo(f"wrote {path}; edit it, then: pytest suites/stress --variants {path} -k NAME")


@main.command()
@click.argument("name", required=False)
def faults(name: str | None) -> None:
    """List the fault classes, one a line, or explain one."""
    from harness.faults import catalogue, explain

    known = catalogue()
    if name is None:
        width = max(map(len, known))
        for fault in known.values():
            click.echo(f"{fault.name:<{width}}  {fault.title}")
        return
    if name not in known:
        raise ConfigError(f"unknown fault class {name!r}{nearest(name, known)}")
    click.echo(explain(known[name]))


@main.command()
@click.argument("spec", required=False)
def corpora(spec: str | None) -> None:
    """List the built-in corpora, or show the chunks of one (a name, a file, or generated:...)."""
    from harness.corpora import builtin_names, load_corpus

    if spec is None:
        for name in builtin_names():
            corpus = load_corpus(name)
            words = sum(len(chunk.text.split()) for chunk in corpus.chunks)
            click.echo(f"{name:<14}{len(corpus.chunks):>5} chunks {words:>7} words  sha256 {corpus.sha256[:12]}")
        return
    for chunk in load_corpus(spec).chunks:
        click.echo(f"{chunk.id}\t{chunk.language}\t{textwrap.shorten(chunk.text, 110, placeholder='...')}")


@main.command()
@_REPORTS
def runs(reports: Path) -> None:
    """List the runs with their state and the disk they take."""
    from harness.store import runs as all_runs

    found = all_runs(reports)
    for info in found:
        state = "crashed (can be resumed)" if info.crashed else (info.status or "unreadable")
        size = f"{info.disk_bytes / 1e6:.1f} MB"
        click.echo(f"{info.run_id}  {state:<24} {info.attempts or 0:>6} attempts {size:>12}  {info.problem}".rstrip())
    click.echo(f"{len(found)} runs, {sum(info.disk_bytes for info in found) / 1e6:.1f} MB in {reports}")


@main.command()
@click.option("--keep", type=click.IntRange(min=0), required=True, help="how many of the newest runs stay whole")
@click.option("--audio-only", is_flag=True, help="delete only the audio of older runs, keep their figures")
@_REPORTS
def prune(keep: int, audio_only: bool, reports: Path) -> None:
    """Delete old runs (never one that is being written)."""
    from harness.store import prune as prune_runs

    gone = prune_runs(reports, keep, audio_only=audio_only)
    for item in gone:
        click.echo(f"pruned {item}")
    click.echo(f"{len(gone)} runs pruned")


@main.command()
@click.argument("run", required=False)
@_REPORTS
def verify(run: str | None, reports: Path) -> None:
    """Check that every acknowledged attempt of a run is there once and its audio unchanged."""
    path = _run_path(run, reports)
    from harness.store import Run

    with Run.open(path) as opened:
        problems = opened.verify()
        count = len(opened.attempts())
    for problem in problems:
        click.echo(problem)
    click.echo(f"{path.name}: {count} attempts, {len(problems)} problems")
    if problems:
        sys.exit(1)


@main.command()
@click.argument("run_ids", nargs=-1)
@click.option("--single-file", is_flag=True, help="also report-single.html, which holds pictures and audio")
@click.option("--tables", is_flag=True, help="also scores.jsonl and scores.csv, one attempt a row")
@click.option("--markdown", is_flag=True, help="also summary.md and model-card.md; appends to $GITHUB_STEP_SUMMARY")
@_REPORTS
def report(run_ids: tuple[str, ...], single_file: bool, tables: bool, markdown: bool, reports: Path) -> None:
    """Write summary.json and report.html of runs again, from the store alone (default: the latest)."""
    from harness.report import write
    from harness.report.exports import model_card, write_markdown, write_tables

    for run_id in run_ids or (None,):
        path = _run_path(run_id, reports)
        summary = write(path, single_file=single_file)
        click.echo(path / "report.html")
        if single_file:
            click.echo(path / "report-single.html")
        if tables:
            for made in write_tables(path):
                click.echo(made)
        if markdown:
            (path / "model-card.md").write_text(model_card(summary), encoding="utf-8", errors="backslashreplace")
            for made in [*write_markdown(summary, path / "summary.md"), path / "model-card.md"]:
                click.echo(made)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@_REPORTS
def marks(file: Path, reports: Path) -> None:
    """Keep the marks that a report saved, and print what they say of each fault class's false alarms."""
    from harness.report import marks as of_report
    from harness.report import write
    from harness.store import Run
    from harness.types import VerdictWord

    path = _run_path(of_report.read(file)[0], reports)
    with Run.open(path) as run:
        kept = of_report.keep(file, run)
        judged = sum(verdict.word is not VerdictWord.NOT_JUDGED for verdict in run.verdicts(arm="soak").values())
        rows = of_report.figures(run, kept)
    for line in of_report.lines(rows, judged):
        click.echo(line)
    write(path)
    click.echo(f"{len(kept)} marks are kept in {path / of_report.STORED} and shown in its report")


@main.group()
def baseline() -> None:
    """Runs that later runs are compared with, kept as small files under reports/baselines/."""


@baseline.command("set")
@click.argument("run", required=False)
@click.option("--name", default="main", show_default=True, help="what the baseline is called")
@_REPORTS
def baseline_set(run: str | None, name: str, reports: Path) -> None:
    """Promote a finished run (default: the latest) to a baseline."""
    from harness.report.baseline import promote

    click.echo(promote(_run_path(run, reports), name, reports))


@main.command()
@click.argument("run", required=False)
@click.option("--baseline", "name", default=None, help="compare with this baseline too, not only with earlier runs")
@click.option(
    "--limits",
    type=click.Path(path_type=Path),
    default=None,
    help="margins (default: limits.toml beside the baselines)",
)
@_REPORTS
def compare(run: str | None, name: str | None, limits: Path | None, reports: Path) -> None:
    """Compare a run with a baseline and the runs before it; exit 1 when a gate fails or nothing was judged."""
    from harness.report.baseline import against, gates_of, lines, load

    base = load(name, reports) if name else None
    result = against(_run_path(run, reports), base, reports, gates_of(reports, limits))
    for line in lines(result):
        click.echo(line)
    if result["failed"]:
        sys.exit(1)


@main.command()
@_REPORTS
def trend(reports: Path) -> None:
    """Write index.html over all runs: each figure with its intervals, steps found and dated, links."""
    from harness.report.trend import render

    click.echo(render(reports))


@main.command()
@click.argument("variant")
@click.option("--corpus", "spec", default="book", help="what is spoken")
@click.option("--chunks", type=click.IntRange(min=1), default=None, help="only the first N chunks")
@click.option(
    "--seeds", type=click.IntRange(min=2), default=3, help="takes of every chunk, each with a seed of its own"
)
@click.option("--asr", default=None, help="recognizer, as for pytest")
@click.option("--resume", "run_id", default=None, help="go on with this interrupted recording")
@_VARIANTS
@_REPORTS
def profile(
    variant: str,
    spec: str,
    chunks: int | None,
    seeds: int,
    asr: str | None,
    run_id: str | None,
    variants: Path,
    reports: Path,
) -> None:
    """Record the reference: speak the corpus with several seeds, write its profile and the limits of its voice."""
    from harness.engine.reference import record
    from harness.terminal import Line

    resume = _run_path(run_id, reports) if run_id is not None else None
    made = record(variants, variant, spec, chunks, seeds, asr, reports, Line(sys.stderr), resume)
    for path in made:
        click.echo(path)


@main.command()
@click.argument("variant")
@click.option("--host", default="127.0.0.1", help="loopback address to listen on")
@click.option("--port", type=click.IntRange(0, 65535), default=8123, help="0: any free port")
@click.option("--workers", type=click.IntRange(min=1), default=1, help="living backends, one request at a time each")
@click.option("--queue", "waiting", type=click.IntRange(min=0), default=16, help="requests that may wait; then 429")
@click.option("--api-key-env", default=None, help="variable with the key that clients must send")
@_VARIANTS
def serve(
    variant: str, host: str, port: int, workers: int, waiting: int, api_key_env: str | None, variants: Path
) -> None:
    """Serve a variant on this machine as an OpenAI-compatible speech server (/v1/audio/speech), to try clients on."""
    from harness.serve.run import run

    run(_variant(variants, variant), host, port, workers, waiting, api_key_env, click.echo)


@main.command()
@click.argument("variant")
@click.option("--clients", "count", type=click.IntRange(min=1), default=4, help="how many ask at once")
@click.option("--requests", type=click.IntRange(min=1), default=300)
@click.option("--corpus", "spec", default="book", help="what is asked for")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="folder for the record and the summary")
@click.option("--patience", type=float, default=60.0, help="s to wait for a server that has gone")
@click.option("--resume", is_flag=True, help="go on where the record ends")
@_VARIANTS
def clients(
    variant: str, count: int, requests: int, spec: str, out: Path, patience: float, resume: bool, variants: Path
) -> None:
    """Load a speech server (a variant of adapter http) with several clients at once; every request is recorded."""
    import json

    from harness.corpora import load_corpus
    from harness.serve.clients import Load, soak

    load = Load(_variant(variants, variant), load_corpus(spec), out, count, requests, patience, resume)
    summary = soak(load)
    click.echo(json.dumps(summary, indent=2))
    if summary["lost"] or summary["answered"] < requests:
        sys.exit(1)


@main.command()
@click.argument("name", required=False)
@click.option("--set", "given", multiple=True, metavar="KEY=VALUE", help="what the preset leaves open")
def presets(name: str | None, given: tuple[str, ...]) -> None:
    """List variants for known programs, or print one to append to a variants file (docs/presets has a page each)."""
    from harness.presets import load, names

    if name is None:
        width = max(map(len, names()))
        for each in names():
            click.echo(f"{each:<{width}}  {load(each).title}")
        return
    for pair in given:
        if "=" not in pair:
            raise ConfigError(f"--set {pair}: must be KEY=VALUE")
    click.echo(load(name).filled(dict(pair.split("=", 1) for pair in given)), nl=False)


def _variant(path: Path, name: str) -> Variant:
    from harness.backends import ADAPTERS
    from harness.variants import load_variants

    known = {each.name: each for each in load_variants(path)}
    if name not in known:
        raise ConfigError(f"{path}: unknown variant {name!r}{nearest(name, known)}")
    ADAPTERS.get(known[name].adapter, f"{path}: variants.{name}.adapter").check(known[name])
    return known[name]


def _run_path(run: str | None, reports: Path) -> Path:
    from harness.store import latest
    from harness.store import runs as all_runs

    if run is None:
        return latest(reports)
    path = reports / run
    if not (path / "manifest.json").is_file():
        names = [info.run_id for info in all_runs(reports)]
        raise ConfigError(f"{reports}: no run {run!r}{nearest(run, names)}")
    return path


if __name__ == "__main__":
    main()
