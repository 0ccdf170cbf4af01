"""Constraints of a live schema, as its catalogue has them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from conformance.engine.derived.catalogue import tables_of
from conformance.engine.sql.names import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from conformance.engine.derived.catalogue import Table

# Tables of `public`; not those of an extension, a partition, or the record of migrations.
OURS: Final = """
WITH ours AS (
    SELECT c.oid, c.relname::text AS name FROM pg_class AS c
    WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition AND c.relname <> 'schema_migrations'
        AND NOT EXISTS (
            SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                AND d.deptype = 'e'
        )
), names AS (
    SELECT o.oid, o.name, a.attnum, a.attname::text AS column_name
    FROM ours AS o JOIN pg_attribute AS a ON a.attrelid = o.oid
)
"""
TABLES: Final = "SELECT name FROM ours ORDER BY 1"
NOT_NULL: Final = """
SELECT o.name, a.attname::text, CASE WHEN t.typnotnull THEN t.typname::text ELSE '' END
FROM ours AS o JOIN pg_attribute AS a ON a.attrelid = o.oid
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
    AND (a.attnotnull OR t.typnotnull)
ORDER BY 1, a.attnum
"""
CHECKS: Final = """
SELECT o.name, k.conname::text, pg_get_expr(k.conbin, k.conrelid, true),
    ARRAY(
        SELECT n.column_name FROM names AS n WHERE n.oid = o.oid AND n.attnum = ANY (k.conkey)
        ORDER BY n.attnum
    ),
    coalesce(obj_description(k.oid, 'pg_constraint'), ''), ''
FROM ours AS o JOIN pg_constraint AS k ON k.conrelid = o.oid
WHERE k.contype = 'c' AND k.conparentid = 0
UNION ALL
SELECT o.name, k.conname::text, pg_get_constraintdef(k.oid, true), ARRAY[a.attname::text],
    coalesce(obj_description(k.oid, 'pg_constraint'), ''), t.typname::text
FROM ours AS o JOIN pg_attribute AS a ON a.attrelid = o.oid JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_constraint AS k ON k.contypid = t.oid AND k.contype = 'c'
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2, 4
"""
UNIQUE: Final = """
SELECT o.name, c.relname::text, i.indisprimary,
    coalesce(pg_get_expr(i.indpred, i.indrelid, true), ''),
    coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'true',
    ARRAY(
        SELECT pg_get_indexdef(i.indexrelid, k::integer, true)
        FROM generate_series(1, i.indnkeyatts) AS k ORDER BY k
    ),
    ARRAY(
        SELECT coalesce(n.column_name, '') FROM unnest(i.indkey::smallint[])
            WITH ORDINALITY AS u (number, place)
        LEFT JOIN names AS n ON n.oid = o.oid AND n.attnum = u.number AND u.number <> 0
        WHERE u.place <= i.indnkeyatts ORDER BY u.place
    ),
    coalesce(obj_description(k.oid, 'pg_constraint'), obj_description(c.oid, 'pg_class'), '')
FROM ours AS o JOIN pg_index AS i ON i.indrelid = o.oid JOIN pg_class AS c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint AS k ON k.conindid = c.oid AND k.contype IN ('p', 'u')
WHERE i.indisunique AND i.indisvalid
ORDER BY 1, 3 DESC, 2
"""
EXCLUSIONS: Final = """
SELECT o.name, k.conname::text, coalesce(pg_get_expr(i.indpred, i.indrelid, true), ''),
    ARRAY(
        SELECT coalesce(n.column_name, '') FROM unnest(k.conkey)
            WITH ORDINALITY AS u (number, place)
        LEFT JOIN names AS n ON n.oid = o.oid AND n.attnum = u.number AND u.number <> 0
        ORDER BY u.place
    ),
    ARRAY(
        SELECT p.oprname::text FROM unnest(k.conexclop) WITH ORDINALITY AS u (op, place)
        JOIN pg_operator AS p ON p.oid = u.op ORDER BY u.place
    ),
    coalesce(obj_description(k.oid, 'pg_constraint'), '')
FROM ours AS o JOIN pg_constraint AS k ON k.conrelid = o.oid
JOIN pg_index AS i ON i.indexrelid = k.conindid
WHERE k.contype = 'x'
ORDER BY 1, 2
"""
REFERENCES: Final = """
SELECT o.name, k.conname::text, p.relname::text,
    p.relnamespace = to_regnamespace('public'), k.confdeltype::text, k.confupdtype::text,
    ARRAY(
        SELECT n.column_name FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
        JOIN names AS n ON n.oid = o.oid AND n.attnum = u.number ORDER BY u.place
    ),
    ARRAY(
        SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
        JOIN pg_attribute AS a ON a.attrelid = p.oid AND a.attnum = u.number ORDER BY u.place
    ),
    coalesce(obj_description(k.oid, 'pg_constraint'), '')
FROM ours AS o JOIN pg_constraint AS k ON k.conrelid = o.oid
JOIN pg_class AS p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY 1, 2
"""
# What refuses writes, or changes them, in a way that no declaration can be read from.
FURTHER: Final = """
SELECT 'trigger ' || t.tgname || ' on ' || o.name, 'what it refuses stands in its function'
FROM ours AS o JOIN pg_trigger AS t ON t.tgrelid = o.oid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy ' || p.polname || ' on ' || o.name, 'who may see or write which rows'
FROM ours AS o JOIN pg_policy AS p ON p.polrelid = o.oid
UNION ALL
SELECT 'rule ' || w.rulename || ' on ' || o.name, 'it rewrites statements'
FROM ours AS o JOIN pg_rewrite AS w ON w.ev_class = o.oid
UNION ALL
SELECT 'generated column ' || o.name || '.' || a.attname, 'what it is computed from'
FROM ours AS o JOIN pg_attribute AS a ON a.attrelid = o.oid
WHERE a.attgenerated <> '' AND NOT a.attisdropped
UNION ALL
SELECT 'length of ' || o.name || '.' || a.attname,
    'a refusal of ' || format_type(a.atttypid, a.atttypmod) || ' names no column'
FROM ours AS o JOIN pg_attribute AS a ON a.attrelid = o.oid
WHERE a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
    AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'schema ' || n.nspname, 'only tables of public are tried'
FROM pg_namespace AS n
WHERE n.nspname <> 'public' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND EXISTS (
        SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
    )
ORDER BY 1
"""
SCALES: Final = """
SELECT o.name, a.attname::text, (greatest(a.atttypmod, t.typtypmod) - 4) & 2047
FROM ours AS o JOIN pg_attribute AS a ON a.attrelid = o.oid JOIN pg_type AS t ON t.oid = a.atttypid
WHERE 'numeric'::regtype IN (t.oid, t.typbasetype) AND greatest(a.atttypmod, t.typtypmod) > 4
    AND NOT a.attisdropped
"""
ACTIONS: Final = {
    "a": "no action",
    "r": "restrict",
    "c": "cascade",
    "n": "set null",
    "d": "set default",
}


@dataclass(frozen=True, slots=True)
class CheckOf:
    """A CHECK of a table, or of a domain that one of its columns has.

    Attributes:
        table, name: of the constraint.
        text: the condition, as SQL over the table's columns.
        columns: those that it reads.
        comment: of the constraint, or ''.
        domain: the domain, or ''.
    """

    table: str
    name: str
    text: str
    columns: tuple[str, ...]
    comment: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class UniqueOf:
    """A unique index: `by` is what must differ as SQL, `columns` what that reads."""

    table: str
    name: str
    is_primary: bool
    where: str
    nulls_are_alike: bool
    by: tuple[str, ...]
    columns: tuple[str, ...]
    is_plain: bool
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ExclusionOf:
    """An exclusion constraint; a column is '' where it is an expression."""

    table: str
    name: str
    where: str
    columns: tuple[str, ...]
    operators: tuple[str, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceOf:
    """A foreign key."""

    table: str
    name: str
    parent: str
    is_ours: bool
    on_delete: str
    on_update: str
    columns: tuple[str, ...]
    theirs: tuple[str, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that was read of a schema.

    Attributes:
        tables: as cases are made from them, by name.
        not_null: of each table, the columns that are never null, with the domain that says so.
        scales: digits after the point, by `table.column`, where a number has a bound of them.
        checks, unique, exclusions, references: the constraints, in the order of their names.
        further: what else refuses or changes writes, and what is not known of it.
    """

    tables: Mapping[str, Table]
    not_null: Mapping[str, Mapping[str, str]]
    checks: Sequence[CheckOf]
    unique: Sequence[UniqueOf]
    exclusions: Sequence[ExclusionOf]
    references: Sequence[ReferenceOf]
    further: Sequence[tuple[str, str]] = ()
    scales: Mapping[str, int] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Schema:
    """A connection as what cases are made from asks it."""

    connection: psycopg.Connection[Any]

    def fetch(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        return self.connection.execute(query.encode()).fetchall()


def read(connection: psycopg.Connection[Any]) -> Catalogue:
    """Read the schema `public` of a database."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        return connection.execute((OURS + query).encode()).fetchall()

    known = tables_of(Schema(connection))
    tables = {name: known[name] for (name,) in ask(TABLES) if name in known}
    not_null: dict[str, dict[str, str]] = {}
    for table, column, domain in ask(NOT_NULL):
        not_null.setdefault(table, {})[column] = domain
    return Catalogue(
        tables,
        not_null,
        [_check(*row) for row in ask(CHECKS)],
        [_unique(tables, *row) for row in ask(UNIQUE)],
        [
            ExclusionOf(table, name, where, tuple(columns), tuple(operators), comment)
            for table, name, where, columns, operators, comment in ask(EXCLUSIONS)
        ],
        [
            ReferenceOf(
                *(table, name, parent, ours, ACTIONS[gone], ACTIONS[moved]),
                tuple(columns),
                tuple(theirs),
                comment,
            )
            for table, name, parent, ours, gone, moved, columns, theirs, comment in ask(REFERENCES)
        ],
        [(str(what), str(why)) for what, why in ask(FURTHER)],
        {f"{table}.{column}": scale for table, column, scale in ask(SCALES)},
    )


def _check(  # noqa: PLR0913, PLR0917 - a row of the query
    table: str, name: str, text: str, columns: list[str], comment: str, domain: str
) -> CheckOf:
    if domain:
        text = re.sub(r"\bVALUE\b", lambda _found: quoted(columns[0]), text.removeprefix("CHECK "))
        text = text.removesuffix(" NOT VALID")
    return CheckOf(table, name, bare(text), tuple(columns), comment, domain)


def _unique(  # noqa: PLR0913, PLR0917 - a row of the query
    tables: Mapping[str, Table],
    table: str,
    name: str,
    is_primary: bool,  # noqa: FBT001 - as above
    where: str,
    nulls_are_alike: bool,  # noqa: FBT001 - as above
    by: list[str],
    plain: list[str],
    comment: str,
) -> UniqueOf:
    read: dict[str, None] = {}
    for text, column in zip(by, plain, strict=True):
        read |= dict.fromkeys([column] if column else columns_in(text, tables[table].columns))
    is_plain = all(plain)
    return UniqueOf(
        *(table, name, is_primary, bare(where), nulls_are_alike),
        tuple(by),
        tuple(read),
        is_plain,
        comment,
    )


def columns_in(text: str, columns: Mapping[str, object]) -> list[str]:
    """Return the columns of a table that an expression names."""
    outside = re.sub(r"'(?:[^']|'')*'", "''", text)
    return [
        name
        for name in columns
        if re.search(rf"(?<![\w\"]){re.escape(quoted(name))}(?!\w)", outside)
    ]


def bare(text: str) -> str:
    """Return an expression without the parentheses around all of it."""
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1]
    return text


def _closes_last(text: str) -> bool:
    """Return whether the first parenthesis is closed by the last one."""
    depth = 0
    for place, letter in enumerate(re.sub(r"'[^']*'", lambda found: "x" * len(found[0]), text)):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return place == len(text) - 1
    return False
