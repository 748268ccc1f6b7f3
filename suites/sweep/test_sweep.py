"""At which settings is the backend safe?"""


def test_there_is_a_safe_region(soak, variant):
    """At some of the settings the fault rate is below the limit; the message names them."""
    soak.claim(variant, "safe-region")


def test_words_are_understood_at_every_setting(soak, variant):
    """No setting has a word error rate clearly above that of the best one."""
    soak.claim(variant, "words")
