"""The tokens scorer: what the speech tokens say before any audio is heard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.records import TokenLayout, Tokens
from harness.core.records.payloads import CodebookFigures, Cycle, TokensPayload
from harness.scorers.activity import true_stretches
from harness.scorers.base import Clip
from harness.scorers.clip import significant

CUT_OFF = frozenset({"length", "max_tokens", "max_length", "max_new_tokens", "limit"})
ENDED = frozenset({"stop", "eos", "end", "end_turn", "stop_token", "complete", "completed"})
LONGEST_PERIOD = 2000  # frames; longer loops are heard as repeated text


class TokensScorer:
    """Count, rate, spread per codebook, exact cycles and whether the cap was hit.

    A frame is the tokens of all codebooks at one step. ``entropy_bits`` is Shannon's over the codes of a codebook.
    ``cycle`` is the exact back-to-back repeat of frames that covers most time (at least twice); frames of codes that
    the layout calls silent belong to no cycle and no run. From a backend that only counts, the rest is None.
    """

    name = "tokens"
    version = "1"
    room = "analysis"
    needs = frozenset({"tokens"})

    def setup(self) -> None:
        """Prepare nothing."""

    def observe(self, clip: Clip) -> TokensPayload:
        """Return the payload."""
        attempt, layout = clip.attempt, clip.layout
        tokens = _as_frames(attempt.tokens)
        count = (
            attempt.token_count if attempt.token_count is not None else (tokens.size if tokens is not None else None)
        )
        cap = layout.cap if layout else None
        duration = clip.duration if clip.duration is not None else attempt.duration
        payload: TokensPayload = {
            "count": count,
            "frames": len(tokens) if tokens is not None else None,
            "tokens_per_second": significant(count / duration) if count is not None and duration else None,
            "finish_reason": attempt.finish_reason,
            "cap": cap,
            "cap_hit": _cap_hit(count, cap, attempt.finish_reason),
            "codebooks": None,
            "cycle": None,
            "longest_run": None,
            "length_mismatch": None,
        }
        if tokens is None:
            return payload
        ids = frame_ids(tokens, layout)
        payload["codebooks"] = codebook_figures(tokens, layout)
        payload["cycle"] = longest_cycle(ids, layout.frame_seconds if layout else None)
        payload["longest_run"] = _longest_run(ids)
        if layout is not None and duration is not None:
            payload["length_mismatch"] = significant(duration - len(tokens) * layout.frame_seconds)
        return payload


def _as_frames(tokens: Tokens | None) -> Tokens | None:
    """Return tokens of shape (frames, codebooks); one codebook may come as (frames,)."""
    if tokens is None:
        return None
    return tokens[:, None] if tokens.ndim == 1 else tokens


def _cap_hit(count: int | None, cap: int | None, finish_reason: str | None) -> bool | None:
    """Say whether generation was cut off; None where neither cap nor finish reason tells."""
    reason = (finish_reason or "").lower()
    if reason in CUT_OFF or (cap is not None and count is not None and count >= cap):
        return True
    told = reason in ENDED or (cap is not None and count is not None)
    return False if told else None


def codebook_figures(tokens: Tokens, layout: TokenLayout | None) -> list[CodebookFigures]:
    """Return for each codebook size, min, max, unique codes, entropy in bits, and codes outside [0, size).

    ``size`` and ``out_of_range`` are None for a codebook that the layout does not know.
    """
    sizes = layout.codebook_sizes if layout else ()
    rows: list[CodebookFigures] = []
    for index in range(tokens.shape[1]):
        size = sizes[index] if index < len(sizes) else None
        codes, counts = np.unique(tokens[:, index], return_counts=True)
        shares = counts / max(1, counts.sum())
        outside = int(counts[(codes < 0) | (codes >= size)].sum()) if size is not None else None
        rows.append(
            {
                "size": size,
                "min": int(codes[0]) if len(codes) else None,
                "max": int(codes[-1]) if len(codes) else None,
                "unique": len(codes),
                "entropy_bits": significant(float(-(shares * np.log2(shares)).sum()) + 0.0) if len(codes) else None,
                "out_of_range": outside,
            }
        )
    return rows


def frame_ids(tokens: Tokens, layout: TokenLayout | None) -> NDArray[np.int64]:
    """Return a number for each frame, shape (frames,): equal for equal frames; negative and unique for silent ones."""
    if tokens.shape[1] == 1:
        ids = tokens[:, 0].astype(np.int64)
        ids -= ids.min() if len(ids) else 0
    else:
        ids = np.unique(tokens, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if layout is not None and layout.silent:
        silent = np.flatnonzero(np.isin(tokens[:, 0], layout.silent))
        ids[silent] = -1 - silent
    return ids


def longest_cycle(ids: NDArray[np.int64], frame_seconds: float | None = None) -> Cycle:
    """Find the back-to-back repeat that covers most frames: ``period`` (frames), ``repeats`` >= 2, ``span`` (s).

    Ties go to the shortest period. Without any repeat, period and repeats are 0 and the span is None. ``repeats``
    counts whole rounds; the span includes a round begun. Looks at periods up to 2,000 frames.
    """
    covered, period, start = 0, 0, 0
    for candidate in range(1, min(len(ids) // 2, LONGEST_PERIOD) + 1):
        same = ids[candidate:] == ids[:-candidate]
        if np.count_nonzero(same) < candidate:  # too few for one whole round, as at nearly every period
            continue
        differ = np.flatnonzero(~same)
        edges = np.concatenate(([-1], differ, [len(ids) - candidate]))
        gaps = np.diff(edges) - 1
        at = int(gaps.argmax())
        long = int(gaps[at])
        if long >= candidate and long + candidate > covered:
            covered, period, start = long + candidate, candidate, int(edges[at]) + 1
    if not period:
        return {"period": 0, "repeats": 0, "span": None}
    span = (
        [significant(start * frame_seconds), significant((start + covered) * frame_seconds)] if frame_seconds else None
    )
    return {"period": period, "repeats": covered // period, "span": span}


def _longest_run(ids: NDArray[np.int64]) -> int:
    """Return the most equal frames in a row."""
    if not len(ids):
        return 0
    lengths = true_stretches(np.diff(ids) == 0)[1]
    return int(lengths.max()) + 1 if len(lengths) else 1
