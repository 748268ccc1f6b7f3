"""The fault catalogue: a class a file, found by listing this folder, and the classes of installed packages.

Files that start with ``_`` hold shared parts.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from functools import cache
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING

from harness.core.errors import ConfigError, nearest
from harness.core.paths import DATA
from harness.core.records import Relation
from harness.core.registry import Registry
from harness.detectors.base import BaseFault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.core.records import Detection, DetectorInput
    from harness.detectors.base import Detector

NOT_CLASSES = {"base", "readable", "reading"}
GROUP = "tts_soak.detectors"


@cache
def catalogue() -> Mapping[str, Detector]:
    """Return all fault classes by name, sorted.

    Raises ValueError for two classes of one name and for a file without one.
    """
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    own = collect(importlib.import_module(f"{__name__}.{name}") for name in names if name not in NOT_CLASSES)
    return _with_plugins(own)


def _with_plugins(own: Mapping[str, Detector]) -> Mapping[str, Detector]:
    """Add the classes of installed packages. Raises ConfigError, naming the package, for one that cannot look.

    None is left out in silence: what a class would have found would then count as clean.
    """
    added: dict[str, Detector] = {}
    for name, entry in Registry[type[BaseFault]]("detector", GROUP).plugins().items():
        if name in own:
            raise ConfigError(f"{entry}: the detector {name!r} is there already, from tts-soak itself")
        kind = entry.load()
        if not (inspect.isclass(kind) and issubclass(kind, BaseFault)):
            raise ConfigError(f"{entry}: is no detector: a subclass of harness.detectors.base.BaseFault is needed")
        lacking = [key for key in ("name", "title", "family") if not hasattr(kind, key)]
        if lacking or kind.name != name:
            why = f"lacks {', '.join(lacking)}" if lacking else f"is named {kind.name!r}, not as its entry point"
            raise ConfigError(f"{entry}: the detector {why}")
        added[name] = kind()
    everything = {**own, **added}
    for name, fault in added.items():
        for other in fault.explains:
            if other not in everything:
                raise ConfigError(f"detector {name!r} explains {other!r}, no fault class{nearest(other, everything)}")
    return MappingProxyType({name: everything[name] for name in sorted(everything)})


def collect(modules: Iterable[ModuleType]) -> Mapping[str, Detector]:
    """Return the fault classes defined in ``modules`` by name. Raises ValueError as :func:`catalogue`."""
    detectors: dict[str, tuple[Detector, str]] = {}
    for module in modules:
        classes = [
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if issubclass(kind, BaseFault) and kind.__module__ == module.__name__ and not kind.__name__.startswith("_")
        ]
        if len(classes) != 1:
            raise ValueError(f"{module.__name__} must define exactly one fault class, it defines {len(classes)}")
        fault = classes[0]()
        if fault.name in detectors:
            raise ValueError(
                f"fault {fault.name!r} is defined twice: in {detectors[fault.name][1]} and {module.__name__}"
            )
        expected = module.__name__.rpartition(".")[2].replace("_", "-")
        if fault.name != expected:
            raise ValueError(f"{module.__name__} defines fault {fault.name!r}; its file must be named after it")
        detectors[fault.name] = (fault, module.__name__)
    ordered = {name: detectors[name][0] for name in sorted(detectors)}
    _check_explains(ordered)
    return MappingProxyType(ordered)


def _check_explains(faults: Mapping[str, Detector]) -> None:
    for fault in faults.values():
        for other in fault.explains:
            if other not in faults:
                raise ValueError(f"fault {fault.name!r} explains {other!r}, which is not in the catalogue")


def get(name: str) -> Detector:
    """Return the class of that name. Raises ConfigError with the nearest name."""
    faults = catalogue()
    if name not in faults:
        raise ConfigError(f"unknown fault {name!r}{nearest(name, faults)}")
    return faults[name]


def detect_all(view: DetectorInput) -> list[Detection]:
    """Return the evidence of every class in one attempt, in the catalogue's order.

    Never raises for what the attempt holds.
    """
    return [fault.evidence(view) for fault in catalogue().values()]


def explain(fault: Detector) -> str:
    """Return what a user wants to know of one class, as plain text; the report uses the same."""
    lines = [f"{fault.name}: {fault.title}", f"seen in: {fault.family.value}" + _needs(fault)]
    lines += ["likely causes:", *(f"  - {cause}" for cause in fault.causes)]
    if fault.judged_by:
        lines.append(f"judged over the whole run: {fault.judged_by}")
    else:
        lines.append(f"measured: {fault.unit} (larger is worse), {_RELATIONS[fault.relation]}")
    if fault.physical_limit is not None:
        lines.append(f"limit by physics: {fault.physical_limit:.4g}")
    if fault.default_margin is not None:
        lines.append(f"default against the reference: {fault.default_margin:.3g}")
    if fault.default_limit is not None:
        long = fault.default_long_limit
        told = f", of texts of more than {long[0]} words {long[1]:.3g}" if long is not None else ""
        lines.append(f"default without a reference: {fault.default_limit:.3g}{told}")
    for injector in fault.injectors:
        doses = ", ".join(f"{dose:g}" for dose in injector.doses)
        named = f", as {injector.name!r}" if injector.name else ""
        said = f"{injector.unit}: {doses} (preset {injector.preset:g})"
        lines.append(f"injected in: {injector.stage.value}{named}; {said}")
    figure = measured().get(fault.name)
    lines.append(f"found: {figure}" if figure else "found: not measured (`tts-soak sensitivity`)")
    if fault.explains:
        lines.append(f"explains: {', '.join(fault.explains)}")
    lines += [f"source: {source.what}" + (f" <{source.link}>" if source.link else "") for source in fault.sources]
    return "\n".join(lines)


@cache
def measured() -> Mapping[str, str]:
    """Return what was measured of each class, one line, from the last `python -m tools.sensitivity table`."""
    path = DATA / "sensitivity.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


_RELATIONS = {
    Relation.ABSOLUTE: "taken as it is",
    Relation.EXCESS: "less the reference's on the same text",
    Relation.RATIO: "divided by the reference's on the same text",
    Relation.DISTANCE: "its distance from the reference's on the same text",
}


def _needs(fault: Detector) -> str:
    return f" (needs: {', '.join(fault.observes)})" if fault.observes else ""
