"""Results of a suite as they lie in ``results.json``, read back as what wrote them."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.core.records import Json

Result = TypeVar("Result")


def stored_results(kind: type[Result], results: Json) -> dict[str, Result]:
    """Return the results that are whole, by name: what another version wrote otherwise has no picture."""
    adapter = TypeAdapter(kind)
    whole: dict[str, Result] = {}
    for name, one in results.items():
        try:
            whole[name] = adapter.validate_python(one)
        except ValidationError:
            continue
    return whole
