"""Another order for the writes of a transaction, for schemas whose keys do not wait for COMMIT."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from conformance.sql.writes import (
    Delete,
    Insert,
    Path,
    PlainWrite,
    Statement,
    Update,
    Write,
    statements,
)
from strategies.tables import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

RANKS = {table: rank for rank, table in enumerate(COLUMNS)}  # each after its parents


def parents_first(writes: Sequence[Write], path: Path) -> list[Statement]:
    """Return the statements of a transaction whose last write takes the path, parents first.

    Of inserts and updates in a row, parents come before children; of deletes in a row, after them.
    """
    *before, last = writes
    carried = [(write, statements(write)) for write in before]
    carried.append((last, statements(last, path)))
    ordered: list[Statement] = []
    for kind, group in groupby(carried, key=lambda each: _kind(each[0])):
        run = list(group)
        if kind in ("writes", "deletes"):
            run.sort(key=lambda each: _rank(each[0]), reverse=kind == "deletes")
        ordered += [statement for _, each in run for statement in each]
    return ordered


def _bare(write: Write) -> Write:
    return write.write if isinstance(write, PlainWrite) else write


def _kind(write: Write) -> str:
    bare = _bare(write)
    if isinstance(bare, Insert | Update):
        return "writes"
    return "deletes" if isinstance(bare, Delete) else "others"


def _rank(write: Write) -> int:
    bare = _bare(write)
    return RANKS.get(bare.table, 0) if isinstance(bare, Insert | Update | Delete) else 0
