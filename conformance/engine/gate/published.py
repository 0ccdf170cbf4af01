"""Tables that a target publishes: without a key, UPDATE and DELETE of their rows fail there.

A publication may be the target's own, and no migration's, and so may a table of one of all tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from conformance.engine.audit.findings import Fault
from conformance.engine.gate.excused import settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection
    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.deployment.waivers import Waiver

KINDS = IDENTITY, PUBLISHED, BY_ITSELF = "identity", "published", "published by itself"
EVERY: Final = "every schema"
NO_KEY: Final = """
    c.relkind = 'r' AND c.relpersistence = 'p' AND (c.relreplident = 'n'
        OR (c.relreplident = 'd' AND NOT EXISTS (
            SELECT FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisprimary))
        OR (c.relreplident = 'i' AND NOT EXISTS (
            SELECT FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisreplident)))
"""
# Tables without a key, those of which changes are published, and where new ones are by themselves.
FACTS: Final = f"""
    SELECT '{IDENTITY}', format('%I.%I', n.nspname, c.relname), ''
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE {NO_KEY} AND n.nspname !~ '^(pg_|information_schema$|conformance$)'
    UNION ALL
    SELECT '{PUBLISHED}', format('%I.%I', t.schemaname, t.tablename),
        string_agg(t.pubname, ', ' ORDER BY t.pubname)
      FROM pg_publication_tables AS t JOIN pg_publication AS p ON p.pubname = t.pubname
     WHERE p.pubupdate OR p.pubdelete GROUP BY 2
    UNION ALL
    SELECT '{BY_ITSELF}', coalesce(n.nspname, '{EVERY}'),
        string_agg(p.pubname, ', ' ORDER BY p.pubname)
      FROM pg_publication AS p LEFT JOIN pg_publication_namespace AS s ON s.pnpubid = p.oid
      LEFT JOIN pg_namespace AS n ON n.oid = s.pnnspid
     WHERE (p.pubupdate OR p.pubdelete) AND (p.puballtables OR n.oid IS NOT NULL) GROUP BY 2
"""
FAILING: Final = "has no key by which its rows are known, and {} publishes it: writes to them fail"
REMEDY: Final = (
    "give it a primary key, or REPLICA IDENTITY FULL, first, or say why: -- waives DATA "
)


def ask(
    conn: Connection,
    steps: Sequence[Description],
    files: Sequence[Migration],
    waivers: Sequence[Waiver],
) -> tuple[list[Fault], list[str]]:
    """Return the tables of a target that can be written less from some file on, unless waived.

    Args:
        conn: to the target.
        steps: what the schema is before the first pending file, and after each.
        files: the pending ones.
        waivers: of theirs.
    """
    today: Description = {
        (kind, name): said for kind, name, said in conn.execute(FACTS.encode()).fetchall()
    }
    faults: list[Fault] = []
    notes: list[str] = []
    for file, before, after in zip(files, steps, steps[1:], strict=False):
        for table, publications in _failing(today, before, after):
            name = table.removeprefix("public.")
            what = f"{name}: {FAILING.format(publications)}"
            own = [each for each in waivers if each.file == file.name]
            fault = Fault(file.name, what, f"{REMEDY}{name}: reason")
            settle(fault, {f"DATA {name}"}, own, (faults, notes))
    return faults, notes


def _failing(
    today: Description, before: Description, after: Description
) -> Iterator[tuple[str, str]]:
    """Yield tables whose rows cannot be changed after a file, and what publishes them."""
    for kind, table in sorted(after.keys() - before.keys()):
        if kind == IDENTITY:
            here = today.get((PUBLISHED, table), "")
            if ("relation", table) not in before:
                here = _by_itself(today, table)
            if here and (PUBLISHED, table) not in after:  # else no target needs to be asked
                yield table, here
    for kind, table in sorted(today):
        if kind == IDENTITY and (IDENTITY, table) not in before:  # of others, or of a drift
            new = after.get((PUBLISHED, table)) or _by_itself(after, table)
            old = before.get((PUBLISHED, table)) or _by_itself(before, table)
            if new and not old and (PUBLISHED, table) not in today:
                yield table, new


def _by_itself(schema: Description, table: str) -> str:
    """Return the publications that a new table is in at once."""
    places = (EVERY, table.partition(".")[0])
    found = (schema.get((BY_ITSELF, place), "") for place in places)
    return ", ".join(filter(None, found))
