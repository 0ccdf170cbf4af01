"""Definitions, as a schema has them, of the objects that enforce a rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.changed import inventory
from conformance.engine.domain.chosen import conventions
from conformance.engine.report.enforcing import Object

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

# Of each object: its kind, its name as a rejection or a rule's declaration has it, and its SQL. A
# trigger's rejection carries the trigger's name, or one that its function hands on.
OBJECTS = """
SELECT 'constraint', conname::text,
    CASE conrelid WHEN 0 THEN 'ALTER DOMAIN ' || contypid::regtype
        ELSE 'ALTER TABLE ' || conrelid::regclass END
    || ' ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid, true)
FROM pg_constraint
WHERE contype <> 't' AND connamespace::regnamespace::text IN OUR SCHEMAS
UNION ALL
SELECT 'index', c.relname::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
UNION ALL
SELECT 'trigger', t.tgrelid::regclass || '.' || t.tgname,
    pg_get_triggerdef(t.oid, true) || E';\\n' || pg_get_functiondef(t.tgfoid)
FROM pg_trigger AS t
WHERE NOT t.tgisinternal
UNION ALL
SELECT 'type', t.typname::text,
    'CREATE TYPE ' || t.typname || ' AS ENUM ('
    || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || ')'
FROM pg_type AS t
JOIN pg_enum AS e ON e.enumtypid = t.oid
GROUP BY t.typname
UNION ALL
SELECT 'column', c.relname || '.' || a.attname,
    'ALTER TABLE ' || c.oid::regclass || ' ALTER COLUMN ' || quote_ident(a.attname)
    || ' SET NOT NULL'
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
    AND a.attnotnull
UNION ALL
SELECT 'function', proname::text, pg_get_functiondef(oid)
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
ORDER BY 1, 2
"""


def read(connection: psycopg.Connection[Any]) -> list[Object]:
    """Return the objects of a schema that may enforce a rule."""
    return [Object(*row) for row in connection.execute(conventions().placed(OBJECTS).encode())]


def serving(name: str, connection: psycopg.Connection[Any]) -> Iterator[str]:
    """Yield a line for each object of a name, in any case: the rules that it serves."""
    for each in inventory.read(connection):
        whole = each.name.lower().partition("(")[0]
        if name.lower() in (whole, whole.rpartition(".")[2]):
            on = f" on {each.on}" if each.on else ""
            rules = (
                ", ".join(each.rules) or f"no rule: {each.reason or 'nobody says why it is there'}"
            )
            yield f"{each.kind} {each.name}{on} serves {rules}"
