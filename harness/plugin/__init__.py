"""The pytest plugin: options, fixtures and hooks around the engine. The only place that imports pytest.

The run is done once, after selection is known and before the first item; items only read what it recorded. Where it is
installed, the plugin is in every pytest session: what only suites need is imported where there is a suite.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import SoakError
from harness.plugin import options
from harness.plugin.failures import ClaimFailed, FaultFound
from harness.plugin.state import STATE, PluginState

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

    from harness.plugin.handle import FinishedRun
    from harness.plugin.night import Night


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the soak test."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the state of this session in the stash. A night that cannot be read is exit code 4."""
    stage = config.stash[STATE] = PluginState()
    try:
        options.settle_options(config)
        if config.getoption("nightly") is not None:
            from harness.plugin.night import Night

            stage.night = Night.load(config)
        else:
            options.refuse_night_options(config)
    except SoakError as problem:
        raise _usage_error(str(problem)) from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask for every chunk of every variant (fixture ``chunk``), or every variant (fixture ``variant``)."""
    stage = metafunc.config.stash[STATE]
    compares, soaks = "comparison" in metafunc.fixturenames and _is_ours(metafunc, "night"), _is_ours(metafunc, "soak")
    if compares or soaks:
        from harness.plugin import suite_runs

        if compares:
            suite_runs.ask_the_night(stage, metafunc)
        if soaks:
            suite_runs.parametrize_suite(stage, metafunc)


def _is_ours(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a test asks for this fixture of the plugin, not for one of the same name in another project's tests."""
    definitions = metafunc._arg2fixturedefs.get(fixture, ())
    return bool(definitions) and definitions[-1].func.__module__ == __name__


def pytest_sessionstart(session: pytest.Session) -> None:
    """Refuse what would cut a session into pieces."""
    options.refuse_xdist(session.config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse what cannot work, before anything has run: exit code 4."""
    stage, config = session.config.stash[STATE], session.config
    if stage.problem is not None:
        raise _usage_error(str(stage.problem))
    if not stage.scenes:
        return
    from harness.plugin import suite_runs
    from harness.plugin.caught import say_what_was_caught

    say_what_was_caught(session, stage.scenes)
    unknown = list(suite_runs.unknown_claims_of(stage, session))
    if unknown:
        raise pytest.UsageError("\n".join(unknown))
    if not config.option.collectonly:
        wrong = [
            line
            for folder, scene in stage.scenes.items()
            for line in suite_runs.refused_of_suite(stage, config, folder, scene, session)
        ]
        if wrong:
            raise _usage_error("\n".join(dict.fromkeys(wrong)))


def _usage_error(text: str) -> pytest.UsageError:
    from harness.terminal import printable_redacted

    return pytest.UsageError(printable_redacted(text))


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Do the run of every selected suite, then let the items read it."""
    stage, config = session.config.stash[STATE], session.config
    if stage.scenes and not config.option.collectonly and not session.testsfailed:
        from harness.plugin.suite_runs import carry_out_all

        capture = config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            carry_out_all(stage, session)
    return (yield)


@pytest.fixture(name="soak")
def finished_soak(request: pytest.FixtureRequest) -> FinishedRun:
    """Return the finished run of this suite, to be asked about chunks and claims."""
    finished = request.config.stash[STATE].soaks.get(request.path.parent)
    if finished is None:
        night = request.config.stash[STATE].night
        why = night.problems.get(request.path.parent.name, "") if night is not None else ""
        pytest.fail(f"the run of this suite was not done{': ' + why if why else ''}", pytrace=False)
    from harness.plugin.handle import node_of

    finished.properties = request.node.user_properties
    finished.node = node_of(request.node, request.config.invocation_params.dir)
    return finished


@pytest.fixture(name="night")  # a function of that name would be hidden by the module, once that is imported
def running_night(request: pytest.FixtureRequest) -> Night:
    """Return the night as far as it has come: what was compared with what."""
    running = request.config.stash[STATE].night
    assert running is not None  # refused at collection
    return running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Yield a faulty chunk shows its message alone, not a traceback through the harness.

    What a night reports without failing is an expected failure: shown, counted, and no reason for exit code 1.
    """
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, FaultFound | ClaimFailed):
        report.longrepr = str(call.excinfo.value)
        night = item.config.stash[STATE].night
        if night is not None:
            only = night.reports_only(item)
            if isinstance(call.excinfo.value, ClaimFailed):
                (night.reported if only else night.failed).append(f"{item.path.parent.name}: {call.excinfo.value}")
            if only:
                report.outcome = "skipped"
                report.wasxfail = f"reported only: {str(call.excinfo.value).splitlines()[0]}"
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which nothing was judged, and a night with a suite that could not be run."""
    stage = session.config.stash[STATE]
    if not (stage.summaries or stage.tables or stage.night):
        return
    from harness.plugin import closing

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


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Print the table and where the report is."""
    stage = config.stash[STATE]
    if not (stage.summaries or stage.tables or stage.night):
        return
    from harness.plugin import closing

    for folder, summary in stage.summaries.items():
        closing.summary(terminalreporter, folder.name, summary, stage.runs[folder])
    for folder, table in stage.tables.items():
        closing.experiment(terminalreporter, folder.name, table, stage.runs[folder], stage.soaks[folder].decided)
    if stage.night is not None and (stage.night.runs or stage.night.problems):
        closing.print_night(terminalreporter, stage.night, config.getoption("reports"))
