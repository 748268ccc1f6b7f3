"""The pytest plugin: options, fixtures and hooks around the engine. The only place that imports pytest.

The run is done once, after selection is known and before the first item; items only read what it recorded.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness import terminal
from harness.core.errors import ConfigError, SoakError
from harness.core.suites import suite_of
from harness.plugin import closing, options
from harness.plugin.caught import say_what_was_caught
from harness.plugin.claims_asked import unknown_claims
from harness.plugin.handle import ClaimFailed, FaultFound, FinishedRun, node_of
from harness.plugin.night import Night
from harness.plugin.options import SuiteOptions
from harness.plugin.selection import SuiteCase, SuiteContext, other_problems, pairs_of, plan_for


@dataclass
class PluginState:
    """What one pytest session holds for each suite."""

    scenes: dict[Path, SuiteContext] = field(default_factory=dict)
    runs: dict[Path, Path] = field(default_factory=dict)
    soaks: dict[Path, FinishedRun] = field(default_factory=dict)
    summaries: dict[Path, dict[str, Any]] = field(default_factory=dict)
    tables: dict[Path, str] = field(default_factory=dict)  # of experiments, in Markdown
    problem: SoakError | None = None
    night: Night | None = None


_STAGE = pytest.StashKey[PluginState]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the soak test."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the state of this session in the stash. A night that cannot be read is exit code 4."""
    stage = config.stash[_STAGE] = PluginState()
    try:
        options.settle_options(config)
        stage.night = Night.load(config)
    except SoakError as problem:
        raise pytest.UsageError(terminal.printable_redacted(str(problem))) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask for every chunk of every variant (fixture ``chunk``), or every variant (fixture ``variant``)."""
    stage = metafunc.config.stash[_STAGE]
    if "comparison" in metafunc.fixturenames and _is_ours(metafunc, "night"):
        _ask_the_night(stage, metafunc)
    if not _is_ours(metafunc, "soak"):
        return
    scene = _scene(stage, metafunc.config, metafunc.definition.path.parent)
    if scene is None:
        metafunc.parametrize([name for name in ("chunk", "variant", "pair") if name in metafunc.fixturenames], [])
    elif "chunk" in metafunc.fixturenames:
        metafunc.parametrize("chunk", scene.asks(), ids=str)
    elif "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", [variant.name for variant in scene.variants])
    elif "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", _pairs(stage, metafunc.config, scene.folder))


def _is_ours(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a test asks for this fixture of the plugin, not for one of the same name in another project's tests."""
    definitions = metafunc._arg2fixturedefs.get(fixture, ())
    return bool(definitions) and definitions[-1].func.__module__ == __name__


def _pairs(stage: PluginState, config: pytest.Config, folder: Path) -> list[str]:
    try:
        return pairs_of(_asked(stage, config, folder), folder)
    except SoakError as problem:
        stage.problem = stage.problem or problem
        return []


def _ask_the_night(stage: PluginState, metafunc: pytest.Metafunc) -> None:
    """Every figure of every variant that the night compares; its suites were collected before this one."""
    if stage.night is None:
        stage.problem = stage.problem or ConfigError("the nightly suite compares a whole night: run `tts-soak nightly`")
        metafunc.parametrize("comparison", [])
        return
    variants = {folder.name: [variant.name for variant in scene.variants] for folder, scene in stage.scenes.items()}
    metafunc.parametrize("comparison", stage.night.comparisons(variants), ids=str)


def _asked(stage: PluginState, config: pytest.Config, folder: Path) -> SuiteOptions:
    return SuiteOptions(config) if stage.night is None else stage.night.asked(config, folder)


def _scene(stage: PluginState, config: pytest.Config, folder: Path) -> SuiteContext | None:
    if stage.problem is None and folder not in stage.scenes:
        try:
            stage.scenes[folder] = SuiteContext.load(_asked(stage, config, folder), folder)
        except SoakError as problem:
            lines = [*str(problem).splitlines(), *other_problems(_asked(stage, config, folder), folder)]
            stage.problem = ConfigError("\n".join(dict.fromkeys(lines)))
    return stage.scenes.get(folder)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse what would cut a session into pieces."""
    options.refuse_xdist(session.config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse what cannot work, before anything has run: exit code 4."""
    stage, config = session.config.stash[_STAGE], session.config
    if stage.problem is not None:
        raise pytest.UsageError(terminal.printable_redacted(str(stage.problem)))
    if not stage.scenes:
        return
    say_what_was_caught(session, stage.scenes)
    unknown = [
        line
        for folder, scene in stage.scenes.items()
        for line in unknown_claims((i for i in session.items if i.path.parent == folder), suite_of(scene.suite))
    ]
    if unknown:
        raise pytest.UsageError("\n".join(unknown))
    if not config.option.collectonly:
        wrong = [
            line for folder, scene in stage.scenes.items() for line in _refused(stage, config, folder, scene, session)
        ]
        if wrong:
            raise pytest.UsageError(terminal.printable_redacted("\n".join(dict.fromkeys(wrong))))


def _refused(
    stage: PluginState, config: pytest.Config, folder: Path, scene: SuiteContext, session: pytest.Session
) -> list[str]:
    """What cannot work of one suite, found before anything is spoken."""
    from harness.engine.engine import Engine
    from harness.engine.preflight import problems

    items = [item for item in session.items if item.path.parent == folder]
    if not items:
        return []
    try:
        plan = plan_for(_asked(stage, config, folder), scene, items)
        lines = problems(plan)
        if not lines:
            Engine(plan).standards()
        return lines
    except SoakError as error:
        return str(error).splitlines()


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
            if stage.night is not None:
                stage.night.compare(config.getoption("reports"))
    return (yield)


def _carry_out(
    stage: PluginState, config: pytest.Config, folder: Path, scene: SuiteContext, items: list[pytest.Item]
) -> None:
    reporter = config.pluginmanager.getplugin("terminalreporter")
    stream = reporter._tw._file if reporter is not None else open(os.devnull, "w")  # noqa: SIM115, PTH123
    line, night, began = terminal.Line(stream), stage.night, time.monotonic()
    try:
        if night is not None:
            line.say(f"-- {folder.name}, {list(stage.scenes).index(folder) + 1} of {len(stage.scenes)}")
        _run(stage, config, folder, scene, items, line)
    except KeyboardInterrupt:
        line.say("interrupted; everything that was acknowledged is kept: continue with --resume")
        raise
    except SoakError as problem:
        if night is not None:
            line.say(night.lost(folder, problem))
            return
        if problem.exit_code == pytest.ExitCode.USAGE_ERROR:
            raise pytest.UsageError(terminal.printable_redacted(str(problem))) from None
        pytest.exit(terminal.printable_redacted(str(problem)), returncode=problem.exit_code)
    except Exception as problem:  # a night goes on with its other suites; it ends with pytest's own code for a crash
        if night is None:
            raise
        line.say(night.lost(folder, problem))
    finally:
        if night is not None:
            night.seconds[folder.name] = time.monotonic() - began


def _run(
    stage: PluginState,
    config: pytest.Config,
    folder: Path,
    scene: SuiteContext,
    items: list[pytest.Item],
    line: terminal.Line,
) -> None:
    # the engine and what it drives are imported only when a run is really done: collection stays quick
    from harness.engine.engine import Engine
    from harness.report import write
    from harness.store import Run, latest, prune_runs

    night = stage.night
    plan = plan_for(_asked(stage, config, folder), scene, items, night.adopted(folder) if night is not None else None)
    resume = config.getoption("resume")
    path = None if resume is None else (latest(plan.reports) if resume == "latest" else plan.reports / resume)
    suite = suite_of(scene.suite)
    if not suite.is_soak:
        stage.runs[folder] = suite.carry_out()(plan, line, path)
        stage.tables[folder] = (stage.runs[folder] / "results.md").read_text(encoding="utf-8")
    else:
        stage.runs[folder] = Engine(plan, line).run(path)
        stage.summaries[folder] = write(stage.runs[folder])
    stage.soaks[folder] = FinishedRun(Run.open(stage.runs[folder]), scene, options.repeated_options(config))
    if night is not None:
        night.runs[folder.name] = stage.runs[folder]
    if config.getoption("keep") is not None:
        prune_runs(plan.reports, config.getoption("keep"), protect=[runs.name for runs in stage.runs.values()])


@pytest.fixture(name="soak")
def finished_soak(request: pytest.FixtureRequest) -> FinishedRun:
    """The finished run of this suite, to be asked about chunks and claims."""
    finished = request.config.stash[_STAGE].soaks.get(request.path.parent)
    if finished is None:
        night = request.config.stash[_STAGE].night
        why = night.problems.get(request.path.parent.name, "") if night is not None else ""
        pytest.fail(f"the run of this suite was not done{': ' + why if why else ''}", pytrace=False)
    finished.properties = request.node.user_properties
    finished.node = node_of(request.node, request.config.invocation_params.dir)
    return finished


@pytest.fixture
def night(request: pytest.FixtureRequest) -> Night:
    """The night as far as it has come: what was compared with what."""
    running = request.config.stash[_STAGE].night
    assert running is not None  # refused at collection
    return running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A faulty chunk shows its message alone, not a traceback through the harness.

    What a night reports without failing is an expected failure: shown, counted, and no reason for exit code 1.
    """
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, FaultFound | ClaimFailed):
        report.longrepr = str(call.excinfo.value)
        night = item.config.stash[_STAGE].night
        if night is not None:
            only = night.reports_only(item)
            if isinstance(call.excinfo.value, ClaimFailed):
                (night.reported if only else night.failed).append(f"{item.path.parent.name}: {call.excinfo.value}")
            if only:
                report.outcome = "skipped"
                report.wasxfail = f"reported only: {str(call.excinfo.value).splitlines()[0]}"
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run in which nothing was judged is never green; a night with a suite that could not be run neither."""
    stage = session.config.stash[_STAGE]
    blind = [
        f"{folder.name}: {name}: nothing was judged"
        for folder, row in stage.summaries.items()
        for name in closing.unjudged(row)
    ]
    blind += [f"{folder.name}: nothing was decided" for folder in stage.tables if not stage.soaks[folder].decided]
    if exitstatus == pytest.ExitCode.OK and blind:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if stage.night is not None:
        stage.night.failed += blind
        if stage.night.code and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            session.exitstatus = stage.night.code
        if stage.night.runs or stage.night.problems:
            try:
                closing.keep_night(stage.night, int(session.exitstatus), session.config.getoption("reports"))
            except (OSError, SoakError) as error:
                stage.night.failed.append(f"the record of the night cannot be written: {error}")
                session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table and where the report is."""
    stage = config.stash[_STAGE]
    for folder, summary in stage.summaries.items():
        closing.summary(terminalreporter, folder.name, summary, stage.runs[folder])
    for folder, table in stage.tables.items():
        closing.experiment(terminalreporter, folder.name, table, stage.runs[folder], stage.soaks[folder].decided)
    if stage.night is not None and (stage.night.runs or stage.night.problems):
        closing.print_night(terminalreporter, stage.night, config.getoption("reports"))


__all__ = ["FinishedRun", "SuiteCase"]
