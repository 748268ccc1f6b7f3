"""Results of a suite as they lie in ``results.json``, read back as what wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

Result = TypeVar("Result")


def stored_results(kind: type[Result], results: object) -> dict[str, Result]:
    """Return the results that are whole, by name: what another version wrote otherwise has no picture."""
    adapter = TypeAdapter(kind)
    whole: dict[str, Result] = {}
    for name, one in results.items() if isinstance(results, Mapping) else ():
        try:
            whole[name] = adapter.validate_python(one)
        except ValidationError:
            continue
    return whole
