"""Fuzz one door, or ``all``, with atheris (pip install atheris): what it comes upon goes to ``tests/fuzz_corpus/DOOR``.

With ``all`` the seconds are shared by the doors, one after the other, and a line says how each ended.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2] / "tests" / "fuzz_corpus"


def main() -> None:
    """Run libFuzzer on the door for the seconds given; it ends the process with 1 where something was raised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("door", help="one of tools/fuzz/doors.py, or all")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--out", type=Path, default=None, help="folder of new inputs (default: none are kept)")
    asked = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("python -m tools.fuzz needs atheris: pip install atheris")
    if asked.door == "all":
        sys.exit(_all(asked.seconds))
    with atheris.instrument_imports(include=["harness", "json", "tomllib"], enable_loader_override=False):
        from tools.fuzz.doors import DOORS
    if asked.door not in DOORS:
        parser.error(f"no door {asked.door!r}; there are {', '.join(sorted(DOORS))}")
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


def _all(seconds: int) -> int:
    from tools.fuzz.doors import DOORS

    wrong = 0
    for door in sorted(DOORS):
        share = max(1, seconds // len(DOORS))
        command = [sys.executable, "-m", "tools.fuzz", door, "--seconds", str(share)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = done.stderr.splitlines()
        runs = next((line for line in reversed(lines) if line.startswith(("Done ", "#"))), "")
        print(f"{door}: {'nothing raised' if done.returncode == 0 else 'RAISED'}: {runs}", flush=True)
        if done.returncode:
            wrong += 1
            print("\n".join(lines[-30:]), flush=True)
    print(f"{len(DOORS)} doors, {wrong} of them raised", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
