"""Progress of a run: a line that is rewritten on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time

EVERY = 100


class Progress:
    """Counts what is done of a total, and says how much time is left."""

    def __init__(self, total: int) -> None:
        """Begin to count."""
        self._total, self._done, self._survived = total, 0, 0
        self._began = time.monotonic()
        self._rewrites = sys.stderr.isatty()

    def step(self, *, survived: bool) -> None:
        """Count one more."""
        self._done += 1
        self._survived += survived
        if self._rewrites:
            sys.stderr.write(f"\r{self} \x1b[K")
        elif self._done % EVERY == 0:
            sys.stderr.write(f"{self}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave no line behind on a terminal."""
        if self._rewrites:
            sys.stderr.write("\r\x1b[K")

    def __str__(self) -> str:
        """Return the counts and the minutes that are left."""
        spent = time.monotonic() - self._began
        left = spent / max(self._done, 1) * (self._total - self._done)
        return (
            f"{self._done} of {self._total}, {self._survived} survived,"
            f" {left / 60:.1f} minutes left"
        )
