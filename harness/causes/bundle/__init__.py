"""``tts-soak bundle``: one zip that hands a finding to a maintainer who has never heard of tts-soak."""
