"""Sweeping of the dead rows that resets leave behind, which every later query has to step over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

CHANGES: Final = "conformance.changes"
# After so many resets where all violation queries look, and after so many in all other tables.
CHANGES_EVERY, ALL_EVERY = 15, 300
# From this version on VACUUM can leave out what it counts of the whole database each time.
COUNTS_LESS = 160_000


class Sweeper:
    """Vacuums the tables that are written, now and then.

    Never the whole database: races keep copies of their starts there, thousands of tables that
    nobody writes, and to look at each takes seconds.
    """

    def __init__(self, connection: psycopg.Connection, tables: Iterable[str]) -> None:
        """Sweep some tables, and the change log, over a connection."""
        self._connection = connection
        less = connection.info.server_version >= COUNTS_LESS
        self._vacuum = "VACUUM (SKIP_DATABASE_STATS)" if less else "VACUUM"
        self._all = ", ".join((*tables, CHANGES))
        self._resets = 0

    def count(self) -> None:
        """Count a reset, and sweep if it is time to."""
        self._resets += 1
        if self._resets % ALL_EVERY == 0:
            self._connection.execute(f"{self._vacuum} {self._all}")
        elif self._resets % CHANGES_EVERY == 0:
            self._connection.execute(f"{self._vacuum} {CHANGES}")
