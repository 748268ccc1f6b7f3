"""What the hooks do for suites: read what they ask about, refuse what cannot work, and carry out their runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import ConfigError, SoakError
from harness.core.suites import suite_of
from harness.plugin import options
from harness.plugin.claims_asked import unknown_claims
from harness.plugin.handle import FinishedRun
from harness.plugin.options import SuiteOptions
from harness.plugin.selection import SuiteContext, limits_file, limits_named, other_problems, pairs_of, plan_for
from harness.plugin.state import PluginState

if TYPE_CHECKING:
    from harness import terminal


def parametrize_suite(stage: PluginState, metafunc: pytest.Metafunc) -> None:
    """Ask for every chunk of every variant (fixture ``chunk``), every variant, or every pair."""
    scene = _scene(stage, metafunc.config, metafunc.definition.path.parent)
    if scene is None:
        metafunc.parametrize([name for name in ("chunk", "variant", "pair") if name in metafunc.fixturenames], [])
    elif "chunk" in metafunc.fixturenames:
        metafunc.parametrize("chunk", scene.asks(), ids=str)
    elif "variant" in metafunc.fixturenames:
        metafunc.parametrize("variant", [variant.name for variant in scene.variants])
    elif "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", _pairs(stage, metafunc.config, scene))


def _pairs(stage: PluginState, config: pytest.Config, scene: SuiteContext) -> list[str]:
    try:
        return pairs_of(_asked(stage, config, scene.folder), scene.folder, scene.suite)
    except SoakError as problem:
        stage.problem = stage.problem or problem
        return []


def ask_the_night(stage: PluginState, metafunc: pytest.Metafunc) -> None:
    """Ask for every figure of every variant that the night compares; its suites were collected before this one."""
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


def unknown_claims_of(stage: PluginState, session: pytest.Session) -> Iterator[str]:
    """Yield a line for each claim that a selected test names and its suite does not make."""
    for folder, scene in stage.scenes.items():
        yield from unknown_claims((i for i in session.items if i.path.parent == folder), suite_of(scene.suite))


def refused_of_suite(
    stage: PluginState, config: pytest.Config, folder: Path, scene: SuiteContext, session: pytest.Session
) -> list[str]:
    """Return what cannot work of one suite, found before anything is spoken."""
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


def carry_out_all(stage: PluginState, session: pytest.Session) -> None:
    """Do the run of every selected suite; a night compares them at the end."""
    config = session.config
    for folder, scene in stage.scenes.items():
        items = [item for item in session.items if item.path.parent == folder]
        if items:
            _carry_out(stage, config, folder, scene, items)
    if stage.night is not None:
        stage.night.compare(config.getoption("reports"))


def _carry_out(
    stage: PluginState, config: pytest.Config, folder: Path, scene: SuiteContext, items: list[pytest.Item]
) -> None:
    from harness import terminal  # as the engine: not at collection

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
    asked = _asked(stage, config, folder)
    plan = plan_for(asked, scene, items, night.adopted(folder) if night is not None else None)
    resume = config.getoption("resume")
    path = None if resume is None else (latest(plan.reports) if resume == "latest" else plan.reports / resume)
    suite = suite_of(scene.suite)
    with limits_named(limits_file(asked, scene.folder), asked.margins):
        stage.runs[folder] = (Engine(plan, line).run if suite.is_soak else partial(suite.carry_out(), plan, line))(path)
    if not suite.is_soak:
        stage.tables[folder] = (stage.runs[folder] / "results.md").read_text(encoding="utf-8")
    else:
        stage.summaries[folder] = write(stage.runs[folder])
    stage.soaks[folder] = FinishedRun(Run.open(stage.runs[folder]), scene, options.repeated_options(config))
    if night is not None:
        night.runs[folder.name] = stage.runs[folder]
    if config.getoption("keep") is not None:
        prune_runs(plan.reports, config.getoption("keep"), protect=[runs.name for runs in stage.runs.values()])
