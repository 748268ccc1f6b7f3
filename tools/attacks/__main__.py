"""Run one list of attacks and count tracebacks, hangs, silence, and what can be read; exit code 1 if there is any."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness.store import redact
from tools.attacks import backends, damage
from tools.attacks.secret_texts import SECRET_TEXTS, drawn_secrets, part_left, readable


def main() -> None:
    """Carry out the list that the command line names."""
    if len(sys.argv) != 2 or sys.argv[1] not in ("damage", "backends", "secrets"):
        sys.exit("usage: python -m tools.attacks damage|backends|secrets")
    if sys.argv[1] == "secrets":
        left = [text for text in SECRET_TEXTS if readable(redact(f"before\n{text}\nafter", {}))]
        left += [text for text, secret in drawn_secrets() if part_left(redact(f"before\n{text}\nafter", {}), secret)]
        print(*left, sep="\n", end="\n" if left else "")
        print(f"{len(SECRET_TEXTS) + len(drawn_secrets())} texts with a secret, {len(left)} readable after redaction")
        sys.exit(1 if left else 0)
    counts = {"cases": 0, "tracebacks": 0, "hangs": 0, "silent": 0, "blind": 0}
    with tempfile.TemporaryDirectory(prefix="attacks-") as name:
        folder = Path(name)
        cases = (
            [damage.run_folders(folder), damage.documents(folder)]
            if sys.argv[1] == "damage"
            else [backends.hostile(folder)]
        )
        for row in (row for rows in cases for row in rows):
            answers = list(row["answers"].values())
            bad = {
                "tracebacks": any(answer.startswith("traceback") for answer in answers),
                "hangs": "hang" in answers,
                "silent": bool(row.get("silent")),
                "blind": bool(row.get("blind")),
            }
            counts["cases"] += 1
            for key, is_bad in bad.items():
                counts[key] += is_bad
            if any(bad.values()):
                print(row, flush=True)
    print(", ".join(f"{value} {key}" for key, value in counts.items()))
    sys.exit(1 if sum(list(counts.values())[1:]) else 0)


if __name__ == "__main__":
    main()
