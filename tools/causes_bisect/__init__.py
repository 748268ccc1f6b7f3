"""How often a bisect names a cause that was planted."""
