"""From what length on does speech break?"""
