"""What does a quantization cost, against the reference on the same texts and seeds?"""


def test_token_counts_are_the_references(soak, variant):
    """On average a chunk has as many speech tokens as the reference gives it."""
    soak.claim(variant, "token-count")


def test_no_chunk_is_near_empty(soak, variant):
    """Near-empty chunks are no more frequent than between seeds of the reference."""
    soak.claim(variant, "near-empty")


def test_no_generation_runs_to_its_cap(soak, variant):
    """Generations that end at the cap are no more frequent than the reference's."""
    soak.claim(variant, "cap-hits")


def test_faults_are_no_more_frequent(soak, variant):
    """Chunks that look faulty are no more frequent than the reference's."""
    soak.claim(variant, "faults")


def test_words_are_understood_as_well(soak, variant):
    """The word error rate is within the margin of the reference's."""
    soak.claim(variant, "wer")


def test_the_voice_is_the_same(soak, variant):
    """The speaker is as similar to the reference's as the reference is to itself."""
    soak.claim(variant, "same-voice")


def test_predicted_opinion_is_no_worse(soak, variant):
    """The predicted MOS is within the margin of the reference's (needs --mos)."""
    soak.claim(variant, "mos")


def test_the_next_token_is_as_likely(soak, variant):
    """Fed with the reference's own speech, it expects the next token as the reference does (needs llama-cpp-python)."""
    soak.claim(variant, "divergence")
