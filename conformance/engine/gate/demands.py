"""New demands of pending files on rows, asked of the target's own: which would fail today.

The states of a rehearsal are legal; what production holds beside that, nobody knows but production.
Constraints and unique indexes are compared as the server prints them, so it does not matter how a
file makes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from pglast import ast, parse_sql
from pglast.enums import ConstrType
from pglast.parser import ParseError
from pglast.stream import RawStream

from conformance.engine.audit.findings import SHOWN, Fault
from conformance.engine.audit.snapshot import GIVE_UP
from conformance.engine.gate import conversions, row_changes
from conformance.engine.gate.keys import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver

NOT_NULL = " NOT NULL"
NOT_YET = " (not validated)"
MATCH_FULL = "f"
MEND = "mend these rows first, in the migration or by hand: it would fail on them"
LATER = "these rows may stay as they are for now, and VALIDATE will fail on them"


@dataclass(frozen=True, slots=True)
class Demand:
    """A condition on the rows of one table.

    Attributes:
        about: the constraint, index or column.
        table: with its schema.
        failing: what follows FROM, of rows `t` that would fail, with their WHERE.
        validated: whether rows of today are asked at all, when the files run.
        block: what converts the rows instead, with the key of one left open; or ''.
    """

    about: str
    table: str
    failing: str
    validated: bool = True
    block: str = ""


def of_files(
    before: Description, after: Description, pending: Sequence[Migration] = ()
) -> tuple[list[Demand], list[str]]:
    """Return what a schema demands of rows and did not before, and what cannot be asked.

    Args:
        before: what the schema is.
        after: what it is going to be.
        pending: the files, which say how columns are converted.
    """
    demands: list[Demand] = []
    notes: list[str] = []
    for (kind, name), definition in after.items():
        table = name.rpartition(".")[0] if kind == "column" else name.rpartition(" on ")[2]
        was = before.get((kind, name), "")
        about = f"{kind} {name}"
        if kind == "constraint" and table.startswith("domain ") and was != definition:
            demands += _of_domain(about, table.removeprefix("domain "), definition, before)
            continue
        if kind == "column" and was and ("relation", table) in before:
            block = conversions.block((table, name.rpartition(".")[2]), before, after, pending)
            if block is not None:
                what = f"{about} as {conversions.type_of(definition)}"
                demands.append(Demand(what, table, "", block=block))
        if was == definition or ("relation", table) not in before:
            continue
        try:
            failing = _failing(kind, name, table, definition, was)
        except (ParseError, KeyError):
            notes.append(f"{about}: what it demands of rows could not be asked of the target's")
            continue
        if failing:
            demands.append(Demand(about, table, failing, not definition.endswith(NOT_YET)))
    return demands, notes


def ask(
    conn: Connection,
    demands: Sequence[Demand],
    pending: Sequence[Migration],
    waivers: Sequence[Waiver] = (),
) -> tuple[list[Fault], list[str]]:
    """Return the rows of a target that would fail, and what else there is to know.

    Args:
        conn: in the snapshot of an audit.
        demands: what the files demand.
        pending: the files; rows of a table that one of them changes first may be mended there.
        waivers: of the files: they excuse values that a conversion changes.

    Raises:
        psycopg.Error: the server did not answer in time, or is gone.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    changes = row_changes.of_files(pending)
    for demand in demands:
        try:
            with conn.transaction():
                rows, keys, *changed = _rows(conn, demand)
        except GIVE_UP:
            raise
        except psycopg.Error as error:
            said = error.diag.message_primary or str(error)
            notes.append(f"{demand.about}: today's rows cannot be asked: {said}")
            continue
        if changed and changed[0]:
            lost, further = _changed(demand, changed, waivers)
            faults, notes = faults + lost, notes + further
        if not rows:
            notes.append(f"{demand.about}: no row of today fails it")
            continue
        count = "1 row" if rows == 1 else f"{rows} rows"
        what = f"{count} of {demand.table} would fail it today"
        if any(_may_mend(each, demand) for each in changes):
            notes.append(
                f"{demand.about}: {what} ({', '.join(keys)}), and a pending file changes that "
                "table: whether it mends them is not known"
            )
        elif demand.validated:
            faults.append(Fault(demand.about, what, MEND, tuple(keys), rows))
        else:
            notes.append(f"{demand.about}: {what} ({', '.join(keys)}): {LATER}")
    return faults, notes


def _changed(
    demand: Demand, changed: list[Any], waivers: Sequence[Waiver]
) -> tuple[list[Fault], list[str]]:
    """Return that rows would not keep their value, as a finding or what a waiver excuses."""
    count, keys = int(changed[0]), tuple(sorted(changed[1]))
    column = demand.about.removeprefix("column ").partition(" as ")[0].removeprefix("public.")
    what = f"{count:,} row{'s' * (count > 1)} of {demand.table} would hold another value"
    named = {f"DATA {column}", f"DATA {column.rpartition('.')[0]}"}
    for waiver in waivers:
        if waiver.what in named:
            return [], [f"{waiver} (excuses: {what})"]
    remedy = f"keep them, or say why they may go: -- waives DATA {column}: reason"
    return [Fault(demand.about, what, remedy, keys, count)], []


def _rows(conn: Connection, demand: Demand) -> tuple[Any, ...]:
    """Return how many rows fail, and the first keys; of a conversion also those that it changes."""
    found = conn.execute(KEY, (demand.table,)).fetchone()
    key = found[0] if found and found[0] else "t::text" if demand.block else "t.ctid::text"
    if demand.block:
        conn.execute(demand.block.replace(conversions.KEY, key).encode())
        answer = conn.execute("SELECT current_setting(%s)::json", (conversions.FOUND,))
        count, keys, *changed = answer.fetchall()[0][0]
        return int(count), sorted(keys), *changed
    query = (
        f"SELECT count(*), (array_agg(key ORDER BY key))[:{SHOWN}] "
        f"FROM (SELECT {key} FROM {demand.failing}) AS failing (key)"
    )
    count, keys = conn.execute(query.encode()).fetchall()[0]
    return int(count), list(keys or ())


def _failing(kind: str, name: str, table: str, definition: str, was: str) -> str | None:
    """Return what selects the rows that a new object refuses; None where it refuses none."""
    if kind == "column" and was and NOT_NULL in definition and NOT_NULL not in was:
        return f"{table} AS t WHERE t.{name.rpartition('.')[2]} IS NULL"
    if kind == "bound":
        return f"{table} AS t WHERE ({definition}) IS FALSE"
    if kind == "index" and definition.startswith("CREATE UNIQUE "):
        return _of_index(table, definition.removesuffix(" (deferrable)"))
    text = definition.removesuffix(NOT_YET).removesuffix(" NOT VALID")
    # Validated now, and else as it was: it is asked; less than it was: it is not.
    if kind != "constraint" or (definition.endswith(NOT_YET) and text == was):
        return None
    return _of_constraint(table, text)


def _of_domain(about: str, domain: str, definition: str, before: Description) -> Iterator[Demand]:
    """Yield what a check of a domain demands of each column that is of it today."""
    condition = definition.removesuffix(NOT_YET).removesuffix(" NOT VALID").removeprefix("CHECK ")
    for (kind, name), column in before.items():
        if kind == "column" and conversions.type_of(column) == domain:
            table, _, field = name.rpartition(".")
            wrong = conversions.VALUE.sub(f"t.{field}", condition)
            failing = f"{table} AS t WHERE ({wrong}) IS FALSE"
            validated = not definition.endswith(NOT_YET)
            yield Demand(f"{about}, of {name}", table, failing, validated)


def _of_constraint(table: str, definition: str) -> str | None:
    node = _parsed(f"ALTER TABLE t ADD CONSTRAINT c {definition}").cmds[0].def_
    if node.contype == ConstrType.CONSTR_CHECK:
        return f"{table} AS t WHERE ({_sql(node.raw_expr)}) IS FALSE"
    if node.contype == ConstrType.CONSTR_FOREIGN:
        return f"{table} AS t WHERE {_unreferred(node)}"
    if node.contype == ConstrType.CONSTR_EXCLUSION:
        elements = [(each[0], each[1][-1].sval) for each in node.exclusions]
        columns = ", ".join(
            f"{_element(element)} AS e{number}" for number, (element, _) in enumerate(elements)
        )
        where = f" WHERE {_sql(node.where_clause)}" if node.where_clause else ""
        side = f"(SELECT ctid AS place, {columns} FROM {table}{where})"
        clash = " AND ".join(
            f"a.e{number} {operator} b.e{number}" for number, (_, operator) in enumerate(elements)
        )
        return (
            f"{table} AS t WHERE EXISTS (SELECT FROM {side} AS a JOIN {side} AS b "
            f"ON a.place <> b.place AND {clash} WHERE a.place = t.ctid)"
        )
    return None  # a key is asked as its index


def _unreferred(node: Any) -> str:
    """Return the condition of rows `t` whose parent is missing."""
    pairs = list(zip(_names(node.fk_attrs), _names(node.pk_attrs), strict=True))
    there = " AND ".join(f"t.{own} IS NOT NULL" for own, _ in pairs)
    parents = f"FROM {_sql(node.pktable)} AS o WHERE "
    if node.pk_with_period:  # the last one is a time that parents cover together
        *pairs, (time, of_parent) = pairs
    same = " AND ".join(f"o.{other} = t.{own}" for own, other in pairs) or "true"
    missing = f"NOT EXISTS (SELECT {parents}{same})"
    if node.pk_with_period:
        missing = f"(t.{time} <@ (SELECT range_agg(o.{of_parent}) {parents}{same})) IS NOT TRUE"
    if node.fk_matchtype == MATCH_FULL:  # all of them are null, or none
        some = " OR ".join(f"t.{own} IS NOT NULL" for own, _ in pairs)
        return f"({some}) AND (({there}) IS NOT TRUE OR {missing})"
    return f"{there} AND {missing}"


def _of_index(table: str, definition: str) -> str:
    node = _parsed(definition)
    elements = [_element(each) for each in node.indexParams]
    if node.accessMethod == "gist":  # WITHOUT OVERLAPS
        *alike, time = elements
        side = ", ".join(f"{each} AS e{number}" for number, each in enumerate(alike))
        side = f"(SELECT ctid AS place, {time} AS during{side and ', '}{side} FROM {table})"
        same = " AND ".join(f"a.e{number} = b.e{number}" for number in range(len(alike)))
        clash = f"a.place <> b.place AND a.during && b.during AND {same or 'true'}"
        twins = f"SELECT FROM {side} AS a JOIN {side} AS b ON {clash} WHERE a.place = t.ctid"
        return f"{table} AS t WHERE isempty(t.{time}) OR EXISTS ({twins})"
    conditions = [f"({_sql(node.whereClause)})"] if node.whereClause else []
    if not node.nulls_not_distinct:
        conditions += [f"({each}) IS NOT NULL" for each in elements]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    twins = (
        f"SELECT ctid AS place, count(*) OVER (PARTITION BY {', '.join(elements)}) AS alike "
        f"FROM {table}{where}"
    )
    return f"({twins}) AS w JOIN {table} AS t ON t.ctid = w.place WHERE w.alike > 1"


def _parsed(statement: str) -> Any:
    [parsed] = parse_sql(statement)
    return parsed.stmt


def _element(element: ast.IndexElem) -> str:
    what = f'"{element.name}"' if element.name else f"({_sql(element.expr)})"
    if not element.collation:
        return what
    return f"{what} COLLATE {'.'.join(_names(element.collation))}"


def _names(parts: Sequence[Any] | None) -> list[str]:
    return [f'"{part.sval}"' for part in parts or ()]


def _sql(node: Any) -> str:
    return str(RawStream()(node))


def _may_mend(change: row_changes.RowChange, demand: Demand) -> bool:
    """Return whether a statement may take away what a demand is about: rows, or its columns."""
    if change.relation != demand.table.rpartition(".")[2].strip('"'):
        return False
    said = f"{demand.about} {demand.failing} {demand.block}"
    return change.columns is None or any(
        re.search(rf"\b{re.escape(column)}\b", said) for column in change.columns
    )
