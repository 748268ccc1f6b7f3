"""The Ray cluster: connect to it, what its nodes offer, and whether they hold what this machine holds."""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, TypedDict

from harness.core.errors import ConfigError
from harness.core.registry import plugin_packages
from harness.engine.fingerprint import code_sha256, model_hashes
from harness.store.provenance import PACKAGES, packages

if TYPE_CHECKING:
    from harness.core.records import Variant

EXTRA = "pip install tts-soak[ray]"
_START = "start one with `ray start --head`, and the others with `ray start --address HEAD:6379`"
_TOLD_BY_US = "Raylet is terminated|has been marked dead"  # else with 20 lines of a node's log
_KNOCK = 10.0  # s for the cluster's head to take a connection
PROBE_SECONDS = 120.0  # for every node to start Python and hash the models


class _RayNode(TypedDict):
    """One node as Ray describes it."""

    NodeID: str
    NodeManagerHostname: str
    Resources: dict[str, float]
    Alive: bool


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One node that is alive, as Ray describes it. ``resources``: amounts by Ray's names, used or not."""

    id: str
    host: str
    resources: Mapping[str, float]


@dataclass(frozen=True)
class NodeContents:
    """What decides that a node speaks and scores as this machine would: code, packages, models by their hash."""

    code: str
    packages: Mapping[str, str]
    models: Mapping[str, Mapping[str, str]]  # variant -> key of its settings -> SHA-256

    def differences(self, other: NodeContents) -> list[str]:
        """Say what ``other`` (a node) lacks or has in another version, in words."""
        lines = []
        if other.code != self.code:
            lines.append("has another version of tts-soak; install the same wheel there")
        wrong = [f"{name} {theirs or 'missing'} (here {ours})" for name, ours, theirs in _unlike(self, other)]
        if wrong:
            lines.append(f"has other packages: {', '.join(wrong[:5])}")
        for variant, hashes in self.models.items():
            for key, sha256 in hashes.items():
                theirs = other.models.get(variant, {}).get(key)
                if theirs != sha256:
                    what = "does not have" if theirs is None else "has other contents in"
                    lines.append(f"{what} the file of variants.{variant}.{key}; it must be at the same path everywhere")
        return lines


def _unlike(here: NodeContents, there: NodeContents) -> list[tuple[str, str, str | None]]:
    return [
        (name, version, there.packages.get(name))
        for name, version in here.packages.items()
        if there.packages.get(name) != version
    ]


def node_contents(variants: tuple[Variant, ...]) -> NodeContents:
    """Return what this machine holds of what these variants need."""
    installed = {name: str(version) for name, version in packages([*PACKAGES.split(), *plugin_packages()]).items()}
    return NodeContents(code_sha256(), installed, {variant.name: model_hashes(variant) for variant in variants})


def import_ray() -> ModuleType:
    """Return the module ``ray``. Raises ConfigError naming the extra where it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", _TOLD_BY_US)  # read when the module is imported
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise ConfigError(f"--ray needs Ray, which is not installed: {EXTRA} ({error})") from None


def connect(address: str) -> ModuleType:
    """Connect this process to a running cluster, once; returns the module ``ray``.

    Raises ConfigError where Ray is not installed, the address cannot be one, or nobody answers there.
    """
    ray = import_ray()
    if "://" in address:
        raise ConfigError(
            f"--ray {address}: the run must be driven from a node of the cluster, by HOST:PORT or auto; from outside: "
            "ray job submit -- pytest suites/stress --ray auto"
        )
    if address != "auto":
        _refuse_silent(address)
    if not ray.is_initialized():
        try:
            ray.init(address=address, namespace="tts-soak", log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # whatever the library raises for an address where no cluster is
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise ConfigError(f"--ray {address}: no Ray cluster answers there ({reason}); {_START}") from None
    return ray


def _refuse_silent(address: str) -> None:
    """Raise ConfigError for what is no HOST:PORT, or where nothing listens; Ray itself would wait for a minute."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"--ray {address}: must be auto or HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"--ray {address}: nothing listens there ({error}); {_START}") from None


def living_nodes(ray: ModuleType) -> list[ClusterNode]:
    """Return every node that is alive."""
    described: list[_RayNode] = ray.nodes()
    return [
        ClusterNode(node["NodeID"], node["NodeManagerHostname"], node["Resources"])
        for node in described
        if node["Alive"]
    ]


def serves(need: Mapping[str, float], node: ClusterNode) -> bool:
    """Return whether a node, with nothing else on it, has these resources."""
    return all(node.resources.get(name, 0.0) >= amount for name, amount in need.items())


def named(node: ClusterNode) -> str:
    """Return how a node is called in messages: host and the head of its id."""
    return f"{node.host} ({node.id[:8]})"


def probe(ray: ModuleType, variants: tuple[Variant, ...]) -> list[str]:
    """Ask every living node what it holds; returns a line for each thing in which one differs from this machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = {}
    for node in living_nodes(ray):
        there = NodeAffinitySchedulingStrategy(node.id, soft=False)
        task = ray.remote(num_cpus=0, max_retries=0)(node_contents)
        asked[named(node)] = task.options(scheduling_strategy=there).remote(variants)
    here, lines = node_contents(variants), list[str]()
    for name, answer in asked.items():
        try:
            lines += [f"node {name} {line}" for line in here.differences(ray.get(answer, timeout=PROBE_SECONDS))]
        except Exception as error:
            lines.append(f"node {name} cannot run tts-soak: {_short(error)}; install the same wheel on every node")
    return lines


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
