"""Waiting, within a bound, for what has no event to wait for."""

import time
from collections.abc import Callable

PATIENCE = 20.0  # seconds that a test waits for what takes one


def until(holds: Callable[[], object]) -> bool:
    """Wait until something holds, and say whether it came to that."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
    return True
