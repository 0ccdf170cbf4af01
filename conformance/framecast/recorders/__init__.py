"""Plugins of pytest: fixtures and summaries of machines, hostile runs and races."""
