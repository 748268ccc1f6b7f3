"""Token range: speech tokens that the codec does not have."""

from harness.faults.base import BaseFault, Family, NotApplicable, Seen, Source, payload
from harness.types import View


class TokenRange(BaseFault):
    name = "token-range"
    title = "speech tokens outside the codec's range"
    family = Family.TOKENS
    causes = ("text or control tokens taken for speech", "wrong offset of a codebook", "a damaged vocabulary")
    observes = ("tokens",)
    unit = "tokens out of range"
    physical_limit = 0.0
    sources = (Source("gaps and device asserts", "https://github.com/canopyai/Orpheus-TTS/issues/230"),)

    def measure(self, view: View) -> Seen:
        books = payload(view, "tokens").get("codebooks") or []
        counts = [book.get("out_of_range") for book in books]
        if not counts or any(count is None for count in counts):
            raise NotApplicable("the backend gives no token values, or no codebook sizes")
        worst = [f"codebook {i}: {count} of size {books[i].get('size')}" for i, count in enumerate(counts) if count]
        return Seen(float(sum(counts)), None, "; ".join(worst) or "all within range")
