"""Everything about a plan that can be refused before the first request, found at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from harness.backends import ADAPTERS
from harness.core.errors import ConfigError, SoakError, nearest
from harness.core.records import ScorerOptions, Variant
from harness.engine.cores import SERVED, starts_server
from harness.engine.executor import executor_of
from harness.engine.plan import Plan
from harness.engine.scoring import ROOMS
from harness.scorers import SCORERS
from harness.verdicts.claims.rows import Margins


def problems(plan: Plan) -> list[str]:
    """Return one line for each thing that cannot work; empty for a plan that may start. Nothing is loaded or spoken."""
    lines: list[str] = []
    for look in _looks(plan):
        try:
            look()
        except SoakError as error:
            lines += str(error).splitlines()
    return list(dict.fromkeys(lines))


def refuse(plan: Plan) -> None:
    """Raise ConfigError with every problem of the plan, one a line."""
    lines = problems(plan)
    if lines:
        raise ConfigError("\n".join(lines))


def _looks(plan: Plan) -> Iterator[Callable[[], object]]:
    for variant in plan.variants:
        yield partial(_adapter, plan, variant)
    for name, options in plan.scorers.items():
        yield partial(_scorer, name, options)
    yield partial(Margins.read, plan.margins)
    yield lambda: executor_of(plan).check(plan)
    if plan.shards > 1:
        yield partial(_shards, plan)
    if plan.clients > 1:
        yield partial(_many_clients, plan)


def _many_clients(plan: Plan) -> None:
    """Several clients need one server that is there already, and nothing that follows a single session."""
    if plan.experiment or plan.stop_early:
        what = "--stop-early" if plan.stop_early else f"the suite {plan.suite}"
        raise ConfigError(f"--clients {plan.clients}: {what} follows one session; several clients are for stress")
    for variant in plan.variants:
        if variant.adapter not in SERVED or starts_server(variant):
            why = "starts a server of its own (key start)" if starts_server(variant) else "is no server"
            need = "several clients need a running one (adapter http or websocket, with url alone)"
            raise ConfigError(f"--clients {plan.clients}: variant {variant.name!r} {why}; {need}")


def _shards(plan: Plan) -> None:
    """Shards are sessions of one variant's own chunks; nothing else may divide these, or follow a single session."""
    if plan.clients > 1:
        raise ConfigError(f"--shards {plan.shards}: --clients {plan.clients} divides the chunks already")
    if plan.stop_early:
        raise ConfigError(f"--shards {plan.shards}: --stop-early follows one session")


def _scorer(name: str, options: ScorerOptions) -> None:
    scorer = SCORERS.get(name)
    if scorer.name != name or scorer.room not in ROOMS:
        wrong = f"names itself {scorer.name!r}, room is {scorer.room!r}{nearest(str(scorer.room), ROOMS)}"
        raise ConfigError(f"scorer {name!r}: {wrong}")
    scorer(**options)


def _adapter(plan: Plan, variant: Variant) -> None:
    adapter = ADAPTERS.get(variant.adapter, f"{variant.source}: variants.{variant.name}.adapter")
    adapter.check(variant)
    look = getattr(adapter, "check_chunks", None)
    if look is not None:
        look(variant, [chunk.id for chunk in plan.chunks(variant) or plan.corpus.chunks])
