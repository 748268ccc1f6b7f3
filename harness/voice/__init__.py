"""The embedded voice: text to phones, token layout, vocoder."""
