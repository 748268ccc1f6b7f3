"""python -m tools.words_bench {speak,hear,table,voices} FOLDER ...: see --help."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.words_bench.copies import copies, counts_of


def main() -> None:
    """Speak the copies, listen to them, and count what was found; each step goes on where it was left."""
    parser = argparse.ArgumentParser(prog="python -m tools.words_bench", description=__doc__)
    parser.add_argument("step", choices=("speak", "hear", "table", "voices"))
    parser.add_argument("folder", type=Path, help="where clips and results are kept")
    parser.add_argument("--corpus", default="book", help="as for a run: a name, a recipe, a file; default: book")
    parser.add_argument("--first", type=int, default=101, help="chunk of the corpus to begin with, counted from 1")
    parser.add_argument("--last", type=int, help="chunk of the corpus to end with")
    parser.add_argument("--counts", metavar="KIND=N,...", help="copies of each kind; those not named are left out")
    parser.add_argument("--piper", nargs=2, metavar=("PROGRAM", "MODEL"), help="without it Piper's share is left out")
    parser.add_argument("--foreign", type=Path, help="folder with the folders espeak-de, kokoro-ja, espeak-ru of clips")
    parser.add_argument("--clips", type=Path, nargs="+", default=[], help="voices: folders of ID.wav and metadata.csv")
    parser.add_argument("--asr", help="the recognizer, as for a run")
    parser.add_argument("--most", type=int, help="only the first N copies; all kinds have about the same share of them")
    parser.add_argument("--skip", type=int, default=0, help="table: do not count the first N copies")
    parser.add_argument("--by-engine", action="store_true", help="table: what was found by name, an engine a column")
    options = parser.parse_args()
    chosen = copies(options.corpus, options.first, options.last, counts_of(options.counts))[: options.most]
    if options.step == "speak":
        from tools.words_bench.speaking import speak_all

        speak_all(chosen, options.folder, tuple(options.piper) if options.piper else None, options.foreign)
    elif options.step == "hear":
        from tools.words_bench.hearing import hear_all

        hear_all(chosen, options.folder, options.asr)
    elif options.step == "voices":
        from tools.words_bench.voices import hear_voices

        print(hear_voices(options.clips, options.folder, options.asr, options.most))
    else:
        from tools.words_bench.table import table, table_by_engine

        if options.by_engine:
            print(table_by_engine(chosen, options.folder))
        else:
            print(table(chosen, options.folder, options.skip))


if __name__ == "__main__":
    main()
