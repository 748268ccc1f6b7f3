"""Write the bundle of one finding."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from harness.audio import wav_bytes
from harness.causes.bundle.drawing import marked_picture
from harness.causes.bundle.gather import BundleMaterial, gather
from harness.causes.bundle.issue import issue_text, smallest_text, symptom_row
from harness.causes.bundle.members import Members, shareable_json, toml_variant
from harness.causes.bundle.told import TokenTable, findings_table, how_often, replay_rows, score_rows, token_table
from harness.causes.portable import without_paths
from harness.causes.shrink.files import LIMITS, ORIGINAL, SMALLEST, stress_command
from harness.causes.shrink.outcome import SpokenText
from harness.causes.standard import limits_for_one
from harness.causes.target import CauseTarget, remember_secrets_of
from harness.core.records import Json
from harness.report.assets import rendered
from harness.report.diff import word_diff

PAGE, ISSUE = "index.html", "issue.md"


def write_bundle(target: CauseTarget, reports: Path, out: Path) -> list[str]:
    """Write everything about a finding into the zip ``out``; returns the names of its members.

    Raises ConfigError where it cannot be written, StoreError for a damaged run.
    """
    remember_secrets_of(target)
    material, members = gather(target, reports), Members()
    pictures = _sounds(material, members)
    command = _inputs(material, members)
    members.text(ISSUE, issue_text(material, command))
    members.text("text.txt", target.chunk.text + "\n")
    verdict = {"word": target.verdict.word.value, "findings": [asdict(row) for row in findings_table(material)]}
    unjudged = list(target.verdict.unjudged)
    members.json("verdict.json", {**verdict, "unjudged": unjudged, "scores": score_rows(material)})
    members.json("replays.json", replay_rows(material.takes))
    members.json("transcript.json", {**material.hearing, "second_opinion": material.second})
    tokens = token_table(material)
    if tokens is not None:
        members.json("tokens.json", {k: v for k, v in asdict(tokens).items() if k != "other" or v is not None})
    members.json("provenance.json", _provenance(material))
    if material.shrink is not None:
        members.json("shrink.json", _shrink(material))
    for run_id, table in material.bisects:
        members.text("bisect.md", f"<!-- {run_id} -->\n{table}")
    members.text(PAGE, _page(material, tokens, command, pictures, members.names))
    members.write(out)
    return members.names


def _sounds(material: BundleMaterial, members: Members) -> list[tuple[str, str]]:
    """Audio of every rendition, a picture of each; returns (label, name) of the pictures."""
    pictures = []
    spans = [(one.fault, one.span) for one in material.target.verdict.findings if one.span is not None]
    for number, take in enumerate(material.takes):
        if take.file is None or take.audio is None:
            continue
        members.binary(take.file, wav_bytes(*take.audio, "PCM_16"))
        reference = take.attempt.variant != material.target.variant
        if number == 0 or reference:
            name = f"pictures/{'reference' if reference else 'found'}.png"
            members.binary(name, marked_picture(*take.audio, [] if reference else spans, take.label))
            pictures.append((take.label, name))
    return pictures


def _inputs(material: BundleMaterial, members: Members) -> str:
    """Write the corpora, limits and variant that reproduce it, and return the command."""
    target, smallest = material.target, smallest_text(material)
    chunk = target.chunk
    whole = SpokenText(id=chunk.id, text=chunk.text, language=chunk.language, expected=chunk.expected)
    members.text(ORIGINAL, _corpus([whole]))
    limits: Json = limits_for_one(target.limits, material.own).to_json()
    earlier: list[SpokenText] = []
    if material.shrink is not None:
        path, outcome = material.shrink
        earlier, limits = outcome.earlier, json.loads((path / LIMITS).read_text(encoding="utf-8"))
    members.text(SMALLEST, _corpus([*earlier, smallest]))
    members.json(LIMITS, limits)
    members.text("variants.toml", toml_variant(shareable_json(material.variant)))
    policy_of_seed = str(material.variant.get("seed_policy", ""))
    seed = smallest.seed if not earlier and policy_of_seed != "none" else None
    return stress_command(
        ("suites/stress", "variants.toml", SMALLEST, LIMITS), target.variant, target.fault_scorers, seed
    )


def _corpus(texts: Iterable[SpokenText]) -> str:
    return "".join(json.dumps(shareable_json(one.row()), ensure_ascii=False) + "\n" for one in texts)


def _provenance(material: BundleMaterial) -> Json:
    return {
        "run": material.run,
        "variant": without_paths(material.variant),
        "capabilities": without_paths(material.capabilities),
        "models_sha256": dict(material.models),
        "recognizers": {name: dict(options) for name, options in material.target.scorers.items()},
        **without_paths(material.provenance),
    }


def _shrink(material: BundleMaterial) -> Json:
    assert material.shrink is not None
    row: Json = material.shrink[1].model_dump(mode="json")
    return {key: value for key, value in row.items() if key != "command"}  # its paths lead nowhere for others


def _page(
    material: BundleMaterial, tokens: TokenTable | None, command: str, pictures: list[tuple[str, str]], names: list[str]
) -> str:
    shown = shareable_json(
        {
            "head": symptom_row(material),
            "text": material.target.chunk.text,
            "expected": material.target.chunk.expected,
            "smallest": smallest_text(material).text,
            "earlier": [one.text for one in material.shrink[1].earlier] if material.shrink is not None else [],
            "shrunk": material.shrink[1].sentence if material.shrink is not None else "",
            "heard": material.hearing.get("text"),
            "second": material.second,
            "words": [asdict(word) for word in word_diff(material.hearing)] if material.hearing else [],
            "findings": [asdict(row) for row in findings_table(material)],
            "scores": score_rows(material),
            "takes": replay_rows(material.takes),
            "often": how_often(material),
            "tokens": asdict(replace(tokens, found=[], other=None)) if tokens is not None else None,
            "bisects": [table for _, table in material.bisects],
            "command": command,
            "pictures": pictures,
            "names": [*names, PAGE],
        }
    )
    more = "; img-src 'self' file:; media-src 'self' file:"
    return rendered("bundle.html", shown, package="harness.causes", also_from=more)
