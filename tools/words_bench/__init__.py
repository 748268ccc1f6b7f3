"""How well single words are found: texts spoken with a word left out, added, said twice, cut off or misread."""
