"""Phases that try mutants of this schema, and the records of those that survive."""
