"""The embedded voice: text to phones, token layout, and the codecs of published voices of its kind."""
