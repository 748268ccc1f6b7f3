"""Would we see it? Known faults are planted in a living session, and every one has to be found."""


def test_every_planted_fault_is_found(soak, variant):
    """The classes that were planted are found in the chunks where they were planted."""
    soak.claim(variant, "planted-faults")
