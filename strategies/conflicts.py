"""Rows that are proposed to a table, and dropped or turned into an update where one is there."""

from __future__ import annotations

import re
from typing import Final

from conformance.engine.sql.conflict import Arbiter
from conformance.engine.sql.writes import Insert, RawSql, statements

# What a job meets its like by, where it has a key: without a target too.
ONCE: Final = ("triggered_by", "idempotency_key")
TARGET: Final = re.compile(r"\((?P<columns>[^)]*)\) DO ")


def proposed(insert: Insert, action: str = "DO NOTHING") -> RawSql:
    """Return an insert that would rather do something else than meet a row with one of its keys.

    Args:
        insert: the row, or the rows.
        action: what it would do, such as `(id) DO NOTHING`; with columns, the keys are these.
    """
    (statement,) = statements(insert)
    target = TARGET.match(action)
    arbiter = None
    if target:
        arbiter = Arbiter(insert.table, tuple(target["columns"].split(", ")))
    elif any(row.get(ONCE[-1]) for row in insert.rows):
        arbiter = Arbiter(insert.table, ONCE, is_named=False)
    return RawSql(f"{statement.sql} ON CONFLICT {action}", arbiter)
