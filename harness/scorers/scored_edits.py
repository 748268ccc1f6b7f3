"""Edits with what two models grant them: the second is asked about what looks likely to the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.core.records import Samples, Span
from harness.core.records.payloads import LikelyEdit
from harness.scorers.word_edits import EditKind, WordEdit
from harness.text.characters import letters_and_digits
from harness.text.english import is_number

if TYPE_CHECKING:
    from harness.scorers.edit_reader import EditReader, WordReading

# A second model is asked about edits that gain more than this; with less, both together would hardly be a finding.
# Whisper tends to write a word that was said twice only once, so for a repetition a gain below 0 may still be one.
DOUBTFUL = {
    EditKind.OMIT: -1.5,
    EditKind.REPEAT: -7.0,
    EditKind.INSERT: -4.0,
    EditKind.REPLACE: 2.0,
    EditKind.END: -1.5,
}


@dataclass(frozen=True)
class ScoredEdit:
    """An edit with its gain in nats by the first and, where it was asked, the second model."""

    edit: WordEdit
    gain: float
    second: float | None = None

    @property
    def agreed(self) -> float:
        """Return what both models grant it."""
        return self.gain if self.second is None else min(self.gain, self.second)

    def to_json(self, times: Sequence[Span]) -> LikelyEdit:
        """Return plain JSON; the span is that of its words, or the border where something was put in."""
        first, after = self.edit.first, self.edit.after
        start = times[first][0] if first < len(times) else times[-1][1]
        end = times[after - 1][1] if after > first else start
        return {
            "kind": self.edit.kind.value,
            "ref": [first, after],
            "said": list(self.edit.said),
            "gain": round(self.gain, 2),
            "second": None if self.second is None else round(self.second, 2),
            "span": [round(start, 2), round(max(start, end), 2)],
        }


def second_asked(
    scored: Sequence[ScoredEdit], second: EditReader | None, audio: Samples, words: Sequence[str]
) -> list[ScoredEdit]:
    """Return the edits with a second model's gain for those that look likely."""
    doubtful = [one for one in scored if one.gain > DOUBTFUL[one.edit.kind]]
    if second is None or not any(could_tell(one.edit, words) for one in doubtful):
        return list(scored)
    reading = second.read(audio, words)
    others = [one.edit for one in doubtful if one.edit.kind is not EditKind.END]
    gains = dict(zip(others, reading.gains(others), strict=True))
    ends = {one.edit: reading.end_at(one.edit.first) for one in doubtful if one.edit.kind is EditKind.END}
    for edit in others:
        if edit.kind is EditKind.INSERT:
            gains[edit] = max([gains[edit], *reading.gains(_in_its_own_words(reading, edit))])
    return [replace(one, second=(gains | ends).get(one.edit)) for one in scored]


def could_tell(edit: WordEdit, words: Sequence[str]) -> bool:
    """Return whether an edit alone could be a finding: a word taken for another of its length is only misheard."""
    if edit.kind is not EditKind.REPLACE:
        return True
    written, said = " ".join(words[edit.first : edit.after]), " ".join(edit.said)
    longer = len(letters_and_digits(said)) > len(letters_and_digits(written))
    return longer or any(is_number(word) for word in re.findall(r"\w+", f"{written} {said}".casefold()))


def _in_its_own_words(reading: WordReading, edit: WordEdit) -> list[WordEdit]:
    """Return the insertion as this model would write it; nothing where it goes on with the text as written.

    Two recognizers seldom agree on how an unexpected word is spelled, and would veto each other.
    """
    said = reading.continued(edit.first)
    wanted = letters_and_digits(reading.words[edit.first]) if edit.first < len(reading.words) else ""
    spoken = [letters_and_digits(word) for word in said]
    width = spoken.index(wanted) if wanted in spoken else 0
    return [WordEdit(EditKind.INSERT, edit.first, edit.first, said[:width])] if width else []
