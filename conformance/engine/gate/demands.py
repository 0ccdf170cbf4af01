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
from pglast.parser import ParseError

from conformance.engine.audit.findings import SHOWN, Fault
from conformance.engine.audit.snapshot import GIVE_UP
from conformance.engine.gate import conversions, refused_rows, row_changes
from conformance.engine.gate.excused import settle
from conformance.engine.gate.keys import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver

MEND = "mend these rows first, in the migration or by hand: it would fail on them"
FAILS = "it cannot be told of some row of today"
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
            failing = refused_rows.query(kind, name, table, definition, was)
        except (ParseError, KeyError):
            notes.append(f"{about}: what it demands of rows could not be asked of the target's")
            continue
        if failing:
            demands.append(
                Demand(about, table, failing, not definition.endswith(refused_rows.NOT_YET))
            )
    return [each for each in demands if not _is_told(each, demands, after)], notes


def _is_told(demand: Demand, demands: Sequence[Demand], after: Description) -> bool:
    """Return whether the table that this one is a part of demands the same of the same rows."""
    whole = after.get(("child table", demand.table), "").removeprefix("of ")
    failing = demand.failing.replace(demand.table, whole)
    return bool(whole) and (whole, failing) in {(each.table, each.failing) for each in demands}


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
            mended = any(_may_mend(each, demand) for each in changes)
            if isinstance(error, psycopg.DataError) and demand.validated and not mended:
                faults.append(Fault(demand.about, f"{FAILS}: {said}", MEND))
                continue
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
    remedy = f"keep them, or say why they may go: -- waives DATA {column}: reason"
    into: tuple[list[Fault], list[str]] = ([], [])
    settle(Fault(demand.about, what, remedy, keys, count), named, waivers, into)
    return into


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


def _of_domain(about: str, domain: str, definition: str, before: Description) -> Iterator[Demand]:
    """Yield what a check of a domain demands of each column that is of it today."""
    condition = (
        definition.removesuffix(refused_rows.NOT_YET)
        .removesuffix(" NOT VALID")
        .removeprefix("CHECK ")
    )
    for (kind, name), column in before.items():
        if kind == "column" and conversions.type_of(column) == domain:
            table, _, field = name.rpartition(".")
            wrong = conversions.VALUE.sub(f"t.{field}", condition)
            failing = f"{table} AS t WHERE ({wrong}) IS FALSE"
            validated = not definition.endswith(refused_rows.NOT_YET)
            yield Demand(f"{about}, of {name}", table, failing, validated)


def _may_mend(change: row_changes.RowChange, demand: Demand) -> bool:
    """Return whether a statement may take away what a demand is about: rows, or its columns."""
    if change.relation != demand.table.rpartition(".")[2].strip('"'):
        return False
    said = f"{demand.about} {demand.failing} {demand.block}"
    return change.columns is None or any(
        re.search(rf"\b{re.escape(column)}\b", said) for column in change.columns
    )
