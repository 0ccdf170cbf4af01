"""Findings of runs as files: kept where they were found, listed, replayed, dropped when stale."""
