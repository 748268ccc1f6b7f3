"""The command line: ``python -m tools.recognizer all [--quick] [--device cpu|cuda]``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
VOICES = ROOT / "voices"
PATH = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    hours: float
    minutes: float
    clips: int
    width: int
    seconds_a_step: int
    compiled: bool


FULL = Size(hours=30, minutes=240, clips=60, width=192, seconds_a_step=128, compiled=True)
GPU_BATCH = 8  # times as much audio in a step on a GPU
QUICK = Size(hours=0.05, minutes=0.5, clips=3, width=64, seconds_a_step=32, compiled=False)


@click.group()
@click.option("--work", type=PATH, default=ROOT / "work-recognizer", help="Folder of made data.")
@click.option("--codec", type=PATH, default=VOICES / "duo" / "codec.npz", help="The voice's frozen codec.")
@click.option("--out", type=PATH, default=VOICES / "recognizer.pt", help="The checkpoint.")
@click.pass_context
def main(context: click.Context, work: Path, codec: Path, out: Path) -> None:
    """Make the offline recognizer: speech, training, export, evaluation."""
    context.obj = (work, codec, out)


@main.command()
@click.option("--quick", is_flag=True, help="A few minutes end to end, for CI; the result recognizes nothing.")
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.pass_context
def all(context: click.Context, quick: bool, device: str) -> None:
    """Speech, training, export and evaluation, one after the other."""
    size = QUICK if quick else FULL
    context.invoke(speech, hours=size.hours, part=1)
    context.invoke(train, minutes=size.minutes, device=device, quick=quick)
    context.invoke(evaluate, clips=size.clips, compared=not quick)


@main.command()
@click.option("--hours", type=float, default=FULL.hours)
@click.option("--part", type=int, default=1, help="Seed and name; processes side by side take different ones.")
@click.pass_obj
def speech(paths: tuple[Path, Path, Path], hours: float, part: int) -> None:
    """Make speech with labels. Can run beside the training, which takes up new files as they appear."""
    from tools.recognizer import texts
    from tools.recognizer.speech import record

    work, codec, _ = paths
    record(
        iter(texts.training_lines(hours * 1.5, part)),
        work / "bank",
        codec,
        hours=hours,
        part=part,
        hours_a_file=min(1, hours),
    )


@main.command()
@click.option("--minutes", type=float, default=FULL.minutes)
@click.option("--device", type=click.Choice(["cpu", "cuda"]), default="cpu")
@click.option("--quick", is_flag=True)
@click.pass_obj
def train(paths: tuple[Path, Path, Path], minutes: float, device: str, quick: bool) -> None:
    """Train, taking up an earlier checkpoint, and export."""
    import torch

    from tools.recognizer.checkpoint import export
    from tools.recognizer.network import Recognizer
    from tools.recognizer.training import Plan, Trainer

    work, _, out = paths
    size = QUICK if quick else FULL
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch._dynamo.config.recompile_limit = 64
    network = Recognizer(size.width)
    on_gpu = device == "cuda"
    plan = Plan(
        minutes,
        seconds_a_step=size.seconds_a_step * (GPU_BATCH if on_gpu and not quick else 1),
        compiled=size.compiled,
        device=device,
        workers=max(0, (os.cpu_count() or 1) - 2) if on_gpu else 0,
    )
    Trainer(network, work / "bank", work / "checkpoint.pt", plan).run()
    out.parent.mkdir(parents=True, exist_ok=True)
    export(network, out)


@main.command()
@click.option("--quick", is_flag=True)
@click.pass_obj
def export(paths: tuple[Path, Path, Path], quick: bool) -> None:
    """Export the last checkpoint of a training that goes on or was stopped."""
    import torch

    from tools.recognizer.checkpoint import export as write
    from tools.recognizer.network import Recognizer

    work, _, out = paths
    network = Recognizer((QUICK if quick else FULL).width)
    saved = torch.load(work / "checkpoint.pt", map_location="cpu", weights_only=False)
    network.load_state_dict(saved["network"])
    out.parent.mkdir(parents=True, exist_ok=True)
    write(network, out)
    click.echo(f"{out}: step {saved['step']}, {saved['heard_s'] / 3600:.1f} h heard, {saved['used_s'] / 60:.0f} min")


@main.command()
@click.option("--folder", type=PATH, required=True, help="A new folder for CTranslate2's files.")
@click.pass_obj
def convert(paths: tuple[Path, Path, Path], folder: Path) -> None:
    """Convert the exported checkpoint (--out) for faster-whisper."""
    from tools.recognizer.convert import convert as write

    write(paths[2], folder)
    click.echo(f"{folder}: use it as --asr faster-whisper:{folder}")


@main.command()
@click.option("--clips", type=int, default=FULL.clips)
@click.option("--compared/--alone", default=True, help="Pocketsphinx on the same clips.")
@click.option("--lines", type=PATH, help="Text file to speak, a sentence a line, instead of held-out sentences.")
@click.pass_obj
def evaluate(paths: tuple[Path, Path, Path], clips: int, compared: bool, lines: Path | None = None) -> None:
    """Measure the exported checkpoint with the stock engine; figures also go to WORK/figures.json."""
    from tools.recognizer import heldout, texts
    from tools.recognizer.evaluation import evaluate as measure

    work, codec, out = paths
    if lines:
        spoken = [texts.plain(line) for line in lines.read_text().splitlines() if line.strip()][:clips]
    else:
        spoken = texts.evaluation_lines(clips, heldout.SEED)
    figures = measure(out, work, codec, spoken, compared=compared)
    (work / "figures.json").write_text(json.dumps(figures, indent=1))


@main.command()
@click.pass_obj
def card(paths: tuple[Path, Path, Path]) -> None:
    """Write the card beside the checkpoint: what it is, its digest, its training and its figures."""
    from tools.recognizer.checkpoint import card as write

    work, _, out = paths
    click.echo(write(out, work / "checkpoint.pt", work / "figures.json"))


if __name__ == "__main__":
    main()
