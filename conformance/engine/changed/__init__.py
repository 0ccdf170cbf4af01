"""Differences between two schemas, and the rules that they may have changed."""
