"""Is anything worse than in the baseline or in the last runs? Run by `tts-soak nightly`, after the other suites."""


def test_nothing_got_worse(night, comparison):
    """The figure is within its margin of the baseline's, and of that of the last runs."""
    night.check(comparison)
