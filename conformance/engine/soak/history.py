"""History of a load: every commit again, one after the other, with all rules asked after each.

Whoever looks at a database under load now and then sees what is there then: a rule that is broken
by one commit and mended by the next is broken unseen. So the change log, which the suite's
own databases keep, is kept under load as well, with the transaction of each change; afterwards the
changes are made again on a second database, in the order of their commits and past all triggers,
and after each commit the violation queries are asked.

Not those of rules that hold when a row is written: two that meet may be right in another order than
that of their commits, such as who makes a project and who takes their role away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from conformance.engine.database import change_log
from conformance.engine.domain.chosen import RULES
from conformance.engine.kinds.rule import Holds
from conformance.engine.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from conformance.engine.database.sandbox import Sandbox
    from conformance.engine.progress import Say

SETTINGS: Final = {"track_commit_timestamp": "on"}  # of the server, which tells the order by it
KEEP: Final = """
ALTER TABLE conformance.changes
    ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()
"""
ORDERED: Final = """
SELECT c.xid::text, c.tbl, c.op, c.old::text, c.new::text, c.began, c.at, c.via
FROM conformance.changes AS c
ORDER BY pg_xact_commit_timestamp(c.xid::xid), c.xid, c.seq
"""
NOTE: Final = """
INSERT INTO conformance.changes (tbl, op, old, new, began, at, via)
VALUES (%s, %s, %s::jsonb, %s::jsonb, %s, %s, %s)
"""
# Of each table of `public`: its key, and its columns that are not computed.
COLUMNS: Final = """
SELECT c.relname::text,
    array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
    coalesce(array_agg(a.attname::text) FILTER (WHERE a.attnum = ANY (i.indkey)), '{}')
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
GROUP BY c.relname
"""

# Rows are kept as text: what Python makes of a number may be another one.
Change = tuple[str, str, str, str | None, str | None, Any, Any, str]


@dataclass(frozen=True, slots=True)
class Breach:
    """A commit after which rules were broken, whatever came later.

    Attributes:
        commit: its number, from 1.
        commits: how many there were in all.
        broken: keys of the rows that broke each rule.
        told: the changes that it made, in lines.
    """

    commit: int
    commits: int
    broken: Mapping[str, Sequence[str]]
    told: str


def keep(connection: psycopg.Connection[Any]) -> None:
    """Keep the history of a database from now on; nobody else keeps a change log there."""
    change_log.install(connection)
    connection.execute(KEEP)


def breach(
    connection: psycopg.Connection[Any], again: Sandbox, progress: Say = unheard
) -> tuple[int, Breach | None]:
    """Make a history again; return how many commits it has, and the first that broke a rule.

    Args:
        connection: to the database whose history was kept.
        again: an empty database with the same schema, whose triggers we may pass by.
        progress: receives how far it has come.
    """
    changes: list[Change] = connection.execute(ORDERED).fetchall()
    commits = [list(group) for _, group in groupby(changes, key=itemgetter(0))]
    owner = again.owner.connection
    columns = {table: (names, keys) for table, names, keys in owner.execute(COLUMNS).fetchall()}
    for number, commit in enumerate(commits, start=1):
        progress("commits made again", number, len(commits))
        with owner.transaction():
            owner.execute("SET LOCAL session_replication_role = replica")
            for change in commit:
                _make(owner, change, columns)
        broken = {
            rule: keys
            for rule, keys in again.new_violations().items()
            if RULES[rule].holds is not Holds.ON_WRITE
        }
        if broken:
            told = "".join(_told(change) for change in commit)
            return len(commits), Breach(number, len(commits), broken, told)
    return len(commits), None


def _make(
    owner: psycopg.Connection[Any],
    change: Change,
    columns: Mapping[str, tuple[Sequence[str], Sequence[str]]],
) -> None:
    _, table, operation, old, new, *when = change
    owner.execute(NOTE, (table, operation, old, new, *when))
    if table not in columns:  # the schema's own bookkeeping, which no violation query reads
        return
    named = sql.Identifier("public", table)
    if operation == "TRUNCATE":
        owner.execute(sql.SQL("DELETE FROM {}").format(named))
    names, keys = columns[table]
    if old is not None:
        same = (sql.SQL("t.{0} = r.{0}").format(sql.Identifier(key)) for key in keys)
        gone = (
            "DELETE FROM {0} AS t USING jsonb_populate_record(NULL::{0}, %s::jsonb) AS r WHERE {1}"
        )
        owner.execute(sql.SQL(gone).format(named, sql.SQL(" AND ").join(same)), (old,))
    if new is not None:
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        come = "INSERT INTO {0} ({1}) SELECT {1} FROM jsonb_populate_record(NULL::{0}, %s::jsonb)"
        owner.execute(sql.SQL(come).format(named, listed), (new,))


def _told(change: Change) -> str:
    _, table, operation, old, new, *_ = change
    before, after = json.loads(old or "{}"), json.loads(new or "{}")
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    shown = (f"{each} {before.get(each)!r} -> {after.get(each)!r}" for each in sorted(changed))
    return f"{operation} {table} {(after or before).get('id', '')}: {', '.join(shown)}\n"
