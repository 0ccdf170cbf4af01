"""Rejections as data for programs: each name that the schema refuses by, and its answer."""
