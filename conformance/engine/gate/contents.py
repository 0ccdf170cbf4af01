"""Contents of a database, table by table, and the losses by a migration."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from conformance.engine.domain.chosen import COLUMNS as KNOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from conformance.engine.audit.target import Connection

# Columns that hold data: what is generated can be generated again.
TABLES = """
SELECT format('%I.%I', n.nspname, c.relname),
    (
        SELECT json_object_agg(
            a.attname,
            json_build_array(c.oid::text, a.attnum::text, format_type(a.atttypid, a.atttypmod))
            ORDER BY a.attnum
        ) FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ),
    coalesce((
        SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index AS x
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey)
        WHERE x.indrelid = c.oid AND x.indisprimary
    ), '{}')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'conformance')
ORDER BY 1
"""
# Kept by the domain's own triggers: it moves on when a migration fills a new column.
KEPT_BY_THE_DATABASE = "updated_at"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Contents of a table.

    Attributes:
        columns: that hold data: by their names, the number of the table, theirs there, their type.
        key: the primary key.
        rows: as JSON has them.
    """

    columns: dict[str, tuple[str, str, str]]
    key: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss: `place` is a table or a column, `what` says in words what is gone."""

    place: str
    what: str


def read(conn: Connection) -> dict[str, Table]:
    """Return what every table holds, by its name with its schema."""
    found = {}
    for name, columns, key in conn.execute(TABLES).fetchall():
        rows = conn.execute(f"SELECT to_jsonb(t) FROM {name} AS t".encode()).fetchall()
        found[name] = Table(columns or {}, tuple(key), tuple(row for (row,) in rows))
    return found


def lost(
    before: dict[str, Table], after: dict[str, Table], first: dict[str, Table]
) -> Iterator[Loss]:
    """Yield what was there before and is not now: tables, columns, rows, values.

    Args:
        before: the contents before a file.
        after: those after it.
        first: those before the first pending file: a null of a column that came later is no value.
    """
    for name, old in before.items():
        place = name.removeprefix("public.")
        new = after.get(name)
        if new is None:
            yield Loss(place, "the table is gone")
            continue
        for column in old.columns:
            if column not in new.columns:
                yield Loss(f"{place}.{column}", "the column is gone")
        added = set(old.columns).difference(first[name].columns if name in first else ())
        yield from _lost_rows(place, old, new, added)


def _lost_rows(place: str, old: Table, new: Table, added: Collection[str]) -> Iterator[Loss]:
    shared = [column for column in old.columns if column in new.columns]
    alike = [column for column in shared if not _is_converted(column, old, new)]
    if not old.key or not set(old.key) <= set(shared):
        held = [
            column
            for column in alike
            if column not in added or any(row[column] is not None for row in old.rows)
        ]
        missing = _bag(old, held) - _bag(new, held)
        if missing:
            yield Loss(place, "rows are gone, or not what they were")
        return
    rows = {_key(row, old.key): row for row in new.rows}
    for column in alike:
        moves_on = column == KEPT_BY_THE_DATABASE and place in KNOWN
        if any(
            _is_lost(row[column], rows[key][column], moves_on=moves_on)
            for row in old.rows
            if (key := _key(row, old.key)) in rows and not (column in added and row[column] is None)
        ):
            yield Loss(f"{place}.{column}", "values are not what they were")
    if any(_key(row, old.key) not in rows for row in old.rows):
        yield Loss(place, "rows are gone")


def _is_converted(column: str, old: Table, new: Table) -> bool:
    """Return whether a column has another type: its values are written otherwise, and asked of.

    One of the same name that has come instead is not the same one.
    """
    *place, was = old.columns[column]
    *then, now = new.columns[column]
    return place == then and was != now


def _is_lost(old: Any, new: Any, *, moves_on: bool) -> bool:
    """Return whether a value is not what it was; a time that moves on may have."""
    if old == new or old is None:
        return bool(old != new)
    return not (
        moves_on
        and new is not None
        and datetime.fromisoformat(str(old)) < datetime.fromisoformat(str(new))
    )


def _key(row: Row, columns: tuple[str, ...]) -> str:
    return json.dumps([row[column] for column in columns])


def _bag(table: Table, columns: list[str]) -> Counter[str]:
    return Counter(json.dumps([row[column] for column in columns]) for row in table.rows)
