"""Is anything worse than in the baseline or in the last runs?"""
