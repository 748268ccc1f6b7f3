"""Try every case and print right or wrong; exit code 1 where one is wrong."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.cases.catalogue import CASES, Case, Speech
from tools.cases.ears import listening_cases
from tools.cases.material import recordings

SHARED = Path("shared/speech"), Path("../shared/speech")


def tried(case: Case, speech: Speech) -> tuple[str, str]:
    """Return ``right``, ``wrong`` or ``left out`` with what was seen."""
    if case.needs_speech and not speech:
        return "left out", "no recordings (--speech FOLDER)"
    good, answer = case.check(speech)
    return ("right" if good else "wrong"), answer


def main(arguments: list[str] | None = None) -> int:
    """Print one line a case and the counts; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.cases", description=__doc__)
    parser.add_argument("names", nargs="*", help="only cases whose name holds one of these")
    parser.add_argument("--speech", type=Path, help="folder with recordings (ljspeech/*.flac, metadata.csv)")
    parser.add_argument(
        "--recognizer", metavar="SPEC", help="also listen, with this recognizer: whisper is that of runs"
    )
    asked = parser.parse_args(arguments)
    folder = asked.speech or next((path for path in SHARED if path.is_dir()), None)
    speech = recordings(folder) if folder is not None else {}
    counts = {"right": 0, "wrong": 0, "left out": 0}
    for case in (*CASES, *(listening_cases(asked.recognizer) if asked.recognizer else ())):
        if asked.names and not any(name in case.name for name in asked.names):
            continue
        word, answer = tried(case, speech)
        counts[word] += 1
        print(f"{word:8}  {case.name}  [{case.right}]  {answer if word != 'right' else answer[:100]}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
