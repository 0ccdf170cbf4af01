"""Failures that were found once, and are replayed by every run."""
