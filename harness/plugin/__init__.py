"""The pytest plugin: options, fixtures and hooks around the engine (layer 6). The only place that imports pytest.

The run is done once, after selection is known and before the first item; items only read what it recorded.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness import terminal
from harness.errors import SoakError
from harness.experiments import EXPERIMENTS
from harness.plugin import options
from harness.plugin.handle import ClaimFailed, FaultFound, Soak
from harness.plugin.selection import Ask, Scene, plan_for


@dataclass
class Stage:
    """What one pytest session holds for each suite."""

    scenes: dict[Path, Scene] = field(default_factory=dict)
    runs: dict[Path, Path] = field(default_factory=dict)
    soaks: dict[Path, Soak] = field(default_factory=dict)
    summaries: dict[Path, dict[str, Any]] = field(default_factory=dict)
    tables: dict[Path, str] = field(default_factory=dict)  # of experiments, in Markdown
    problem: SoakError | None = None


_STAGE = pytest.StashKey[Stage]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the soak test."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the state of this session in the stash."""
    config.stash[_STAGE] = Stage()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask for every chunk of every variant (fixture ``chunk``), or every variant (fixture ``variant``)."""
    if "soak" not in metafunc.fixturenames:
        return
    stage = metafunc.config.stash[_STAGE]
    scene = _scene(stage, metafunc.config, metafunc.definition.path.parent)
    if scene is None:
        metafunc.parametrize([name for name in ("chunk", "variant") if name in metafunc.fixturenames], [])
    elif "chunk" in metafunc.fixturenames:
        metafunc.parametrize("chunk", scene.asks(), ids=str)
    elif "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", [variant.name for variant in scene.variants])


def _scene(stage: Stage, config: pytest.Config, folder: Path) -> Scene | None:
    if stage.problem is None and folder not in stage.scenes:
        try:
            stage.scenes[folder] = Scene.load(config, folder)
        except SoakError as problem:
            stage.problem = problem
    return stage.scenes.get(folder)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse what cannot work, before anything has run: exit code 4."""
    stage = session.config.stash[_STAGE]
    if stage.problem is not None:
        raise pytest.UsageError(str(stage.problem))
    if stage.scenes:
        options.refuse_xdist(session.config)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Do the run of every selected suite, then let the items read it."""
    stage, config = session.config.stash[_STAGE], session.config
    if stage.scenes and not config.option.collectonly and not session.testsfailed:
        capture = config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            for folder, scene in stage.scenes.items():
                items = [item for item in session.items if item.path.parent == folder]
                if items:
                    _carry_out(stage, config, folder, scene, items)
    return (yield)


def _carry_out(stage: Stage, config: pytest.Config, folder: Path, scene: Scene, items: list[pytest.Item]) -> None:
    # the engine and what it drives are imported only when a run is really done: collection stays quick
    from harness.engine.engine import Engine
    from harness.report import write
    from harness.store import Run, latest, prune

    reporter = config.pluginmanager.getplugin("terminalreporter")
    stream = reporter._tw._file if reporter is not None else open(os.devnull, "w")  # noqa: SIM115, PTH123
    line = terminal.Line(stream)
    try:
        plan = plan_for(config, scene, items)
        resume = config.getoption("resume")
        path = None if resume is None else (latest(plan.reports) if resume == "latest" else plan.reports / resume)
        if scene.suite in EXPERIMENTS:
            stage.runs[folder] = EXPERIMENTS.get(scene.suite)(plan, line, path)
            stage.tables[folder] = (stage.runs[folder] / "results.md").read_text(encoding="utf-8")
        else:
            stage.runs[folder] = Engine(plan, line).run(path)
            stage.summaries[folder] = write(stage.runs[folder])
        stage.soaks[folder] = Soak(Run.open(stage.runs[folder]), scene, options.repeated(config))
        if config.getoption("keep") is not None:
            prune(plan.reports, config.getoption("keep"))
    except KeyboardInterrupt:
        line.say("interrupted; everything that was acknowledged is kept: continue with --resume")
        raise
    except SoakError as problem:
        if problem.exit_code == pytest.ExitCode.USAGE_ERROR:
            raise pytest.UsageError(str(problem)) from None
        pytest.exit(str(problem), returncode=problem.exit_code)


@pytest.fixture
def soak(request: pytest.FixtureRequest) -> Soak:
    """The finished run of this suite, to be asked about chunks and claims."""
    found = request.config.stash[_STAGE].soaks.get(request.path.parent)
    if found is None:
        pytest.fail("the run of this suite was not done", pytrace=False)
    found.properties = request.node.user_properties
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A faulty chunk shows its message alone, not a traceback through the harness."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, FaultFound | ClaimFailed):
        report.longrepr = str(call.excinfo.value)
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run in which nothing was judged is never green."""
    stage = session.config.stash[_STAGE]
    empty = any(not _judged(summary) for summary in stage.summaries.values())
    empty = empty or any(not stage.soaks[folder].decided for folder in stage.tables)
    if exitstatus == pytest.ExitCode.OK and empty:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _judged(summary: dict[str, Any]) -> int:
    return sum(row["clean"] + row["faulty"] for row in summary["variants"].values())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table and where the report is."""
    stage = config.stash[_STAGE]
    for folder, summary in stage.summaries.items():
        terminalreporter.section(f"{folder.name}: {summary['corpus']['name']}")
        terminalreporter.write_line(terminal.table(summary, terminalreporter._tw.fullwidth))
        for text in terminal.closing_lines(summary):
            terminalreporter.write_line(text)
        if not _judged(summary):
            terminalreporter.write_line("NOTHING WAS JUDGED: this run says nothing about the backend", red=True)
        terminalreporter.write_line(f"report: {stage.runs[folder] / 'report.html'}")
        _tell_github(summary, terminalreporter)
    for folder, shown in stage.tables.items():
        terminalreporter.section(folder.name)
        terminalreporter.write_line(shown)
        if not stage.soaks[folder].decided:
            terminalreporter.write_line("NOTHING WAS DECIDED: this run says nothing about the backend", red=True)
        terminalreporter.write_line(f"results: {stage.runs[folder] / 'results.md'}")
        terminalreporter.write_line(f"report: {stage.runs[folder] / 'report.html'}")


def _tell_github(summary: dict[str, Any], terminalreporter: Any) -> None:
    """In a GitHub job: annotations, and the table in the job's summary."""
    if not os.environ.get("GITHUB_ACTIONS"):
        return
    from harness.report.exports import github_annotations, write_markdown

    write_markdown(summary)
    for text in github_annotations(summary):
        terminalreporter.write_line(text)


__all__ = ["Ask", "Soak"]
