"""Applying a mutant: it changes one thing, and not the order in which keys are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

# PostgreSQL fires the triggers of foreign keys in the order of their names, which end in numbers.
NAMES = """
SELECT ARRAY[k.conrelid::bigint, g.tgrelid::bigint, g.tgtype], k.conname::text,
    g.oid::bigint, g.tgname::text
FROM pg_trigger AS g JOIN pg_constraint AS k ON k.oid = g.tgconstraint
WHERE g.tgisinternal
"""


def apply(connection: psycopg.Connection[Any], sql: Sequence[str]) -> None:
    """Change a schema by statements.

    A foreign key that they make anew, or that PostgreSQL makes anew for them, would be asked before
    or after all others, as its new number has it. A superuser puts it back in its old place.
    """
    before = _names(connection)
    for statement in sql:
        connection.execute(statement)
    if connection.info.parameter_status("is_superuser") != "on":
        return
    for key, (trigger, name) in _names(connection).items():
        _, old = before.get(key, (trigger, name))
        if old != name:
            connection.execute("UPDATE pg_trigger SET tgname = %s WHERE oid = %s", [old, trigger])


def _names(connection: psycopg.Connection[Any]) -> dict[tuple[object, ...], tuple[int, str]]:
    """Return the triggers of each key: by table, event and the key's name, their ids and names."""
    found = connection.execute(NAMES).fetchall()
    return {(*map(int, about), key): (int(oid), str(name)) for about, key, oid, name in found}
