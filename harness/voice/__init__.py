"""The embedded voice: text to phones, token layout, vocoder (pure functions, layer 1)."""
