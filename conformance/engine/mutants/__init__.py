"""Mutants: the schema made a little weaker in every place, to see whether the suite notices."""
