"""At which settings does speech break?"""
