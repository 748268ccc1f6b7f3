"""Do two implementations compute the same?"""
