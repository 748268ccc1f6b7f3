"""Fuzz one door with atheris (pip install atheris): what it comes upon goes to ``tests/fuzz_corpus/DOOR``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "fuzz_corpus"


def main() -> None:
    """Run libFuzzer on the door for the seconds given; it ends the process with 1 where something was raised."""
    try:
        import atheris
    except ImportError:
        sys.exit("python -m tools.fuzz needs atheris: pip install atheris")
    with atheris.instrument_imports(include=["harness", "json", "tomllib"], enable_loader_override=False):
        from tools.fuzz.doors import DOORS
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", choices=sorted(DOORS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=None, help="folder of new inputs (default: none are kept)")
    asked = parser.parse_args()
    folder = CORPUS / asked.door
    folder.mkdir(parents=True, exist_ok=True)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
    folders = [str(place) for place in (asked.out, folder) if place is not None]  # new inputs go to the first
    limits = [f"-max_total_time={asked.seconds}", "-max_len=4096", f"-artifact_prefix={folder}/"]
    if asked.out is None:
        folders = []
        seeds = ",".join(str(file) for file in sorted(folder.iterdir()))
        limits += [f"-seed_inputs={seeds}"] if seeds else []
    atheris.Setup([sys.argv[0], *limits, *folders], DOORS[asked.door])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
