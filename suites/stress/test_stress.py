"""Hundreds of consecutive chunks spoken by one living backend: which are bad, and does it get worse with time?"""


def test_chunk_is_clean(soak, chunk):
    """No fault is found in the chunk's speech."""
    soak.check(chunk)


def test_fault_rate_is_no_higher_than_the_references(soak, variant):
    """Faulty chunks are no more frequent than the reference's own, within the margin."""
    soak.claim(variant, "fault-rate")


def test_enough_chunks_were_judged(soak, variant):
    """The share of chunks that could be judged is large enough to believe the rest."""
    soak.claim(variant, "judged-share")


def test_nothing_drifts_over_the_session(soak, variant):
    """Loudness, speaker, word errors, speech rate, token rate and speed do not change with position."""
    soak.claim(variant, "drift")


def test_memory_does_not_grow(soak, variant):
    """The backend's memory has no upward slope over the session."""
    soak.claim(variant, "memory")
