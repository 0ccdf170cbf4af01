"""Checks before a migration of a database in use: of its address, and of its files."""
