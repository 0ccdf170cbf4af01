"""Rows that go, or change, by a foreign key when a statement takes the rows that they refer to.

The rehearsal follows the keys of the migrations. A target may have tables of others, of which only
its own catalogue tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pglast import ast
from pglast.enums import CmdType, DropBehavior

from conformance.engine.gate.parts import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conformance.engine.audit.target import Connection
    from conformance.engine.gate.row_changes import RowChange

# Of the keys that lead to a table: the table that has them, its columns and those that they name,
# what becomes of its rows, and which columns it sets then.
KEYS: Final = """
    SELECT k.oid::bigint, k.conname::text, k.conrelid::regclass::text,
        array_agg(own.attname::text ORDER BY p.place),
        array_agg(named.attname::text ORDER BY p.place), k.confdeltype::text, k.confupdtype::text,
        coalesce(array_agg(own.attname::text) FILTER (WHERE own.attnum = ANY (k.confdelsetcols)),
            array_agg(own.attname::text))
      FROM pg_constraint AS k
      CROSS JOIN unnest(k.conkey, k.confkey) WITH ORDINALITY AS p (own, named, place)
      JOIN pg_attribute AS own ON own.attrelid = k.conrelid AND own.attnum = p.own
      JOIN pg_attribute AS named ON named.attrelid = k.confrelid AND named.attnum = p.named
     WHERE k.contype = 'f' AND k.confrelid = to_regclass(%s) AND NOT EXISTS (
        SELECT FROM pg_constraint AS whole
         WHERE whole.oid = k.conparentid AND whole.confrelid = k.confrelid
     )
     GROUP BY k.oid ORDER BY 2
"""
DELETES: Final = "c"  # by the letters of the catalogue
SETS: Final = ("n", "d")  # a null, or the default
ROWS: Final = """
    SELECT c.tableoid, c.ctid FROM {child} AS c JOIN {parent} AS t ON {same}
     WHERE (t.tableoid, t.ctid) IN ({query})
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Rows that a statement takes.

    Attributes:
        table: by its name.
        does: what becomes of the rows.
        query: what selects their places.
        columns: those that change; none where rows go.
        key: by which it comes to them; '' for the statement's own.
    """

    table: str
    does: str
    query: str
    columns: tuple[str, ...] = ()
    key: str = ""


def following(conn: Connection, change: RowChange, own: Taken) -> Iterator[Taken]:
    """Yield what else a statement takes, far as keys lead.

    Args:
        conn: to the target.
        change: the statement.
        own: the rows that it takes itself.
    """
    node = change.node
    if isinstance(node, ast.TruncateStmt):
        if node.behavior == DropBehavior.DROP_CASCADE:
            yield from _emptied(conn, own, set())
    elif isinstance(node, ast.DeleteStmt) or (
        isinstance(node, ast.MergeStmt)
        and any(each.commandType == CmdType.CMD_DELETE for each in node.mergeWhenClauses or ())
    ):
        yield from _after(conn, own, None, set())
    elif isinstance(node, ast.UpdateStmt | ast.InsertStmt):
        yield from _after(conn, own, {str(each.name) for each in change.targets}, set())


def _after(
    conn: Connection, own: Taken, changed: Collection[str] | None, seen: set[int]
) -> Iterator[Taken]:
    """Yield what comes of rows that go, or of which some columns change."""
    for oid, name, child, columns, named, deleted, updated, sets in _keys(conn, own):
        does = deleted if changed is None else updated
        known = oid in seen or (changed is not None and not {*changed} & {*named})
        if known or not (does == DELETES or does in SETS):
            continue
        seen.add(oid)
        same = " AND ".join(
            f"c.{quoted(each)} = t.{quoted(of)}" for each, of in zip(columns, named, strict=True)
        )
        query = ROWS.format(child=child, parent=own.table, same=same, query=own.query)
        if does == DELETES and changed is None:
            found = Taken(child, "deletes", query, (), name)
            yield found
            yield from _after(conn, found, None, seen)
        else:
            found = Taken(
                child, "changes", query, tuple(sets if changed is None else columns), name
            )
            yield found
            yield from _after(conn, found, found.columns, seen)


def _emptied(conn: Connection, own: Taken, seen: set[int]) -> Iterator[Taken]:
    """Yield the tables that TRUNCATE … CASCADE empties as well."""
    for oid, name, child, *_ in _keys(conn, own):
        if oid not in seen:
            seen.add(oid)
            found = Taken(child, "deletes", f"SELECT tableoid, ctid FROM {child}", (), name)
            yield found
            yield from _emptied(conn, found, seen)


def _keys(
    conn: Connection, own: Taken
) -> list[tuple[int, str, str, list[str], list[str], str, str, list[str]]]:
    return conn.execute(KEYS, (own.table,)).fetchall()
