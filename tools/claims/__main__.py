"""Measure what the claims rest on.

python -m tools.claims determinism --repetitions 20     # the suite's verdicts where the answer is known
python -m tools.claims power --write docs/claims.md     # error rates and power of every test, as tables
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run one measurement; exit code 1 where a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m tools.claims", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    hits = commands.add_parser("determinism", help="how often the determinism suite names what was put in")
    hits.add_argument("--repetitions", type=int, default=20)
    hits.add_argument("--variants", type=Path, default=ROOT / "variants.toml")
    hits.add_argument("--out", type=Path, default=None, help="write all rows as JSON, after every repetition")
    power = commands.add_parser("power", help="simulated error rates and power of the tests in harness.stats")
    power.add_argument("--rounds", type=int, default=1000, help="simulated runs a cell at 100 chunks, half at 400")
    power.add_argument("--write", type=Path, default=None, help="replace the tables between the marks of this file")
    given = parser.parse_args()
    if given.command == "determinism":
        from tools.claims.determinism import run

        table = run(given.repetitions, given.variants, given.out)
        print(json.dumps(table, indent=1))
        children, own = resource.getrusage(resource.RUSAGE_CHILDREN), resource.getrusage(resource.RUSAGE_SELF)
        print(f"{children.ru_utime + children.ru_stime + own.ru_utime + own.ru_stime:.0f} s CPU")
        return 0 if table["reached"] else 1
    from tools.claims.tables import tables, write

    text = tables(given.rounds)
    print(text)
    if given.write is not None:
        write(given.write, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
