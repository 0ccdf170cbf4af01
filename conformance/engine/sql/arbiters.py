"""The unique indexes of a live schema that ON CONFLICT can be given, in the words that it needs.

A near miss says by which columns a proposed row meets another. Whether a schema has an index of
just these columns, of some rows only, or of expressions over them, is its own affair.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from conformance.engine.sql.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.engine.database.session import Session
    from conformance.engine.sql.conflict import Arbiter
    from conformance.engine.sql.writes import Statement

INDEXES = """
SELECT c.relname::text, i.indimmediate, coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
    (
        SELECT array_agg(pg_get_indexdef(i.indexrelid, k::integer, true) ORDER BY k)
        FROM generate_series(1, i.indnkeyatts) AS k
    )
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = to_regnamespace('public') AND i.indisunique AND i.indisvalid
ORDER BY c.relname, i.indpred IS NOT NULL, i.indexrelid::regclass::text
"""


class NotExpressibleError(Exception):
    """A statement with an ON CONFLICT that none of a table's unique indexes serves."""

    def __init__(self, arbiter: Arbiter) -> None:
        """Say which."""
        columns = ", ".join(arbiter.columns)
        super().__init__(f"no unique index of {arbiter.table} serves ON CONFLICT ({columns})")


class Index(NamedTuple):
    """A unique index: whether it is asked at once, of which rows, and its columns as SQL."""

    is_immediate: bool
    predicate: str
    parts: tuple[str, ...]

    def target(self, columns: Sequence[str]) -> str:
        """Return the target of ON CONFLICT that infers the index from these columns, or ''."""
        if not self.is_immediate or len(columns) != len(self.parts):
            return ""
        matched = [self._part_of(column) for column in columns]
        if len(set(matched) - {""}) != len(columns):
            return ""
        where = f" WHERE {self.predicate}" if self.predicate else ""
        return f"({', '.join(matched)}){where}"

    def _part_of(self, column: str) -> str:
        """Return the part of the index that is a column, or else an expression of it."""
        if quoted(column) in self.parts:
            return quoted(column)
        over = [each for each in self.parts if re.search(rf"\b{re.escape(column)}\b", each)]
        return f"({over[0]})" if len(over) == 1 else ""


class Arbiters:
    """The unique indexes of a schema, by table."""

    def __init__(self, session: Session) -> None:
        """Read them."""
        self._indexes: dict[str, list[Index]] = {}
        for table, is_immediate, predicate, parts in session.fetch(INDEXES):
            names = tuple(map(str, parts)) if isinstance(parts, list) else ()
            index = Index(bool(is_immediate), str(predicate), names)
            self._indexes.setdefault(str(table), []).append(index)

    def aimed(self, body: Sequence[Statement]) -> Sequence[Statement]:
        """Return statements with targets of ON CONFLICT that the schema has.

        Raises:
            NotExpressibleError: It has none that serves one of them.
        """
        if all(each.arbiter is None for each in body):
            return body
        return [self._aimed(each, each.arbiter) for each in body]

    def aimed_if_possible(self, body: Sequence[Statement]) -> Sequence[Statement]:
        """Return the same; a statement that no index serves stays as it is, and is refused."""
        try:
            return self.aimed(body)
        except NotExpressibleError:
            return body

    def _aimed(self, statement: Statement, arbiter: Arbiter | None) -> Statement:
        if arbiter is None or arbiter.table not in self._indexes:
            return statement
        indexes = self._indexes[arbiter.table]
        target = _first(index.target(arbiter.columns) for index in indexes)
        before, _, action = statement.sql.rpartition(arbiter.clause)
        if not target:
            raise NotExpressibleError(arbiter)
        if not arbiter.is_named:
            return statement
        return replace(statement, sql=f"{before}ON CONFLICT {target}{action}")


def _first(targets: Iterable[str]) -> str:
    return next(filter(None, targets), "")
