"""Reference profiles: what the reference does with each text, a value a seed."""

from harness.verdicts.profile.build import build_profile, from_takes, takes_of
from harness.verdicts.profile.record import Profile, text_key
from harness.verdicts.profile.takes import RunLike, Take, conditions, takes

__all__ = ["Profile", "RunLike", "Take", "build_profile", "conditions", "from_takes", "takes", "takes_of", "text_key"]
