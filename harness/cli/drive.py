"""Commands that speak: record a reference, serve a voice, load a server."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.common import REPORTS, VARIANTS, main, run_path, variant_named


@main.command()
@click.argument("variant")
@click.option("--corpus", "spec", default="book", help="what is spoken")
@click.option("--chunks", type=click.IntRange(min=1), default=None, help="only the first N chunks")
@click.option(
    "--seeds", type=click.IntRange(min=2), default=3, help="takes of every chunk, each with a seed of its own"
)
@click.option("--asr", default=None, help="recognizer, as for pytest")
@click.option("--resume", "run_id", default=None, help="go on with this interrupted recording")
@VARIANTS
@REPORTS
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
    from harness.corpora import head, load_corpus
    from harness.engine.reference import record_reference
    from harness.terminal import Line

    resume = run_path(run_id, reports) if run_id is not None else None
    corpus = head(load_corpus(spec), chunks)
    profile_path = record_reference(variants, variant, corpus, seeds, asr, reports, Line(sys.stderr), resume)
    for path in profile_path:
        click.echo(path)


@main.command("serve")
@click.argument("variant")
@click.option("--host", default="127.0.0.1", help="loopback address to listen on")
@click.option("--port", type=click.IntRange(0, 65535), default=8123, help="0: any free port")
@click.option("--workers", type=click.IntRange(min=1), default=1, help="living backends, one request at a time each")
@click.option("--queue", "waiting", type=click.IntRange(min=0), default=16, help="requests that may wait; then 429")
@click.option("--api-key-env", default=None, help="variable with the key that clients must send")
@VARIANTS
def serve_command(
    variant: str, host: str, port: int, workers: int, waiting: int, api_key_env: str | None, variants: Path
) -> None:
    """Serve a variant on this machine as an OpenAI-compatible speech server (/v1/audio/speech), to try clients on."""
    from harness.engine.serve.run import serve_until_stopped

    serve_until_stopped(variant_named(variants, variant), host, port, workers, waiting, api_key_env, click.echo)


@main.command()
@click.argument("variant")
@click.option("--clients", "count", type=click.IntRange(min=1), default=4, help="how many ask at once")
@click.option("--requests", type=click.IntRange(min=1), default=300)
@click.option("--corpus", "spec", default="book", help="what is asked for")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="folder for the record and the summary")
@click.option("--patience", type=float, default=60.0, help="s to wait for a server that has gone")
@click.option("--resume", is_flag=True, help="go on where the record ends")
@VARIANTS
def clients(
    variant: str, count: int, requests: int, spec: str, out: Path, patience: float, resume: bool, variants: Path
) -> None:
    """Load a speech server (a variant of adapter http) with several clients at once; every request is recorded."""
    import json

    from harness.corpora import load_corpus
    from harness.engine.serve.clients import Load, run_load

    load = Load(variant_named(variants, variant), load_corpus(spec), out, count, requests, patience, resume)
    summary = run_load(load)
    click.echo(json.dumps(summary, indent=2))
    if summary["lost"] or summary["answered"] < requests:
        sys.exit(1)
