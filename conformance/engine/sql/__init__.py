"""Statements as data: their shapes, their outcomes, and what a schema has to write to."""
