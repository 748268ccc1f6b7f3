"""Signs that a voice reads aloud: "equals" for ``=``, "minus" before ``-14``. The words of a text do not hold them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.text.characters import letters_and_digits
from harness.text.markup import spoken_text
from harness.text.signs import sign_names

ALIKE = 90.0  # % of the letters of a name, which the recognizer may write as "equal" for "equals"


@dataclass(frozen=True, slots=True)
class SpokenSigns:
    """The pieces of a text between spaces, and which of them are its words; signs that stand alone are none."""

    pieces: tuple[str, ...]
    at: tuple[int, ...]  # of each word, its index among the pieces
    language: str

    @classmethod
    def of(cls, text: str, words: Sequence[str], language: str) -> SpokenSigns:
        """Return the signs of a text; none where its words are not the pieces between its spaces."""
        pieces = tuple(spoken_text(text).split())
        at = tuple(index for index, piece in enumerate(pieces) if re.search(r"\w", piece))
        return cls(pieces, at, language) if len(at) == len(words) else cls((), (), language)

    def without_names(self, said: Sequence[str], first: int, after: int) -> tuple[str, ...]:
        """Return what is left of the words said at [first, after) without names of signs in or beside them."""
        if not said:  # most edits leave words out or say them again
            return ()
        from rapidfuzz.fuzz import ratio

        names = self._names(first, after)
        return tuple(word for word in said if not any(ratio(letters_and_digits(word), name) >= ALIKE for name in names))

    def _names(self, first: int, after: int) -> frozenset[str]:
        if not self.at:
            return frozenset()
        start = self.at[first - 1] if first else 0
        end = self.at[after] + 1 if after < len(self.at) else len(self.pieces)
        signs = {sign for piece in self.pieces[start:end] for sign in piece if not sign.isalnum()}
        names = {name for sign in signs for name in sign_names(sign, self.language)}
        return frozenset(letters_and_digits(word) for name in names for word in name.split())
