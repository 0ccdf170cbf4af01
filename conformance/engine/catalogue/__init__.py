"""Catalogue of a live schema: tables, labels, functions, rights, and the rules that these serve."""
