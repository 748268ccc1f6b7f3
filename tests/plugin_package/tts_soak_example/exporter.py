"""An exporter: a finished run, sent somewhere."""

from harness.report.exporters import ExportedRun


def tally(run: ExportedRun, target: str | None) -> list[str]:
    """Return a line a variant; one that writes would name the files."""
    return [f"{name}: {row['faulty']:.0f} of {row['chunks']:.0f}" for name, row in run.figures().items()]
