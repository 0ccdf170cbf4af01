"""Rows of today that pending files delete or change, asked of the target itself.

The states of a rehearsal are drawn from the rules: which row a file picks by its name, its age or
its value, only the data in use can tell. So each statement that takes rows is turned into a query
for those that it would meet; where that cannot be done, somebody has to say why it may run.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import psycopg
from pglast import ast, parse_sql
from pglast.parser import ParseError

from conformance.engine.audit.findings import SHOWN, Fault
from conformance.engine.audit.snapshot import GIVE_UP
from conformance.engine.deployment.tokens import line_of
from conformance.engine.gate import affected_rows, cascades
from conformance.engine.gate.cascades import Taken
from conformance.engine.gate.excused import settle
from conformance.engine.gate.keys import KEY
from conformance.engine.gate.parts import named as of_relation
from conformance.engine.gate.parts import statements
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver
    from conformance.engine.gate.row_changes import RowChange

COLUMNS: Final = """
    SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
     WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# Keys of a table that ON CONFLICT may name.
KEYS: Final = """
    SELECT k.conname::text, array_agg(a.attname::text)
      FROM pg_constraint AS k JOIN pg_attribute AS a
        ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
     WHERE k.conrelid = to_regclass(%s) AND k.contype IN ('p', 'u') GROUP BY 1
"""
NAMED: Final = "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.oid = to_regclass(%s)"
# Tables of a name in other schemas, which another search_path leads to.
ALSO: Final = """
    SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v') AND n.nspname <> 'public'
       AND n.nspname !~ '^(pg_|information_schema$)' ORDER BY 1
"""
PATH: Final = re.compile(r"\bsearch_path\b", re.IGNORECASE)
AGAIN: Final = "fails, since it inserts the keys of"
OTHER_KEYS: Final = "give them other keys, or say what is to become of them: ON CONFLICT"
BY_NAME: Final = "a pending file makes what leads there"
NONE: Final = "no row"
BY_HAND: Final = "let the statement itself say which rows it takes, or look which they are by hand"
UNASKED: Final = "what it does to rows of {} today cannot be asked: {}"


def ask(
    conn: Connection,
    changes: Sequence[RowChange],
    waivers: Sequence[Waiver],
    files: Sequence[Migration] = (),
) -> tuple[list[Fault], list[str]]:
    """Return the rows of a target that statements would take, or that they cannot be asked.

    Args:
        conn: in the snapshot of an audit.
        changes: the statements.
        waivers: of the files.
        files: that they are from: views and new names of theirs lead to what is there.

    Raises:
        psycopg.Error: the server did not answer in time, or is gone.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    names = _new_names(files)
    moving = {file.name for file in files if PATH.search(file.sql)}
    for each in changes:
        place = f"{each.file}:{each.line}"
        there = conn.execute(NAMED, (each.table,)).fetchone() if each.table else None
        moved = each.file in moving and "." not in each.table
        others = conn.execute(ALSO, (each.relation,)).fetchall() if moved else []
        if others:
            told = UNASKED.format(others[0][0], "search_path decides which table that is")
            remedy = f"name its schema, or say: -- waives DATA {others[0][0]}: reason"
            own = [w for w in waivers if w.file == each.file]
            settle(Fault(place, told, remedy), {f"DATA {others[0][0]}"}, own, (faults, notes))
        if there is None and each.table and each.relation not in names:
            continue  # a pending file makes it: it has no rows today
        table = str(there[0] if there else each.relation)
        own = [w for w in waivers if w.file == each.file and w.what.startswith("DATA ")]
        for taken, what, count, keys in _asked(conn, each, table, names):
            told = taken.table.removeprefix("public.")
            if what == NONE:
                notes.append(f"{place}: {each.does} no row of today's in {told}")
                continue
            named = {f"DATA {told}"}
            named |= {f"DATA {told}.{name}" for name in taken.columns if len(taken.columns) == 1}
            remedy = f"say why they may go: -- waives DATA {told or 'TABLE'}: reason"
            remedy = f"keep them, or {remedy}" if count else f"{BY_HAND} and {remedy}"
            fault = Fault(place, what, remedy, tuple(keys), count)
            settle(fault, named if each.table else {one.what for one in own}, own, (faults, notes))
    return [*faults, *_twins(conn, files, changes)], notes


def _twins(
    conn: Connection, files: Sequence[Migration], changes: Sequence[RowChange]
) -> Iterator[Fault]:
    """Yield rows whose keys files give once more, where nothing has been taken from them before."""
    taken = {each.relation for each in changes}
    for file in files:
        for node, _, begins in statements(file.sql):
            if not isinstance(node, ast.InsertStmt) or node.onConflictClause or not node.relation:
                continue
            table = of_relation(node.relation)
            columns = dict(conn.execute(COLUMNS, (table,)).fetchall())
            keys = [names for _, names in conn.execute(KEYS, (table,)).fetchall()]
            query = affected_rows.twins(node, columns, keys)
            if not query or node.relation.relname in taken:
                continue
            [(table,)] = conn.execute(NAMED, (table,)).fetchall()
            own = _told(conn, Taken(table, AGAIN, query))
            if own[2]:
                place = f"{file.name}:{line_of(file.sql, begins)}"
                yield Fault(place, own[1], OTHER_KEYS, tuple(own[3]), own[2])


def _asked(
    conn: Connection, change: RowChange, table: str, names: set[str]
) -> Iterator[tuple[Taken, str, int, list[str]]]:
    """Yield in words what a statement takes or that nobody can tell; how many rows, and keys."""
    if not change.table:
        yield Taken("", "", ""), str(change.node), 0, []
        return
    today = dict(conn.execute(COLUMNS, (change.table,)).fetchall())
    if not today:
        yield Taken(table, "", ""), UNASKED.format(table, BY_NAME), 0, []
        return
    columns = {**today, **dict.fromkeys(names - today.keys(), "text")}
    changed = tuple(name for name in change.columns or () if name in columns)
    try:
        keys_of = dict(conn.execute(KEYS, (change.table,)).fetchall())
        query = affected_rows.query(change, columns, keys_of)
    except ValueError as error:
        yield Taken(table, "", ""), UNASKED.format(table.removeprefix("public."), error), 0, []
        return
    if query:
        own = Taken(table, change.does, query, changed)
        yield (first := _told(conn, own))
        if first[2]:
            further = (_told(conn, each) for each in cascades.following(conn, change, own))
            yield from (each for each in further if each[1] != NONE)


def _told(conn: Connection, taken: Taken) -> tuple[Taken, str, int, list[str]]:
    """Return rows that are taken, in words; how many they are, and keys."""
    table = taken.table.removeprefix("public.")
    try:
        with conn.transaction():
            count, keys = _rows(conn, taken.table, taken.query)
    except GIVE_UP:
        raise
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error)
        return taken, UNASKED.format(table, said), 0, []
    rows = "1 row" if count == 1 else f"{count:,} rows"
    by = f", by {taken.key}" if taken.key else ""
    return taken, f"{taken.does} {rows} of today's in {table}{by}" if count else NONE, count, keys


def _new_names(files: Sequence[Migration]) -> set[str]:
    """Return names by which files reach what is there: of their views, and of what they rename."""
    found: set[str] = set()
    for file in files:
        try:
            tree = tuple(raw.stmt for raw in parse_sql(file.sql))
        except ParseError:
            continue
        for node in below(tree):
            if isinstance(node, ast.ViewStmt) and node.view:
                found.add(str(node.view.relname))
            elif isinstance(node, ast.RenameStmt):
                found.add(str(node.newname))
    return found


def _rows(conn: Connection, table: str, query: str) -> tuple[int, list[str]]:
    """Count rows of `t`, and return the keys of the first."""
    found = conn.execute(KEY, (table,)).fetchone()
    key = found[0] if found and found[0] else "t.ctid::text"
    counted = (
        f"SELECT count(*), (array_agg(key ORDER BY key))[:{SHOWN}] FROM (SELECT {key} "
        f"FROM {table} AS t WHERE (t.tableoid, t.ctid) IN ({query})) AS taken (key)"
    )
    count, keys = conn.execute(counted.encode()).fetchall()[0]
    return int(count), list(keys or ())
