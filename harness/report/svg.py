"""Charts drawn by matplotlib as SVG that follows the page's theme and its content security policy.

matplotlib writes colours and inline styles; here stand-in colours become CSS variables (so that one drawing serves
light, dark and print), and style attributes become presentation attributes (a policy without 'unsafe-inline' would
drop them). Text stays text.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, FAINT, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = tuple(f"#05000{number}" for number in range(8))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--line)",
    PAPER: "var(--paper)",
    **{colour: f"var(--s{number})" for number, colour in enumerate(SERIES)},
}
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_DROPPED = {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style", f"{{{_SVG}}}title"}
_FONT_SIZE = re.compile(r"([\d.]+)px")


def new_plot(width: float, height: float) -> Figure:
    """Return an empty figure in inches, drawn without any display; its text follows the page."""
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "tts-soak",
            "axes.facecolor": "none",
            "font.size": 9,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": FAINT,
            "xtick.color": FAINT,
            "ytick.color": FAINT,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "grid.color": GRID,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.parse_math": False,  # names come from users: "$" is not mathematics
        }
    )
    return Figure(figsize=(width, height), facecolor="none", layout="constrained")


def markup(drawing: Figure, name: str, label: str) -> str:
    """Return the drawing as an ``<svg>`` element for a page. ``name`` keeps its ids apart, ``label`` is read out."""
    buffer = io.StringIO()
    drawing.savefig(buffer, format="svg", metadata={"Date": None})
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in root.iter():
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    for element in root.iter():
        _tidy(element, name)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.attrib.update({"class": "chart", "role": "img", "aria-label": label})
    return ElementTree.tostring(root, encoding="unicode")


def _tidy(element: ElementTree.Element, name: str) -> None:
    for part in element.attrib.pop("style", "").split(";"):
        key, _, value = part.partition(":")
        key, value = key.strip(), value.strip()
        if key in ("font", "font-size"):
            size = _FONT_SIZE.search(value)
            if size is not None:
                element.set("font-size", size.group(1))
        elif key and key != "font-family":
            element.set(key, value)
    for key, value in list(element.attrib.items()):
        if key == "id":
            element.set(key, f"{name}-{value}")
        elif key.endswith("href") and value.startswith("#") and element.tag == f"{{{_SVG}}}use":
            element.set(key, f"#{name}-{value[1:]}")
        elif value.startswith("url(#"):
            element.set(key, f"url(#{name}-{value[5:]}")
        else:
            element.set(key, _VARIABLES.get(value.lower(), value))
    if element.tag == f"{{{_SVG}}}a":
        element.set("tabindex", "-1")  # the review queue holds the same links for the keyboard
        element.attrib.pop("target", None)
