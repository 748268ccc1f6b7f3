"""What a suite test raises; light to import, because every report of every pytest session is looked at for it."""


class FaultFound(AssertionError):
    """A chunk's speech is faulty; the message is the whole report of the item."""


class ClaimFailed(AssertionError):
    """A statement about the whole run does not hold."""
