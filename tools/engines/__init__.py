"""Real engines on the bench: quantizations of real neural voices, and one table over all engines."""
