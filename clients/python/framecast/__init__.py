"""The tables as an app of Django."""
