"""Which part of the backend is it: language model, vocoder or loading?"""
