"""Memory of what has hung in this run, which is not waited for again.

Where a trigger never comes to its end, each start of each test would wait until its timeout: hours
in all. So transactions that write what has hung twice are not sent, and say so with one message.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from conformance.engine.domain.chosen import conventions
from conformance.engine.sql.outcomes import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.engine.sql.writes import Statement

WRITTEN: Final = re.compile(
    r"\b(INSERT INTO|UPDATE|DELETE FROM|MERGE INTO|COPY|TRUNCATE|SELECT)\s+(?:ONLY\s+)?"
    r"(\w+\.\w+)"
)
# However rows come into a table, the same triggers see them.
ADDING: Final = frozenset({"INSERT INTO", "MERGE INTO", "COPY"})
CANCELED: Final = "57014"
# Once may be the machine that stood still.
OFTEN: Final = 2


class Stuck:
    """The kinds of transactions of one database that ran until their timeout, with how often."""

    def __init__(self) -> None:
        """Begin with none."""
        self._hung: Counter[frozenset[str]] = Counter()

    def note(self, body: Sequence[Statement]) -> None:
        """Remember a transaction that was canceled for the time it took."""
        written = _written(body)
        if written:
            self._hung[written] += 1

    def refuses(self, body: Sequence[Statement]) -> Inconclusive | None:
        """Return what is said of a transaction that would hang; None where nobody knows that."""
        written = _written(body) if self._hung else frozenset()
        for hung, times in self._hung.items():
            if times >= OFTEN and hung <= written:
                told = ", ".join(sorted(hung))
                return Inconclusive(CANCELED, f"not tried again: {told} ran until its timeout")
        return None


def _written(body: Sequence[Statement]) -> frozenset[str]:
    return frozenset(
        f"{'INSERT INTO' if verb in ADDING else verb} {name}"
        for statement in body
        for verb, name in WRITTEN.findall(statement.sql)
        if name.partition(".")[0] in conventions().schemas
    )
