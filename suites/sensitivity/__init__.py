"""Which faults would have been noticed on this voice?"""
