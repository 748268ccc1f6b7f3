"""From one word to several minutes, doubling: from what length on does something go wrong?"""


def test_every_length_is_survived(soak, variant):
    """No length makes the backend crash or hang."""
    soak.claim(variant, "survives")


def test_every_length_gives_speech(soak, variant):
    """No length is refused or answered with nothing."""
    soak.claim(variant, "gives-speech")


def test_no_length_is_cut_off(soak, variant):
    """No generation ends at the cap, and no text lacks its end."""
    soak.claim(variant, "not-cut-off")


def test_no_length_degrades(soak, variant):
    """At no length do most texts turn faulty."""
    soak.claim(variant, "no-degradation")


def test_one_and_two_words_are_spoken(soak, variant):
    """The shortest inputs are faulty in no more than the margin of several takes."""
    soak.claim(variant, "short-texts")


def test_compute_time_grows_with_length_only(soak, variant):
    """Compute time grows no faster than about in proportion to the text."""
    soak.claim(variant, "growth")


def test_memory_does_not_grow_faster_than_length(soak, variant):
    """Peak memory grows no faster than about in proportion to the text."""
    soak.claim(variant, "memory")
