"""A suite: what it speaks and claims, and the function that carries it out."""

from pathlib import Path

from harness.core.records import Claim
from harness.core.suites import Suite
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.stage import ExperimentRun, markdown_table, write_results

SUITE = Suite(
    "pace",  # as its entry point, and as the folder of its tests
    frozenset({"even-pace"}),
    run="tts_soak_example.suite:run_pace",
    question="Is every text spoken at the same pace?",
    scorers=("signal",),
)


def run_pace(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak every chunk and compare the seconds a word; return the directory of the run."""
    most = float(str(plan.experiment.get("pace", {}).get("ratio_max", 1.5)))  # from limits.toml
    with ExperimentRun(plan, progress, resume) as stage:
        claims, rows = [], []
        for variant in plan.variants:
            stage.soak(variant).speak()
            words = {chunk.id: len(chunk.text.split()) for chunk in plan.chunks(variant)}
            spoken = stage.run.attempts(variant=variant.name)
            paces = [attempt.duration / words[attempt.chunk_id] for attempt in spoken if attempt.duration]
            ratio = max(paces) / min(paces) if paces else None
            statement = f"the slowest of {len(paces)} texts takes {ratio} times as long a word as the fastest"
            passed = None if ratio is None else ratio <= most
            claims.append(Claim("even-pace", variant.name, statement, passed, ratio, None, most, len(paces)))
            rows.append([variant.name, str(ratio)])
        write_results(stage.run, claims, {"paces": dict(rows)}, markdown_table(["variant", "slowest to fastest"], rows))
        return stage.run.path
