"""Measures what the recognizers hear: word errors, words heard where none were spoken, padding, repeatability."""
