"""The search: what is the fault bound to, and what is the smallest text, history and seed that still shows it?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from harness.causes.shrink.minimise import minimise
from harness.causes.shrink.pieces import (
    Level,
    TextPiece,
    can_be_cut,
    cut_chunk,
    groups,
    joined,
    marks_of,
    pieces_of,
    tag_groups,
    text_without,
    without,
    without_marks,
)
from harness.causes.shrink.questions import Asker, Question, shown_count
from harness.causes.target import CauseTarget, Earlier, NothingToFind
from harness.core.records import Chunk, seed_for
from harness.stats import Sprt, Stop, clopper_pearson
from harness.text import count_words

REPLAY_SEEDS = 2  # others than its own, as in a soak's replays
CHECK_SEEDS = 4  # with which the smallest text of a fault bound to the text must show it; else its rate is measured
MOST_TRIES = 60  # of one text, in a sequential test
ALPHA, BETA = 0.01, 0.02  # error rates of a sequential test: a healthy text kept, a faulty one dropped
_SEED_TAKES = 200  # takes that give the seeds of the tests


@dataclass
class Smallest:
    """The smallest that shows the fault so far, and how sure that is. ``rate``: (shown, tried) of other seeds."""

    chunk: Chunk
    bound_to: str = "seed"
    earlier: tuple[Earlier, ...] = ()
    seed: int | None = None  # one that shows it
    rate: tuple[int, int] | None = None
    rate_before: tuple[int, int] | None = None  # of the whole text
    test: Sprt | None = None  # that decided each step, where one try does not


@dataclass
class Search:
    """Follows one finding. ``best`` is what is known when the search ends or its budget is spent."""

    asker: Asker
    target: CauseTarget
    seeds: int = 20  # over which a rate is measured
    say: Callable[[str], None] = lambda message: None
    best: Smallest = field(init=False)
    others: tuple[int | None, ...] = field(init=False)  # seeds of the tests
    _answers: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.best = Smallest(self.target.chunk, seed=self.target.attempt.seed)
        variant, chunk_id = self.asker.soak.variant, self.target.chunk.id
        self.others = tuple(seed_for(variant, chunk_id, _SEED_TAKES + number) for number in range(MOST_TRIES))
        self._replays = tuple(seed_for(variant, chunk_id, 101 + number) for number in range(REPLAY_SEEDS))

    def run(self) -> Smallest:
        """Return the smallest that shows the fault.

        Raises NothingToFind where the fault does not come back, BudgetSpent with ``best`` as far as it came.
        """
        own, chunk = self.target.attempt.seed, self.target.chunk
        answers = list(self.asker.tries(Question(chunk, (own, *self._replays))))
        same, others = answers[0] is True, shown_count(answers[1:])
        self.say(
            f"alone in a fresh process: {'shown' if same else 'not shown'}, other seeds {others[0]} of {others[1]}"
        )
        if own is not None and not same:
            return self._by_history()
        if own is None and not (same or others[0]):
            return self._by_history()
        if own is not None and 2 * others[0] > others[1] > 0:
            self.best.bound_to = "text"
            if self._by_text():
                return self.best
            self.say("other seeds do not show it in the smallest text: decided by rates now")
            self.best = Smallest(chunk, seed=own)
        return self._by_rate()

    # ------------------------------------------------------------------ one seed decides
    def _by_text(self) -> bool:
        """Shrink with the seed held; whether other seeds show the result too."""
        self._shrink_text(lambda chunk: self._shows(chunk, self.best.earlier))
        shown, judged = shown_count(list(self.asker.tries(Question(self.best.chunk, self.others[:CHECK_SEEDS]))))
        self.best.rate = (shown, judged) if shown == judged else self._rate(self.best.chunk)
        return _any_seed(*self.best.rate)

    def _shows(self, chunk: Chunk, earlier: tuple[Earlier, ...] = (), again: int = 0) -> bool:
        question = Question(chunk, (self.target.attempt.seed,), earlier, again)
        if question.digest not in self._answers:
            self._answers[question.digest] = self.asker.shows(question)
        return self._answers[question.digest]

    # ------------------------------------------------------------------ a rate decides
    def _by_rate(self) -> Smallest:
        """Shrink what only some seeds show: each step is decided by a sequential test of its rate."""
        best = self.best
        whole = self._rate(self.target.chunk)
        best.rate_before = best.rate = whole
        self.say(f"the whole text shows it with {whole[0]} of {whole[1]} seeds")
        if whole[0] < 2:
            return self._by_its_own_seed()
        if _any_seed(*whole):  # a text that most seeds show is shrunk to one that most seeds show
            test, best.bound_to = Sprt(0.5, 0.9, ALPHA, BETA), "text"
        else:
            bad = max(0.6 * whole[0] / whole[1], 0.05)
            test = Sprt(bad / 8, bad, ALPHA, BETA)
        best.test = test
        self._shrink_text(lambda chunk: self._often_enough(chunk, test))
        best.rate = self._rate(best.chunk)
        if self.target.attempt.seed is None:
            self._refuse_chance(test)
        best.seed = self._showing_seed(best.chunk)
        return best

    def _refuse_chance(self, test: Sprt) -> None:
        """Raise NothingToFind where the rest of the text, without what was found, shows the fault as well."""
        rest = cut_chunk(self.target.chunk, text_without(self.target.chunk.text, self.best.chunk.text))
        if rest is not None and self._often_enough(rest, test):
            shown, tried = self.best.rate_before or (0, 0)
            raise NothingToFind(
                f"{self._name()} comes by chance, in {shown} of {tried} tries, whatever the text: nothing to find"
            )

    def _by_its_own_seed(self) -> Smallest:
        """Keep the seed of a fault so rare that no rate decides: it is part of what shows the fault."""
        if self.target.attempt.seed is None:
            shown, tried = self.best.rate or (0, 0)
            raise NothingToFind(f"{self._name()} came back in {shown} of {tried} tries: too seldom to be shrunk")
        self._shrink_text(lambda chunk: self._shows(chunk))
        self.best.rate = self._rate(self.best.chunk)
        return self.best

    def _rate(self, chunk: Chunk) -> tuple[int, int]:
        """Shown and judged over the seeds."""
        with contextlib.closing(self.asker.tries(Question(chunk, self.others))) as answers:
            return shown_count(list(islice(answers, self.seeds)))

    def _often_enough(self, chunk: Chunk, test: Sprt) -> bool:
        """Whether a text is faulty by the test; what stays open after the most tries is not."""
        question = Question(chunk, self.others)
        if question.digest not in self._answers:
            decision, answers = Stop.GO_ON, []
            with contextlib.closing(self.asker.tries(question)) as tries:
                for answer in tries:
                    answers.append(answer)
                    decision = test.decide(*shown_count(answers))
                    if decision is not Stop.GO_ON:
                        break
            self._answers[question.digest] = decision is Stop.BAD
        return self._answers[question.digest]

    def _showing_seed(self, chunk: Chunk) -> int | None:
        with contextlib.closing(self.asker.tries(Question(chunk, self.others))) as answers:
            return next((seed for seed, shown in zip(self.others, answers, strict=False) if shown), None)

    # ------------------------------------------------------------------ what came before decides
    def _by_history(self) -> Smallest:
        """Find the shortest run of earlier chunks that provokes it, then the shortest text behind them."""
        best, chunk, history = self.best, self.target.chunk, self._provoking()
        best.bound_to, best.earlier = "history", history
        best.earlier = minimise(history, lambda some: self._shows(chunk, some))
        self.say(f"provoked by {len(best.earlier)} of {len(self.target.earlier)} earlier chunks")
        self._shrink_text(lambda shorter: self._shows(shorter, best.earlier))
        times = 1 if self.target.attempt.seed is not None else CHECK_SEEDS
        if all(self._shows(best.chunk, (), again) for again in range(times)):
            return self._without_history()
        after = [self._shows(best.chunk, best.earlier, again) for again in range(1, times + 1)]
        alone = [self._shows(best.chunk, (), again) for again in range(times)]
        if not all(after) or any(alone):
            raise NothingToFind(
                f"{self._name()} is not steady: after the same chunks {sum(after)} of {times} times, "
                f"without them {sum(alone)} of {times}; nothing to find"
            )
        best.rate = (sum(after) + 1, times + 1)
        return best

    def _without_history(self) -> Smallest:
        """Shorten further without history: it is a fault of the text that the whole text did not show alone."""
        self.best.earlier, self.best.bound_to = (), "text"
        self.best.rate = self._rate(self.best.chunk)
        return self.best

    def _provoking(self) -> tuple[Earlier, ...]:
        """Return the last so many chunks before it that provoke it, doubled until they do. Raises NothingToFind."""
        every = self.target.earlier
        count = 1
        while every:
            history = every[-count:]
            if self._shows(self.target.chunk, history):
                return history
            if count >= len(every):
                break
            count *= 2
        tried = f", nor after the {len(every)} chunks that the process spoke before" if every else ""
        raise NothingToFind(f"{self._name()} does not come back in a fresh process{tried}: nothing to find")

    def _name(self) -> str:
        return f"{self.target.run_id}: {self.target.finding.fault} in {self.target.chunk.id!r} of {self.target.variant}"

    # ------------------------------------------------------------------ the text, level by level
    def _shrink_text(self, shows: Callable[[Chunk], bool]) -> None:
        """Make the text of ``best`` as short as it can be; ``best`` is what was reached whenever this ends."""
        if not can_be_cut(self.best.chunk):
            self.say("the corpus says what should be heard of this text, so it is left whole")
            return

        def kept(pieces: Sequence[TextPiece]) -> bool:
            shorter = cut_chunk(self.best.chunk, joined(pieces))
            if shorter is None or (shorter.text != self.best.chunk.text and not shows(shorter)):
                return False
            self.best.chunk = shorter
            return True

        pieces = pieces_of(self.best.chunk.text, self.best.chunk.language)
        for level in (Level.SENTENCES, Level.CLAUSES, Level.WORDS, Level.TAGS):
            pieces = _fewer(pieces, level, kept)
            self._progress(level)
        for digits in (False, True):
            marks = [place for place in marks_of(pieces) if pieces[place[0]].text[place[1]].isdigit() is digits]
            pieces = _fewer_marks(pieces, marks, kept)
        self._progress(Level.CHARACTERS)

    def _progress(self, level: Level) -> None:
        text = self.best.chunk.text
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        count = self.asker.soak.run.attempt_count()
        self.say(f"{level}: {count_words(text)} words left after {count} requests: {shown!r}")


def _any_seed(shown: int, judged: int) -> bool:
    """Whether the seed does not matter: all show it, or more than half beyond doubt (the interval lies above it)."""
    return judged > 0 and (shown == judged or clopper_pearson(shown, judged)[0] > 0.5)


def _fewer(
    pieces: tuple[TextPiece, ...], level: Level, kept: Callable[[Sequence[TextPiece]], bool]
) -> tuple[TextPiece, ...]:
    """Return the pieces that are needed of those that a level leaves out."""
    parts = tag_groups(pieces) if level is Level.TAGS else groups(pieces, level)

    def rest(some: Sequence[tuple[int, ...]]) -> tuple[TextPiece, ...]:
        needed = {place for part in some for place in part}
        return without(pieces, {place for part in parts for place in part} - needed)

    return rest(minimise(parts, lambda some: kept(rest(some)), to_nothing=level is Level.TAGS))


def _fewer_marks(
    pieces: tuple[TextPiece, ...], marks: list[tuple[int, int]], kept: Callable[[Sequence[TextPiece]], bool]
) -> tuple[TextPiece, ...]:
    """Return the pieces with no more of the marks than are needed."""

    def rest(some: Sequence[tuple[int, int]]) -> tuple[TextPiece, ...]:
        return without_marks(pieces, set(marks) - set(some))

    return rest(minimise(marks, lambda some: kept(rest(some)), to_nothing=True))
