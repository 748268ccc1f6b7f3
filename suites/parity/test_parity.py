"""Do two implementations compute the same: stage by stage, end to end, and to a speaker encoder?"""


def test_every_stage_stays_within_its_tolerance(soak, pair):
    """No stage leaves its tolerance; the message names the first that does, and whether its error is born there."""
    soak.claim(pair, "stages")


def test_the_pair_sounds_the_same(soak, pair):
    """End to end, judged apart from the stages: log-mel, level, length, tokens."""
    soak.claim(pair, "end-to-end")


def test_the_variant_sounds_like_the_reference(soak, variant):
    """Where both drew the same tokens, the sound is the same."""
    soak.claim(variant, "end-to-end")


def test_the_speaker_is_the_references(soak, variant):
    """No loss beyond the encoder's own floor and the reference's own ceiling."""
    soak.claim(variant, "speaker")
