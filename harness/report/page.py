"""``report.html``: one page that opens from disk, with no server, no network and no script but its own."""

from __future__ import annotations

import base64
import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from harness.core.durable import write_whole
from harness.core.paths import named_from_clone
from harness.core.records import Attempt, Json
from harness.detectors.readable import finding_phrase, source_in_words
from harness.report import charts, claims_page, marks
from harness.report.advice import advice
from harness.report.assets import rendered, static
from harness.report.headline import headlines, others, sentence
from harness.report.material import ReportData, ReportRow, read_report_data
from harness.report.pictures import picture
from harness.report.review import PlayedTake, Queue, QueueItem, chunks_to_review, relative_audio, sound
from harness.report.sections import section
from harness.report.single import embedded_audio
from harness.report.summary import RunSummary
from harness.store import Run

PICTURES = "pictures"


def render_report(run: Run, summary: RunSummary, *, single_file: bool = False) -> Path:
    """Write ``report.html`` beside the journal and its pictures into ``pictures/``; returns its path.

    Audio is referred to by relative path and loaded on demand. With ``single_file`` the page is ``report-single.html``
    and holds pictures and audio (FLAC, 16 bit) of the chunks to review.
    """
    material = read_report_data(run)
    chosen, left = chunks_to_review(material)
    queue = Queue(run, material, _audio(run, single_file), marks.stored(run))
    items = [queue.item(spoken, _picture(run, spoken, single_file)) for spoken in chosen]
    links = {spoken.attempt.id or -1: f"#q{number}" for number, spoken in enumerate(chosen, 1)}
    words = headlines(summary)
    context: dict[str, object] = {
        "summary": summary,
        "advice": advice(summary, words),
        "headlines": words,
        "sentence": sentence(summary, words),
        "worst": min((list(type(w.word)).index(w.word), w.word.name.lower()) for w in words.values())[1]
        if words
        else "",
        "reference": run.reference,
        "encoder": summary.encoder or "",
        **_unjudged(summary),
        **_tables(summary),
        **_drawings(run, summary, material, links),
        "classes": material.classes(),
        "titles": _titles(),
        "slopes": claims_page.slopes(run, summary.timings.valid),
        "command": _command(summary.provenance["command"]),
        "items": items,
        "left": left,
    }
    path = run.path / ("report-single.html" if single_file else "report.html")
    write_whole(path, _page(context, _data(run, items)))
    return path


def _drawings(run: Run, summary: RunSummary, material: ReportData, links: Mapping[int, str]) -> dict[str, object]:
    """All that is drawn; SVG of our own, which the template takes as it is."""
    from markupsafe import Markup

    asked = section(run)
    return {
        "section": asked,
        "drawings": [(title, Markup(drawing)) for title, drawing in asked.drawings] if asked is not None else [],
        "strip": Markup(charts.strip(material, links)) if material.everything() else "",
        "panels": [
            (title, Markup(drawing), claims_page.captions(run, measure, summary.timings.valid))
            for measure, title, drawing in charts.panels(material)
        ],
        "histograms": [(title, Markup(drawing)) for title, drawing in charts.histograms(material)],
        "curves": [{"title": one.title, "drawing": Markup(one.drawing)} for one in claims_page.curves(run)],
    }


def _page(context: Mapping[str, object], data: Json) -> str:
    from jinja2.utils import htmlsafe_json_dumps

    return rendered(
        "report.html", {**context, "data": htmlsafe_json_dumps(data)}, script=static("report.js"), filters=_FILTERS
    )


def _shown(form: Callable[..., str]) -> Callable[..., str]:
    """Return a dash for what was not measured, also where an older scorer did not write the figure at all."""

    def filtered(value: object, *given: object) -> str:
        finite = isinstance(value, int | float) and math.isfinite(value)
        return form(value, *given) if finite else "–"

    return filtered


_FILTERS: Mapping[str, Callable[..., str]] = {
    "percent": _shown(lambda value: f"{100 * value:.1f}%"),
    "told": finding_phrase,
    "in_words": source_in_words,
    "fixed": _shown(lambda value, digits=2: f"{value:.{digits}f}"),
    "figure": _shown(lambda value: f"{value:.4g}"),
    "signed_points": _shown(lambda value: f"{100 * value:+z.1f}"),
    "megabytes": _shown(lambda value: f"{value / 1e6:,.1f} MB"),
}


def _data(run: Run, items: list[QueueItem]) -> Json:
    """Return what the script needs: identities for the marks, addresses and anchors of the takes."""
    return {
        "run_id": run.run_id,
        "items": [
            {
                "variant": item.attempt.variant,
                "chunk_id": item.attempt.chunk_id,
                "attempt": item.attempt.id,
                "audio_sha256": item.attempt.audio_sha256,
                "faults": item.faults,
                "takes": [asdict(take) for take in takes],
                "mark": item.mark or {},
            }
            for item, takes in zip(items, _once([item.takes for item in items]), strict=True)
        ],
    }


def _once(items: list[list[PlayedTake]]) -> list[list[PlayedTake]]:
    """Sounds inside the page are there once: "" is the item's own player, "@i.t" is take t of item i."""
    places: dict[str, str] = {}
    for number, takes in enumerate(items):
        if takes and takes[0].url is not None and takes[0].url.startswith("data:"):
            places.setdefault(takes[0].url, f"@{number}.0")
    parts = []
    for number, takes in enumerate(items):
        once = []
        for index, take in enumerate(takes):
            url = take.url
            if url is not None and url.startswith("data:"):
                place = places.setdefault(url, f"@{number}.{index}")
                url = "" if index == 0 else (place if place != f"@{number}.{index}" else url)
            once.append(replace(take, url=url))
        parts.append(once)
    return parts


def _audio(run: Run, single_file: bool) -> Callable[[Attempt], str | None]:
    if single_file:
        return embedded_audio(run)
    return lambda attempt: relative_audio(run, attempt)


def _picture(run: Run, spoken: ReportRow, single_file: bool) -> str | None:
    """Draw a chunk once (equal sounds share a picture) and return its address."""
    attempt = spoken.attempt
    if attempt.audio is None or attempt.audio_sha256 is None:
        return None
    name = f"{attempt.audio_sha256[:32]}_{attempt.sample_rate}.webp"
    path = run.path / PICTURES / name
    if not path.is_file():
        heard = sound(run, attempt)
        if heard is None:
            return None
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture(*heard))
    if single_file:
        return "data:image/webp;base64," + base64.b64encode(path.read_bytes()).decode()
    return f"{PICTURES}/{name}"


def _unjudged(summary: RunSummary) -> Json:
    """One line a reason, and whether there is enough of it to be shown unasked."""
    lines, share = [], 0.0
    for name, row in summary.variants.items():
        share = max(share, row.not_judged / row.chunks if row.chunks else 1.0)
        lines += [f"{name}: {count} chunks: {why}" for why, count in row.not_judged_because.items()]
        blind = [f"{fault} ({count})" for fault, count in row.could_not_look.items()]
        if blind:
            lines.append(f"{name}: classes that could not look, with the number of chunks: {', '.join(blind)}")
    return {"unjudged": lines, "unjudged_many": share > 0.05}


def _tables(summary: RunSummary) -> Json:
    """Rows of the first screen: variants that spoke a soak, and (``compact``) what only claims are about."""
    rows = {name: row for name, row in summary.variants.items() if row.soaked}
    alone = {name: row.claims for name, row in summary.variants.items() if not row.soaked}
    return {"rows": rows, "compact": {**others(summary), **alone}}


def _command(words: list[str]) -> str:
    """Return the command line; paths within the project as they are, others by name: nobody is told where it was."""
    if not words:
        return ""
    program = Path(words[0])
    first = program.parent.name if program.name == "__main__.py" else program.name
    return shlex.join([first, *map(_short, words[1:])])


def _short(word: str) -> str:
    option, equals, value = word.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={_short(value)}"
    path = Path(word)
    if not path.is_absolute():
        return word
    return named_from_clone(path)


def _titles() -> dict[str, str]:
    from harness.detectors import catalogue

    return {name: fault.title for name, fault in catalogue().items()}


__all__ = ["ReportData", "render_report"]
