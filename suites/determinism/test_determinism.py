"""Under one seed, does a text always give the same speech, whatever was spoken before?"""


def test_same_text_and_seed_give_the_same_speech(soak, variant):
    """Every arm gives the tokens or samples of a fresh process; the message names what else it is."""
    soak.claim(variant, "determinism")


def test_nothing_of_the_previous_text_is_left(soak, variant):
    """No state of the previous chunk reaches the next one."""
    soak.claim(variant, "no-bleed")


def test_different_texts_give_different_speech(soak, variant):
    """No two texts give the same samples."""
    soak.claim(variant, "distinct-texts")


def test_fresh_processes_agree(soak, variant):
    """Two fresh processes give the same speech."""
    soak.claim(variant, "fresh-agree")


def test_a_repeat_is_the_same(soak, variant):
    """The same text again, at once, gives the same speech."""
    soak.claim(variant, "repeat")


def test_other_texts_between_change_nothing(soak, variant):
    """After a longer text and after a shorter one the speech is that of a fresh process."""
    soak.claim(variant, "after-others")


def test_a_reload_restores_the_fresh_speech(soak, variant):
    """After another text and a reload the speech is that of a fresh process; the message says whether that cures it."""
    soak.claim(variant, "reload")


def test_the_number_of_threads_changes_nothing(soak, variant):
    """Another thread count gives the same speech."""
    soak.claim(variant, "threads")


def test_companions_change_nothing(soak, variant):
    """A probe computed in one batch with another request gives the same speech."""
    soak.claim(variant, "companions")


def test_a_long_session_ends_as_it_began(soak, variant):
    """Chunks late in a long session are those of a fresh process."""
    soak.claim(variant, "long-session")
