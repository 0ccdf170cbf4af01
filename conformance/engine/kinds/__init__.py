"""Kinds of rules: what follows from a declaration of each, whatever the schema."""
