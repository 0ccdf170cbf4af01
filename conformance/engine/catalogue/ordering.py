"""Another order for the writes of a transaction, for schemas whose keys do not wait for COMMIT."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import COLUMNS
from conformance.engine.sql.writes import (
    Delete,
    Insert,
    Path,
    PlainWrite,
    Statement,
    Update,
    Write,
    statements,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


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
    if not isinstance(bare, Insert | Update | Delete) or bare.table not in COLUMNS:
        return 0
    return [*COLUMNS].index(bare.table)  # each after its parents
