"""``tts-soak shrink``: the smallest text, history and seed that still show a finding."""
