"""The stages of the recipe, each from files to files in one work folder, so that any can be run again alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from harness.audio.codec import load_codec
from harness.backends.voice.geometry import Geometry, load_geometry
from tools.voice import codec as fitting
from tools.voice import data, decoder, evaluate, export, family, quantize, text, train, warm
from tools.voice.sentences import PASSAGES, SENTENCES, SHORT

ROOT = Path(__file__).parents[2]
LIBRARIES = ("flite_cmu_us_slt", "flite_cmu_us_rms", "flite_usenglish", "flite_cmulex", "flite")
TEACHER_SEED = 1
CODEC_FRAMES = 150_000  # a speaker


@dataclass(frozen=True, slots=True)
class Settings:
    """What to make and where. ``start_from``: folder of a finished voice of the first speaker; None: from nothing."""

    work: Path
    out: Path
    name: str = "duo"
    device: str = "cpu"
    hours: float = 40.0
    sizes: fitting.Sizes = field(default_factory=fitting.Sizes)
    shape: family.Shape = field(default_factory=family.Shape)
    plan: train.Plan = field(default_factory=lambda: train.Plan(minutes=60))
    start_from: Path | None = None
    listen: bool = True  # measure word errors with the default recognizer


def quick(settings: Settings) -> Settings:
    """Return settings that take minutes end to end.

    Every stage has a size that proves the machinery and speaks nothing intelligible.
    """
    return replace(
        settings,
        hours=0.25,
        sizes=fitting.Sizes(stage1=64, stage2=64, prosody=32),
        shape=family.Shape(layers=2),
        plan=replace(
            settings.plan, minutes=1.0, steps=12, batch_tokens=2048, check_every=6, compiled=False, longest=832
        ),
        start_from=None,
        listen=False,
    )


def _held_out_texts() -> list[str]:
    texts = [*SENTENCES, *PASSAGES, *SHORT]
    for path in sorted((ROOT / "corpora").glob("*.jsonl")):
        texts += [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return texts


def make_text(s: Settings) -> None:
    """Write ``slt.txt`` and ``rms.txt``: the teacher's lines, different for each speaker."""
    s.work.mkdir(parents=True, exist_ok=True)
    lines = text.build(text.Shares.of_hours(s.hours), TEACHER_SEED, text.forbidden_sentences(_held_out_texts()))
    for index, speaker in enumerate(family.SPEAKERS):
        own = lines[index :: len(family.SPEAKERS)]
        (s.work / f"{speaker}.txt").write_text("\n".join(own) + "\n", encoding="utf-8")


def compile_teacher(s: Settings) -> Path:
    """Return the teacher, compiled against Flite's static libraries.

    Raises subprocess.CalledProcessError without them.
    """
    program = s.work / "teacher"
    static = ["-Wl,-Bstatic", *[f"-l{name}" for name in LIBRARIES], "-Wl,-Bdynamic", "-lm", "-lasound"]
    source = str(Path(__file__).with_name("teacher.c"))
    flags = ["-O2", "-I/usr/include/flite", "-Wl,--allow-multiple-definition"]
    s.work.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", *flags, source, "-o", str(program), *static], check=True)
    return program


def say(program: Path, speaker: str, folder: Path, name: str) -> None:
    """Let one speaker say the lines of ``name.txt``: phones to ``name.ps``, parameters to ``name.bin``."""
    files = [str(folder / f"{name}{suffix}") for suffix in (".txt", ".ps", ".bin")]
    subprocess.run([str(program), speaker, *files], check=True, stdout=subprocess.DEVNULL)


def teach(s: Settings) -> None:
    """Let each speaker say its lines."""
    program = compile_teacher(s)
    for speaker in family.SPEAKERS:
        say(program, speaker, s.work, speaker)


def _geometry(s: Settings) -> Geometry:
    path = s.work / "voice.json"
    family.write(family.describe(s.name, s.sizes, {}, {}), path)
    return load_geometry(path)


def fit_codec(s: Settings) -> None:
    """Write ``codec.npz`` and the encoded sequences of both speakers."""
    torch.set_num_threads(s.plan.threads)
    rows = [data.parameter_rows(s.work / f"{speaker}.bin") for speaker in family.SPEAKERS]
    features = [data.sample_features(r, CODEC_FRAMES, s.plan.seed) for r in rows]
    first = load_codec(load_geometry(s.start_from / "voice.json").codec) if s.start_from else None
    codec = fitting.fit(features, s.sizes, s.plan.seed, s.device, first=first)
    fitting.save(codec, s.work / "codec.npz")
    geometry = _geometry(s)
    for speaker in family.SPEAKERS:
        pairs = data.sequences(s.work / f"{speaker}.ps", s.work / f"{speaker}.bin", speaker, codec, s.sizes, geometry)
        count = data.write(pairs, s.work / f"{speaker}.npz")
        print(f"{speaker}: {count} utterances encoded", flush=True)


def train_model(s: Settings) -> None:
    """Train ``model.pt``, resumed if it is there; ``train.jsonl`` holds the losses."""
    encoded = [s.work / f"{speaker}.npz" for speaker in family.SPEAKERS]
    trainer = train.Trainer(family.vocabulary(s.sizes), s.shape, s.plan, s.device)
    checkpoint = s.work / "model.pt"
    if s.start_from and not checkpoint.exists():
        before = load_geometry(s.start_from / "voice.json")
        warm.start(trainer.model, s.start_from / "f16.gguf", before, _geometry(s), encoded)
    books = family.codebooks(s.sizes)
    codes = (books[0]["offset"], len(books))
    buckets = train.load_data(encoded, (family.FIRST_MARKER, family.MARKERS), codes, s.plan)
    print(json.dumps(train.run(trainer, buckets, checkpoint, s.work / "train.jsonl")), flush=True)


def export_family(s: Settings) -> None:
    """Write the folder of the voice: GGUF family, codebooks, ONNX decoder, ``voice.json``."""
    s.out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(s.work / "codec.npz", s.out / "codec.npz")
    export.write_f16(s.work / "model.pt", _geometry(s), s.out / "f16.gguf")
    decoder.export(load_codec(s.out / "codec.npz"), s.out / "decoder.onnx")
    try:
        library = quantize.llama_library()
        for kind in quantize.FILE_TYPES:
            quantize.quantize(s.out / "f16.gguf", s.out / f"{kind}.gguf", kind, library)
    except FileNotFoundError as error:
        print(f"only f16 was made: {error}", flush=True)
    _describe(s, {})


def _describe(s: Settings, extra: dict[str, Any]) -> None:
    files = {p.stem: p for p in sorted(s.out.glob("*.gguf"))}
    files |= {"codec": s.out / "codec.npz", "decoder": s.out / "decoder.onnx"}
    state = torch.load(s.work / "model.pt", map_location="cpu", weights_only=True)
    step, seconds, tokens = state["position"]
    began = f", from the f16 weights of {s.start_from.name}" if s.start_from else ""
    provenance = (
        f"tools/voice: {s.hours:g} h of teacher speech, {step} steps, {tokens} positions, {seconds:.0f} s{began}"
    )
    family.write(family.describe(s.name, s.sizes, files, {"provenance": provenance, **extra}), s.out / "voice.json")


def measure(s: Settings) -> None:
    """Write ``evaluation.json`` beside the voice: every model file, both speakers, every set of texts."""
    evaluated: dict[str, Any] = {}
    for model in sorted(s.out.glob("*.gguf")):
        for speaker in family.SPEAKERS:
            sets = evaluate.SETS if s.listen else {"short": SHORT[:2]}
            evaluated[f"{model.stem}/{speaker}"] = {
                name: {k: v for k, v in evaluate.measure(model, texts, speaker, (1,), s.listen).items() if k != "heard"}
                for name, texts in sets.items()
            }
    (s.out / "evaluation.json").write_text(json.dumps(evaluated, indent=1) + "\n", encoding="utf-8")


STAGES = {
    "text": make_text,
    "teacher": teach,
    "codec": fit_codec,
    "train": train_model,
    "export": export_family,
    "evaluate": measure,
}
