"""Measure how well causes are found: ``python -m tools.causes shrink --out FOLDER``, ``... bisect --out FILE``.

Rows are appended to a file as they come; what is there is not measured again. The table comes last.
"""

from __future__ import annotations

import click

from tools.causes.bisect import bisect
from tools.causes.shrink import shrink


@click.group()
def main() -> None:
    """Measure how well causes are found."""


main.add_command(shrink)
main.add_command(bisect)

if __name__ == "__main__":
    main()
