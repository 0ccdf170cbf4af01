"""Rows of today that pending files delete or change, asked of the target itself.

The states of a rehearsal are drawn from the rules: which row a file picks by its name, its age or
its value, only the data in use can tell. Each UPDATE and DELETE, also of a block, is turned into a
query for the rows that it would meet.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from pglast import ast, parse_plpgsql, parse_sql
from pglast.parser import ParseError
from pglast.stream import RawStream

from conformance.engine.audit.findings import SHOWN, Fault
from conformance.engine.audit.snapshot import GIVE_UP
from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate.keys import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver

Node: TypeAlias = Any  # a DeleteStmt or UpdateStmt of pglast: what they share has no type

COLUMNS = """
    SELECT attname::text FROM pg_attribute
     WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
NAMED = "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.oid = to_regclass(%s)"
QUERY = "query"  # what libpg_query calls the text of a statement in a body


@dataclass(frozen=True, slots=True)
class Taking:
    """A statement that deletes or changes rows.

    Attributes:
        file: the migration's name.
        line: where the statement begins, or the block around it.
        table: as the statement names it.
        node: the statement.
    """

    file: str
    line: int
    table: str
    node: Node = field(compare=False)

    @property
    def relation(self) -> str:
        """The table's name alone."""
        return str(self.node.relation.relname)

    @property
    def columns(self) -> list[str] | None:
        """The columns that it changes; None where whole rows come and go."""
        if isinstance(self.node, ast.UpdateStmt):
            return [each.name for each in self.node.targetList or ()]
        return None


def of_files(files: Sequence[Migration]) -> list[Taking]:
    """Return the statements that delete or change rows."""
    return [taking for file in files for taking in _of_file(file)]


def ask(
    conn: Connection, takings: Sequence[Taking], waivers: Sequence[Waiver]
) -> tuple[list[Fault], list[str]]:
    """Return the rows of a target that statements would take, and what could not be asked.

    Args:
        conn: in the snapshot of an audit.
        takings: the statements.
        waivers: of the files.

    Raises:
        psycopg.Error: the server did not answer in time, or is gone.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    for each in takings:
        place = f"{each.file}:{each.line}"
        there = conn.execute(NAMED, (each.table,)).fetchone()
        if there is None:
            continue  # a pending file makes it: it has no rows today
        table = str(there[0]).removeprefix("public.")
        columns = {name for (name,) in conn.execute(COLUMNS, (each.table,)).fetchall()}
        query = "" if isinstance(each.node, ast.MergeStmt) else _query(each.node, columns)
        if not query:
            continue
        try:
            with conn.transaction():
                count, keys = _rows(conn, each.table, query)
        except GIVE_UP:
            raise
        except psycopg.Error as error:
            said = error.diag.message_primary or str(error)
            notes.append(f"{place}: what it does to rows of {table} today cannot be asked: {said}")
            continue
        does = "deletes" if isinstance(each.node, ast.DeleteStmt) else "changes"
        rows = "1 row" if count == 1 else f"{count:,} rows"
        changed = _changed(each.node, columns)
        named = {f"DATA {table}", *(f"DATA {table}.{column}" for column in changed)}
        what = f"{does} {rows} of today's in {table}"
        waiver = next((w for w in waivers if w.file == each.file and w.what in named), None)
        if not count:
            notes.append(f"{place}: {does} no row of today's in {table}")
        elif waiver is None:
            remedy = f"keep them, or say why they may go: -- waives DATA {table}: reason"
            faults.append(Fault(place, what, remedy, tuple(keys), count))
        else:
            notes.append(f"{waiver} (excuses: {what})")
    return faults, notes


def _of_file(file: Migration) -> Iterator[Taking]:
    try:
        parsed = parse_sql(file.sql)
    except ParseError:
        return  # the trial says so
    for raw in parsed:
        for node in _within(raw.stmt, file.sql[raw.stmt_location :][: raw.stmt_len or None]):
            name = [part for part in (node.relation.schemaname, node.relation.relname) if part]
            table = ".".join(map(_quoted, name))
            yield Taking(file.name, line_of(file.sql, raw.stmt_location or 0), table, node)


def _within(node: Any, text: str) -> Iterator[Node]:
    """Yield what of a statement deletes or changes rows: itself, a part of it, or of its body."""
    if isinstance(node, ast.DeleteStmt | ast.MergeStmt | ast.UpdateStmt):
        yield node
    if isinstance(node, ast.DoStmt):
        yield from _of_body(text)
    for cte in getattr(getattr(node, "withClause", None), "ctes", None) or ():
        yield from _within(cte.ctequery, "")


def _of_body(text: str) -> Iterator[Node]:
    try:
        queries = list(_queries(parse_plpgsql(text)))
    except ParseError:  # of another language
        return
    for query in queries:
        with suppress(ParseError):  # an expression alone
            for raw in parse_sql(query):
                yield from _within(raw.stmt, "")


def _queries(tree: Any) -> Iterator[str]:
    """Yield the statements of a body."""
    if isinstance(tree, list):
        for each in tree:
            yield from _queries(each)
    elif isinstance(tree, dict):
        for name, each in tree.items():
            if name == QUERY and isinstance(each, str):
                yield each
            else:
                yield from _queries(each)


def _query(node: Node, columns: set[str]) -> str:
    """Return what selects the places of rows that a statement takes; '' where it loses none."""
    table = str(RawStream()(node.relation))
    called = node.relation.alias.aliasname if node.relation.alias else node.relation.relname
    deletes = isinstance(node, ast.DeleteStmt)
    others = (node.usingClause if deletes else node.fromClause) or ()
    conditions = [str(RawStream()(node.whereClause))] if node.whereClause else []
    if not deletes:
        differs = [
            _differs(f"{_quoted(called)}.{_quoted(each.name)}", each.val)
            for each in node.targetList
            if each.name in columns
        ]
        if not differs:
            return ""  # columns that pending files add
        conditions.append(" OR ".join(differs))
    where = " AND ".join(f"({each})" for each in conditions) or "true"
    if others:
        there = ", ".join(str(RawStream()(each)) for each in others)
        where = f"EXISTS (SELECT FROM {there} WHERE {where})"
    return f"{_quoted(called)}.ctid FROM {table} WHERE {where}"


def _differs(column: str, value: Any) -> str:
    if isinstance(value, ast.SetToDefault | ast.MultiAssignRef):
        return "true"
    return f"{column} IS DISTINCT FROM ({RawStream()(value)})"


def _changed(node: Node, columns: set[str]) -> list[str]:
    """Return the columns that a waiver may name instead of the table."""
    if isinstance(node, ast.DeleteStmt):
        return []
    names = [each.name for each in node.targetList if each.name in columns]
    return names if len(names) == 1 else []


def _rows(conn: Connection, table: str, query: str) -> tuple[int, list[str]]:
    """Count rows of `t`, and return the keys of the first."""
    found = conn.execute(KEY, (table,)).fetchone()
    key = found[0] if found and found[0] else "t.ctid::text"
    counted = (
        f"SELECT count(*), (array_agg(key ORDER BY key))[:{SHOWN}] FROM (SELECT {key} "
        f"FROM {table} AS t WHERE t.ctid IN (SELECT {query})) AS taken (key)"
    )
    count, keys = conn.execute(counted.encode()).fetchall()[0]
    return int(count), list(keys or ())


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))
