"""Style sheet, script and content security policy of the pages."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from importlib import resources


def static(name: str) -> str:
    """Return a file of ``static/``."""
    return (resources.files("harness.report") / "static" / name).read_text(encoding="utf-8")


def policy(css: str, script: str | None = None) -> str:
    """Return nothing from anywhere but this style sheet, this script, and pictures and sounds beside the page."""

    def pinned(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    parts = ["default-src 'none'", f"style-src {pinned(css)}"]
    if script is not None:
        parts += [f"script-src {pinned(script)}", "img-src 'self' file: data:", "media-src 'self' file: data:"]
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])


def rendered(
    template: str,
    context: Mapping[str, object],
    *,
    script: str | None = None,
    package: str = "harness.report",
    filters: Mapping[str, Callable[..., str]] | None = None,
    also_from: str = "",
) -> str:
    """Return a page of ``package``'s templates with the style sheet, the script and their policy in it.

    ``also_from``: sources beyond those of :func:`policy`, as a policy writes them.
    """
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(loader=PackageLoader(package), autoescape=True, trim_blocks=True)
    environment.filters.update(filters or {})
    css = static("report.css")
    return environment.get_template(template).render(
        context, css=Markup(css), script=Markup(script or ""), policy=policy(css, script) + also_from
    )
