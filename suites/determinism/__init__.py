"""State, sampling or arithmetic: why does the same text sound different?"""
