"""Gibberish tail: sound goes on after the last word."""

from harness.faults._heard import hear, need_times, quote
from harness.faults.base import BaseFault, Family, Seen, Source
from harness.types import Relation, View


class GibberishTail(BaseFault):
    name = "gibberish-tail"
    title = "sound goes on after the last word"
    family = Family.TRANSCRIPT
    causes = ("the end of speech was missed", "text without a final stop", "the token cap was the only end")
    observes = ("intelligibility", "signal")
    unit = "s of speech beyond what the last words need"
    relation = Relation.EXCESS
    default_margin = 1.0
    default_limit = 1.2
    sources = (
        Source("murmur after the last word", "https://github.com/resemble-ai/chatterbox/issues/388"),
        Source("voiced for more than 1 s after the last aligned word"),
    )

    def measure(self, view: View) -> Seen:
        heard = need_times(hear(view))
        tail = heard.regions[-1]
        words = heard.words[tail.heard[0] :]
        seconds = max(0.0, -tail.missing)
        start = min(tail.span[0] + tail.expected, tail.span[1])
        heard_as = f", heard as {quote(words)}" if words else ""
        return Seen(seconds, (start, tail.span[1]), f"{seconds:.2f} s after the last word{heard_as}")
