"""Migration files, and the command that brings a database up to date with them."""
