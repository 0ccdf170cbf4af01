"""Rights, asked of the catalogue: those that a role or everybody lacks, and all that are given."""

from __future__ import annotations

from conformance.engine.domain.chosen import domain

OURS = "NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'conformance')"
# What owners have is every privilege that this server knows for a kind of object. Of columns those
# are asked that are given column by column somewhere; SELECT or REFERENCES is a matter of tables.
_LACKING = f"""
WITH role AS (SELECT r.oid, r.rolname FROM pg_roles AS r WHERE r.rolname = ':application'),
tables AS (
    SELECT c.oid, c.relacl AS acl, acldefault('r', c.relowner) AS whole
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname {OURS} AND c.relkind = 'r'
),
columns AS (
    SELECT a.attrelid, a.attname, a.attnum, a.attacl AS acl FROM pg_attribute AS a
    WHERE a.attrelid IN (SELECT t.oid FROM tables AS t) AND a.attnum > 0 AND NOT a.attisdropped
),
functions AS (
    SELECT p.oid, p.proacl AS acl, acldefault('f', p.proowner) AS whole
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname {OURS}
),
schemas AS (
    SELECT n.oid, n.nspname, n.nspacl AS acl, acldefault('n', n.nspowner) AS whole
    FROM pg_namespace AS n WHERE n.nspname {OURS} AND n.nspname !~ '^pg_'
),
-- A schema that says nothing of the role leaves no right to mutate.
spoken AS (
    SELECT FROM role WHERE role.oid IN (
        SELECT (aclexplode(each.acl)).grantee FROM (
            SELECT acl FROM tables UNION ALL SELECT acl FROM columns
            UNION ALL SELECT acl FROM functions UNION ALL SELECT acl FROM schemas
        ) AS each (acl)
    )
),
rights AS (
    SELECT 'table' AS kind, t.oid::regclass::text AS object, NULL::text AS "column",
        a.privilege_type AS privilege,
        has_table_privilege(role.oid, t.oid, a.privilege_type) AS of_role, true AS of_all
    FROM role, tables AS t, aclexplode(t.whole) AS a WHERE a.grantee <> 0
    UNION ALL
    SELECT 'column', c.attrelid::regclass::text, c.attname::text, p.privilege,
        has_column_privilege(role.oid, c.attrelid, c.attnum, p.privilege), true
    FROM role, columns AS c, (
        SELECT DISTINCT (aclexplode(g.acl)).privilege_type AS privilege FROM columns AS g
    ) AS p
    UNION ALL
    SELECT 'function', f.oid::regprocedure::text, NULL, a.privilege_type,
        has_function_privilege(role.oid, f.oid, a.privilege_type),
        has_function_privilege('public', f.oid, a.privilege_type)
    FROM role, functions AS f, aclexplode(f.whole) AS a WHERE a.grantee <> 0
    UNION ALL
    SELECT 'schema', s.nspname::text, NULL, a.privilege_type,
        has_schema_privilege(role.oid, s.oid, a.privilege_type),
        has_schema_privilege('public', s.oid, a.privilege_type)
    FROM role, schemas AS s, aclexplode(s.whole) AS a WHERE a.grantee <> 0
    UNION ALL
    SELECT 'database', current_database()::text, NULL, a.privilege_type,
        has_database_privilege(role.oid, d.oid, a.privilege_type),
        has_database_privilege('public', d.oid, a.privilege_type)
    FROM role, pg_database AS d, aclexplode(acldefault('d', d.datdba)) AS a
    WHERE d.datname = current_database() AND a.grantee <> 0
)
SELECT r.kind, r.object, r."column", r.privilege, w.of_role
FROM rights AS r, (VALUES (true), (false)) AS w (of_role)
WHERE EXISTS (SELECT FROM spoken)
    AND CASE WHEN w.of_role THEN NOT r.of_role ELSE NOT r.of_all END
ORDER BY 1, 2, 3, 4, 5
"""
# What the role has been given by itself: not what everybody has.
_HELD = f"""
SELECT e.kind, e.object, e."column", a.privilege_type AS privilege
FROM (
    SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind,
        c.oid::regclass::text AS object, NULL::text AS "column", c.relacl AS acl
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname {OURS}
    UNION ALL
    SELECT 'column', a.attrelid::regclass::text, a.attname::text, a.attacl
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname {OURS} AND NOT a.attisdropped
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, NULL, p.proacl
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname {OURS}
    UNION ALL
    SELECT 'schema', n.nspname::text, NULL, n.nspacl
    FROM pg_namespace AS n WHERE n.nspname {OURS}
) AS e, aclexplode(e.acl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
WHERE r.rolname = ':application'
ORDER BY 1, 2, 3, 4
"""
# What is given on each object, by whom and to whom, in one order.
ENTRIES = "(SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM aclexplode({}) AS a)"


def _entries(acl: str) -> str:
    return ENTRIES.format(acl)


GIVEN = f"""
SELECT 'rights ' || c.oid::regclass::text,
    {_entries("coalesce(c.relacl, acldefault('r', c.relowner))")}
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind IN ('r', 'v')
UNION ALL
SELECT 'rights ' || a.attrelid::regclass::text || '.' || a.attname, {_entries("a.attacl")}
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname {OURS} AND c.relkind = 'r' AND a.attacl IS NOT NULL
UNION ALL
SELECT 'rights ' || p.oid::regprocedure::text,
    {_entries("coalesce(p.proacl, acldefault('f', p.proowner))")}
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname {OURS}
UNION ALL
SELECT 'rights schema ' || n.nspname, {_entries("coalesce(n.nspacl, acldefault('n', n.nspowner))")}
FROM pg_namespace AS n WHERE n.nspname {OURS}
UNION ALL
SELECT 'rights database', {_entries("coalesce(d.datacl, acldefault('d', d.datdba))")}
FROM pg_database AS d WHERE d.datname = current_database()
"""


def lacking() -> str:
    """Return a query for the rights that the application's role, or everybody, lacks."""
    return _of_application(_LACKING)


def held() -> str:
    """Return a query for the rights that the application's role has."""
    return _of_application(_HELD)


def _of_application(query: str) -> str:
    return query.replace(":application", domain().application)
