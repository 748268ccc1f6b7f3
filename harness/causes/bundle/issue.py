"""``issue.md``: what a maintainer who has never heard of tts-soak needs to act on a finding."""

from __future__ import annotations

from collections.abc import Iterable

from harness.causes.bundle.gather import BundleMaterial
from harness.causes.bundle.told import ask_directly, findings_table, how_often, token_table
from harness.causes.shrink.outcome import WORDS, SpokenText
from harness.core.records import Json
from harness.detectors import catalogue
from harness.detectors.readable import finding_phrase
from harness.store.manifest import CpuProvenance


def smallest_text(material: BundleMaterial) -> SpokenText:
    """Return the smallest text that shows the finding, the chunk itself where nothing was shrunk."""
    if material.shrink is not None:
        return material.shrink[1].smallest
    chunk = material.target.chunk
    seed = material.target.attempt.seed
    return SpokenText(id=chunk.id, text=chunk.text, language=chunk.language, expected=chunk.expected, seed=seed)


def issue_text(material: BundleMaterial, command: str) -> str:
    """Return the issue in Markdown; ``command`` reproduces it with tts-soak in the unpacked folder."""
    return "\n".join([*_symptom(material), *_input(material), *_heard(material), *_often(material),
                      *_environment(material), *_reproduce(material, command), *_files()]) + "\n"  # fmt: skip


def _symptom(material: BundleMaterial) -> list[str]:
    target, finding = material.target, material.target.finding
    title = catalogue()[finding.fault].title
    where = f" at {finding.span[0]:.2f} to {finding.span[1]:.2f} s" if finding.span is not None else ""
    process = f" The request ended so: {target.attempt.detail}." if target.attempt.audio is None else ""
    bound = f" It is bound to {WORDS.get(_bound_to(material), _bound_to(material))}." if _bound_to(material) else ""
    return [
        f"# {title}: {_backend(material)} / {target.variant}",
        "",
        f"The speech for one text has this fault{where}: **{title.lower()}** ({finding_phrase(finding)})."
        f"{process}{bound}",
        "",
    ]


def _backend(material: BundleMaterial) -> str:
    return str(material.variant.get("adapter") or "unknown backend")


def _bound_to(material: BundleMaterial) -> str:
    return material.shrink[1].bound_to if material.shrink is not None else material.target.finding.bound_to or ""


def _input(material: BundleMaterial) -> list[str]:
    smallest, chunk = smallest_text(material), material.target.chunk
    lines = [
        "## Smallest input",
        "",
        *_quoted(smallest.text),
        "",
        f"Seed: {smallest.seed}. Language: {smallest.language}.",
    ]
    if material.shrink is None:
        lines.append("Nobody has made it shorter yet (`tts-soak shrink`).")
    elif smallest.text != chunk.text:
        lines += ["It was found in this text:", "", *_quoted(chunk.text)]
    if material.shrink is not None and material.shrink[1].earlier:
        lines += ["", "The same process has to speak these texts before, in this order:", ""]
        lines += [f"{number}. {one.text} (seed {one.seed})" for number, one in enumerate(material.shrink[1].earlier, 1)]
    return [*lines, ""]


def _heard(material: BundleMaterial) -> list[str]:
    chunk, faulty = material.target.chunk, material.as_found
    sound = f"`{faulty.file}`" if faulty.file else "no audio"
    heard = faulty.heard if faulty.heard is not None else "(no recognizer listened)"
    lines = ["## Expected and heard", "", "| | |", "| --- | --- |", f"| expected | {_cell(chunk.expected_text)} |"]
    lines.append(f"| heard ({sound}) | {_cell(heard or '(no words)')} |")
    if material.second is not None:
        lines.append(f"| by a second recognizer | {_cell(material.second)} |")
    others = [take for take in material.takes[1:] if take.heard is not None]
    lines += [f"| {take.label} (`{take.file}`) | {_cell(take.heard or '(no words)')} |" for take in others]
    tokens = token_table(material)
    if tokens is not None and tokens.compared_with:
        part = tokens.first_divergence
        where = f"at frame {part.frame}" if part is not None else "nowhere"
        seconds = f" ({part.seconds:.2f} s)" if part is not None and part.seconds is not None else ""
        lines += ["", f'Speech tokens part from those of "{tokens.compared_with}" {where}{seconds}: `tokens.json`.']
    return [*lines, ""]


def _often(material: BundleMaterial) -> list[str]:
    return ["## How often", "", *(f"- {line}" for line in how_often(material)), ""]


def _environment(material: BundleMaterial) -> list[str]:
    where, row = material.provenance, material.variant
    cpu: CpuProvenance = where.get("cpu") or {}
    gpus = ", ".join(gpu.get("name", "") for gpu in where.get("gpus") or ())
    details = material.capabilities.get("details") or {}
    plain = {key: value for key, value in details.items() if isinstance(value, str | int | float) and value != ""}
    pairs: list[tuple[str, object]] = [
        ("backend", f"{_backend(material)}, voice {row.get('voice') or 'default'}"),
        *((f"backend says: {key}", value) for key, value in list(plain.items())[:12]),
        *((f"SHA-256 of {name}", digest) for name, digest in material.models.items()),
        ("system", where.get("platform")),
        ("CPU", f"{cpu.get('model')}, {cpu.get('cores')} cores"),
        ("GPU", gpus or "none"),
        ("Python", where.get("python")),
    ]
    lines = [f"- {name}: {value}" for name, value in pairs if value not in (None, "")]
    return ["## Environment", "", *lines, "- all settings, versions and the command: `provenance.json`", ""]


def _reproduce(material: BundleMaterial, command: str) -> list[str]:
    smallest = smallest_text(material)
    lines = ask_directly(material, smallest.text, smallest.seed)
    limits = [f"{row.fault}: {row.says} ({row.source})" for row in findings_table(material)]
    return [
        "## Reproduce",
        "",
        "Without any other tool, ask the backend for the text above:",
        "",
        *_fenced(lines),
        "",
        "With tts-soak, in this unpacked folder (`suites/stress` is in its repository); exit code 1 means that the "
        "fault is there:",
        "",
        *_fenced([command]),
        "",
        "What was measured, and the limit of each:",
        "",
        *(f"- {line}" for line in limits),
        "",
    ]


def _files() -> list[str]:
    return [
        "## What is in this archive",
        "",
        "`index.html` shows it all: sounds, picture with the place marked, words, tokens, replays, verdict with its "
        "limits. It was made by tts-soak, a soak test for text-to-speech.",
    ]


def _quoted(text: str) -> list[str]:
    return [f"> {line}" for line in text.splitlines() or [""]]


def _fenced(lines: Iterable[str]) -> list[str]:
    return ["```", *lines, "```"]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def symptom_row(material: BundleMaterial) -> Json:
    """Return the head of the page: what, where, in which variant."""
    finding = material.target.finding
    return {
        "title": catalogue()[finding.fault].title,
        "fault": finding.fault,
        "says": finding_phrase(finding),
        "variant": material.target.variant,
        "chunk": material.target.chunk.id,
        "bound_to": WORDS.get(_bound_to(material), _bound_to(material)),
    }
