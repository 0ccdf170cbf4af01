"""Schema of a migrated database, as it describes itself: the source of all mutants."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.rows import namedtuple_row

from conformance.engine.catalogue.rights import OURS, held, lacking
from conformance.engine.domain.chosen import RULES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg

CONSTRAINTS = f"""
SELECT k.conname::text AS name, k.contype::text AS kind, pg_get_constraintdef(k.oid) AS definition,
    CASE WHEN k.conrelid <> 0 THEN k.conrelid::regclass::text END AS "table",
    CASE WHEN k.contypid <> 0 THEN k.contypid::regtype::text END AS domain,
    coalesce(obj_description(k.oid, 'pg_constraint'), '') AS comment,
    k.conindid::bigint AS index,
    coalesce((
        SELECT array_agg(a.attname::text ORDER BY a.attnum)
        FROM pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull
    ), '{{}}') AS nullable,
    coalesce((
        SELECT array_agg(DISTINCT a.attrelid::regclass::text)
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE a.atttypid = k.contypid AND k.contypid <> 0 AND c.relkind = 'r'
    ), '{{}}') AS users
FROM pg_constraint AS k JOIN pg_namespace AS n ON n.oid = k.connamespace
WHERE n.nspname {OURS} AND k.contype IN ('c', 'f', 'p', 'u') AND k.conparentid = 0
ORDER BY 4, 5, 1
"""
COLUMNS = f"""
SELECT a.attrelid::regclass::text AS "table", a.attname::text AS name,
    a.attnotnull AS required, a.attgenerated::text AS generated,
    pg_get_expr(d.adbin, d.adrelid) AS expression,
    coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text AS type, t.typtype = 'd' AS is_domain,
    coalesce((
        SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_enum AS e WHERE e.enumtypid = t.oid
    ), '{{}}') AS labels,
    EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)
    ) AS is_key
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname {OURS} AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, a.attnum
"""
ENUMS = f"""
SELECT t.oid::regtype::text AS name,
    array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels,
    coalesce((
        SELECT array_agg(DISTINCT a.attrelid::regclass::text)
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE a.atttypid IN (t.oid, t.typarray) AND c.relkind = 'r'
    ), '{{}}') AS users
FROM pg_type AS t JOIN pg_enum AS e ON e.enumtypid = t.oid
JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE n.nspname {OURS}
GROUP BY t.oid, t.typarray ORDER BY 1
"""
TRIGGERS = f"""
SELECT g.tgname::text AS name, g.tgrelid::regclass::text AS "table",
    pg_get_triggerdef(g.oid) AS definition, g.tgenabled::text AS enabled,
    p.proname::text AS function,
    coalesce(obj_description(g.oid, 'pg_trigger'), '') AS comment
FROM pg_trigger AS g
JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE n.nspname {OURS} AND NOT g.tgisinternal
ORDER BY 2, 1
"""
# What extensions bring is theirs, and aggregates have no text.
FUNCTIONS = f"""
SELECT p.proname::text AS name, p.oid::regprocedure::text AS signature, l.lanname::text AS language,
    pg_get_functiondef(p.oid) AS definition, p.prosrc AS body,
    pg_get_function_sqlbody(p.oid) AS sql_body, p.prosecdef AS definer,
    p.provolatile::text AS volatility, p.proisstrict AS strict, p.proparallel::text AS parallel,
    coalesce(p.proconfig, '{{}}') AS settings, p.pronargs AS parameters,
    p.prorettype = 'trigger'::regtype AS is_trigger, p.prorettype::regtype::text AS returns,
    coalesce(obj_description(p.oid, 'pg_proc'), '') AS comment
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_language AS l ON l.oid = p.prolang
WHERE n.nspname {OURS} AND p.prokind <> 'a' AND NOT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
)
ORDER BY 2
"""
INDEXES = f"""
SELECT i.indexrelid::regclass::text AS name, c.relname::text AS short,
    i.indrelid::regclass::text AS "table", pg_get_indexdef(i.indexrelid) AS definition,
    coalesce(obj_description(i.indexrelid, 'pg_class'), '') AS comment
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND i.indisunique
    AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)
ORDER BY 1
"""
TABLES = f"""
SELECT c.oid::regclass::text AS name FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind = 'r' ORDER BY 1
"""
# What else may change what becomes of a row: of a table, or of none, where it is asked everywhere.
# A database has numbers of its own for roles and tables; names are the same in others.
OTHERS = f"""
WITH ours AS (
    SELECT c.* FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname {OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
SELECT o.kind, o.name::text, o."table"::regclass::text AS "table", o.definition
FROM (
    SELECT 'rule', r.rulename, r.ev_class, pg_get_ruledef(r.oid) || r.ev_enabled::text
    FROM pg_rewrite AS r
    UNION ALL
    SELECT 'policy', p.polname, p.polrelid, concat_ws(
        ' ', p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), '/',
        pg_get_expr(p.polwithcheck, p.polrelid), '/',
        ARRAY(SELECT r.rolname FROM pg_roles AS r WHERE r.oid = ANY (p.polroles) ORDER BY 1)
    )
    FROM pg_policy AS p
    UNION ALL
    SELECT 'properties', c.relname, c.oid, concat_ws(
        ' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relispartition,
        c.reloptions
    )
    FROM ours AS c
    UNION ALL
    SELECT 'child', i.inhrelid::regclass::text, i.inhparent, '' FROM pg_inherits AS i
    UNION ALL
    SELECT 'constraint', k.conname, k.conrelid, pg_get_constraintdef(k.oid)
    FROM pg_constraint AS k WHERE k.contype = 'x'
    UNION ALL
    SELECT 'properties', a.attname, a.attrelid, concat_ws(
        ' ', format_type(a.atttypid, a.atttypmod), l.collname, a.attidentity
    )
    FROM pg_attribute AS a LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
    WHERE a.attnum > 0 AND NOT a.attisdropped
) AS o (kind, name, "table", definition)
JOIN ours AS c ON c.oid = o."table"
UNION ALL
SELECT 'event trigger', e.evtname, '', concat_ws(
    ' ', e.evtevent, e.evtenabled, e.evttags, e.evtfoid::regprocedure
)
FROM pg_event_trigger AS e
ORDER BY 1, 3, 2
"""
KEY = """
SELECT a.attname::text FROM pg_index AS i
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s::regclass AND i.indisprimary ORDER BY a.attnum
"""
ID = re.compile(r"\b[A-Z]+-[A-Z]*\d*\b")


class Data(NamedTuple):
    """A table that migrations have filled: the columns of its key, and their values."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Schema:
    """The objects of a schema, as rows with the names that the queries above give."""

    constraints: list[Any]
    columns: list[Any]
    enums: list[Any]
    triggers: list[Any]
    functions: list[Any]
    indexes: list[Any]
    data: list[Data]
    lacking: list[Any] = field(default_factory=list)
    held: list[Any] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)
    enforcing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    concerns: dict[str, Any] = field(default_factory=dict)  # of functions, once they are known

    def rules_of(self, name: str, comment: str = "", table: str = "") -> tuple[str, ...]:
        """Return the rules that an object serves: by its comment, the catalogue, and its name.

        Args:
            name: what it is called.
            comment: what is said of it.
            table: that of a trigger, of which another table may have one of the same name.
        """
        bare = re.sub(r"^_\d\d\d_", "", name.rpartition(".")[2])
        found = [each for each in ID.findall(comment) if each in RULES]
        found += self.enforcing.get(bare, ())
        found += self.enforcing.get(f"{short(table)}.{name}", ())
        token = bare.partition("__")[0] + "__"
        found += [rule.id for rule in RULES.values() if rule.token == token]
        return tuple(dict.fromkeys(found))

    def rules_with(self, column: Any) -> tuple[str, ...]:
        """Return the rules of the constraints that speak of a column."""
        named = re.compile(rf"\b{re.escape(column.name)}\b")
        found = [
            rule
            for each in self.constraints
            if each.table == column.table and named.search(each.definition)
            for rule in self.rules_of(each.name, each.comment)
        ]
        return tuple(dict.fromkeys(found))

    def about(self, table: str | None) -> tuple[str, ...]:
        """Return what a change of a table may show itself in: of bookkeeping, its parents too."""
        if table is None:
            return ()
        parents = [
            found[1]
            for each in self.constraints
            if each.table == table and not table.startswith("public.")
            for found in re.finditer(r"REFERENCES (\S+?)\(", each.definition)
        ]
        return tuple(map(short, (table, *parents)))

    def labels_for(self, tables: Iterable[str]) -> dict[str, str]:
        """Return for each label the next one of its type; types that the tables use come first."""
        wanted = set(tables)
        used = sorted(self.enums, key=lambda enum: not wanted & set(map(short, enum.users)))
        following: dict[str, str] = {}
        for enum in used:
            for label, after in zip(enum.labels, enum.labels[1:] + enum.labels[:1], strict=True):
                following.setdefault(label, after)
        return following


def read(connection: psycopg.Connection[Any]) -> Schema:
    """Read the schema of a database that has been migrated, with all names qualified."""
    connection.execute("SET search_path = ''")
    cursor = connection.cursor(row_factory=namedtuple_row)

    def rows(query: str) -> list[Any]:
        return cursor.execute(query).fetchall()

    return Schema(
        constraints=rows(CONSTRAINTS),
        columns=rows(COLUMNS),
        enums=rows(ENUMS),
        triggers=rows(TRIGGERS),
        functions=rows(FUNCTIONS),
        indexes=rows(INDEXES),
        data=list(filter(None, (_data(connection, table.name) for table in rows(TABLES)))),
        lacking=rows(lacking()),
        held=rows(held()),
        others=rows(OTHERS),
        enforcing=_enforcing(),
    )


def short(table: str) -> str:
    """Return a table's name as the catalogue of rules has it."""
    return table.removeprefix("public.").replace('"', "")


def _data(connection: psycopg.Connection[Any], table: str) -> Data | None:
    columns = tuple(name for (name,) in connection.execute(KEY, [table]))
    if not columns:
        return None
    names = ", ".join(f"{name}::text" for name in columns)
    rows = connection.execute(f"SELECT {names} FROM {table} ORDER BY {names}").fetchall()
    return Data(table, columns, tuple(rows)) if rows else None


def _enforcing() -> dict[str, tuple[str, ...]]:
    """Return the rules that objects enforce, by their bare names; triggers with their tables."""
    found: dict[str, list[str]] = {}
    for rule in RULES.values():
        for name in rule.enforced_by:
            kind, _, called = name.rpartition(" ")
            bare = re.sub(r"^_\d\d\d_", "", called.rpartition(".")[2])
            found.setdefault(called if kind == "trigger" else bare, []).append(rule.id)
    return {name: tuple(rules) for name, rules in found.items()}
