"""What would have been missed on this voice?"""


def test_every_class_is_found_at_its_preset_dose(soak, variant):
    """The lower bound of each class's recall at its preset dose reaches the limit; the message names those below."""
    soak.claim(variant, "recall")


def test_clean_speech_raises_no_alarm(soak, variant):
    """Clean chunks raise no more alarms than the limit allows, all classes together."""
    soak.claim(variant, "false-alarms")
