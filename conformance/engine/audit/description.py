"""Description of a schema, as rows by which two databases of one major are compared.

Each query returns (kind, name, definition): a name is unique within its kind, and whatever differs
between two installations of the same files (oids, owners, the names that PostgreSQL gives to the
triggers of foreign keys, unless their order is wrong) is left out. What belongs to an extension is
not ours. All are read with the search_path at pg_catalog, so that definitions name every schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from conformance.engine.domain.chosen import conventions

if TYPE_CHECKING:
    from conformance.engine.audit.target import Connection

# Definitions by (kind, name).
Description: TypeAlias = "dict[tuple[str, str], str]"

# `schema_migrations` is the record that `migrate` keeps, and no part of the schema.
OURS = """
WITH space AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname IN OUR SCHEMAS
), foreigner AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relation AS (
    SELECT c.*, format('%I.%I', s.nspname, c.relname) AS called
    FROM pg_class AS c JOIN space AS s ON s.oid = c.relnamespace
    WHERE c.relname NOT IN ('schema_migrations', 'schema_migrations_pkey')
        AND NOT EXISTS (
            SELECT FROM foreigner AS f WHERE f.classid = 'pg_class'::regclass AND f.objid = c.oid
        )
), lasting AS (
    SELECT * FROM relation WHERE relkind IN ('r', 'p', 'f')
), routine AS (
    SELECT p.*, p.oid::regprocedure::text AS called
    FROM pg_proc AS p JOIN space AS s ON s.oid = p.pronamespace
    WHERE NOT EXISTS (
        SELECT FROM foreigner AS f WHERE f.classid = 'pg_proc'::regclass AND f.objid = p.oid
    )
), kind AS (
    SELECT t.*, t.oid::regtype::text AS called
    FROM pg_type AS t JOIN space AS s ON s.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r') AND NOT EXISTS (
        SELECT FROM foreigner AS f WHERE f.classid = 'pg_type'::regclass AND f.objid = t.oid
    )
), constraint_of AS (
    SELECT k.*, coalesce(r.called, 'domain ' || t.called) AS place
    FROM pg_constraint AS k
    LEFT JOIN lasting AS r ON r.oid = k.conrelid
    LEFT JOIN kind AS t ON t.oid = k.contypid
    WHERE coalesce(r.called, t.called) IS NOT NULL AND k.contype <> 'n'
)
"""

QUERIES = (
    """
    SELECT 'schema', nspname, '' FROM space
    """,
    """
    SELECT 'relation', called, concat_ws(' ',
        CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
            WHEN 'S' THEN 'sequence' WHEN 'p' THEN 'partitioned table'
            WHEN 'f' THEN 'foreign table' ELSE relkind::text END,
        CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
        CASE WHEN relrowsecurity THEN 'with row security' END,
        CASE WHEN relforcerowsecurity THEN 'forced' END,
        CASE WHEN relkind = 'v' THEN 'with (' || array_to_string(reloptions, ', ') || ')' END,
        CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END
    ) FROM relation WHERE relkind NOT IN ('i', 'I', 't', 'c')
    """,
    """
    SELECT 'child table', i.inhrelid::regclass::text, 'of ' || r.called
    FROM pg_inherits AS i JOIN lasting AS r ON r.oid = i.inhparent
    """,
    """
    SELECT 'column', r.called || '.' || quote_ident(a.attname), concat_ws(' ',
        format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation
        END,
        CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY BY DEFAULT' END,
        CASE a.attgenerated WHEN 's' THEN 'STORED AS' WHEN 'v' THEN 'VIRTUAL AS' ELSE 'DEFAULT' END
        || ' ' || pg_get_expr(d.adbin, d.adrelid)
    )
    FROM lasting AS r JOIN pg_attribute AS a ON a.attrelid = r.oid
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped
    """,
    """
    SELECT 'constraint', conname || ' on ' || place, pg_get_constraintdef(oid)
        || CASE WHEN coalesce(to_jsonb(constraint_of) ->> 'conenforced', 'true') <> 'true'
                THEN ' (not enforced)'
            WHEN NOT convalidated THEN ' (not validated)'
            ELSE '' END
    FROM constraint_of
    """,
    # The turn of a key that is asked, on INSERT or UPDATE, before one whose name comes first.
    """
    SELECT DISTINCT 'turn', k.conname || ' on ' || k.place, ''
    FROM constraint_of AS k JOIN pg_trigger AS own ON own.tgconstraint = k.oid
    JOIN pg_trigger AS g ON g.tgrelid = own.tgrelid AND g.tgfoid = own.tgfoid
    JOIN pg_constraint AS first ON first.oid = g.tgconstraint
    WHERE own.tgfoid IN ('"RI_FKey_check_ins"'::regproc, '"RI_FKey_check_upd"'::regproc)
        AND first.conname < k.conname AND g.tgname > own.tgname
    """,
    """
    SELECT 'index', x.indexrelid::regclass::text || ' on ' || r.called,
        pg_get_indexdef(x.indexrelid)
        || CASE WHEN x.indisvalid AND x.indisready AND x.indislive THEN '' ELSE ' (invalid)' END
        || CASE WHEN x.indimmediate THEN '' ELSE ' (deferrable)' END
    FROM pg_index AS x JOIN lasting AS r ON r.oid = x.indrelid
    """,
    """
    SELECT 'trigger', quote_ident(t.tgname) || ' on ' || r.called, pg_get_triggerdef(t.oid)
        || CASE t.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' (disabled)'
            WHEN 'R' THEN ' (on replicas only)' ELSE ' (always)' END
    FROM pg_trigger AS t JOIN lasting AS r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
    """,
    """
    SELECT 'trigger of', k.conname || ' on ' || k.place, string_agg(
        t.tgrelid::regclass::text || ' ' || t.tgfoid::regproc::text || ' ' || t.tgtype,
        ', ' ORDER BY t.tgrelid::regclass::text, t.tgfoid::regproc::text, t.tgtype
    ) || CASE WHEN bool_or(t.tgenabled = 'D') THEN ' (disabled)'
        WHEN bool_or(t.tgenabled = 'R') THEN ' (on replicas only)' ELSE '' END
    FROM pg_trigger AS t JOIN constraint_of AS k ON k.oid = t.tgconstraint
    WHERE t.tgisinternal GROUP BY 2
    """,
    """
    SELECT 'rule', quote_ident(w.rulename) || ' on ' || r.called, pg_get_ruledef(w.oid)
    FROM pg_rewrite AS w JOIN lasting AS r ON r.oid = w.ev_class
    """,
    """
    SELECT 'policy', quote_ident(p.polname) || ' on ' || r.called, concat_ws(' ', p.polcmd,
        p.polpermissive, pg_get_expr(p.polqual, r.oid), pg_get_expr(p.polwithcheck, r.oid), 'to', (
            SELECT string_agg(CASE o.of WHEN 0 THEN 'PUBLIC'
                ELSE quote_ident(pg_get_userbyid(o.of)) END, ', ' ORDER BY o.of)
            FROM unnest(p.polroles) AS o (of)
        ))
    FROM pg_policy AS p JOIN lasting AS r ON r.oid = p.polrelid
    """,
    """
    SELECT 'function', called,
        CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(oid) ELSE prokind::text END
    FROM routine
    """,
    # Wherever they lie: what they do becomes of our rows.
    """
    SELECT DISTINCT 'function', t.tgfoid::regprocedure::text, pg_get_functiondef(t.tgfoid)
    FROM pg_trigger AS t JOIN lasting AS r ON r.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND NOT EXISTS (
        SELECT FROM foreigner AS f WHERE f.classid = 'pg_proc'::regclass AND f.objid = t.tgfoid
    )
    """,
    """
    SELECT 'type', k.called, CASE k.typtype
        WHEN 'e' THEN (
            SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
            FROM pg_enum AS e WHERE e.enumtypid = k.oid
        )
        WHEN 'd' THEN concat_ws(' ', format_type(k.typbasetype, k.typtypmod),
            CASE WHEN k.typnotnull THEN 'NOT NULL' END, 'DEFAULT ' || k.typdefault)
        ELSE k.typtype::text
    END FROM kind AS k
    """,
    """
    SELECT 'comment', what, description FROM (
        SELECT c.called AS what, d.description FROM relation AS c JOIN pg_description AS d
        ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = 0
        UNION ALL SELECT r.called || '.' || quote_ident(a.attname), d.description FROM relation AS r
        JOIN pg_attribute AS a ON a.attrelid = r.oid JOIN pg_description AS d
        ON d.classoid = 'pg_class'::regclass AND d.objoid = r.oid AND d.objsubid = a.attnum
        WHERE a.attnum > 0
        UNION ALL SELECT 'constraint ' || k.conname || ' on ' || k.place, d.description
        FROM constraint_of AS k JOIN pg_description AS d
        ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid
        UNION ALL SELECT 'trigger ' || quote_ident(t.tgname) || ' on ' || r.called, d.description
        FROM pg_trigger AS t JOIN lasting AS r ON r.oid = t.tgrelid JOIN pg_description AS d
        ON d.classoid = 'pg_trigger'::regclass AND d.objoid = t.oid
        UNION ALL SELECT 'function ' || p.called, d.description FROM routine AS p
        JOIN pg_description AS d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid
        UNION ALL SELECT 'type ' || k.called, d.description FROM kind AS k
        JOIN pg_description AS d ON d.classoid = 'pg_type'::regclass AND d.objoid = k.oid
    ) AS c
    """,
    # What roles other than the owner may do; a privilege that nobody was given is nobody's.
    """
    SELECT 'privilege', concat_ws(' ', g.privilege_type, 'on', g.what, 'to',
            CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END),
        CASE WHEN bool_or(g.is_grantable) THEN 'with grant option' ELSE '' END
    FROM (
        SELECT r.called AS what, r.relowner AS owner, e.* FROM relation AS r,
        aclexplode(coalesce(r.relacl, acldefault(
            CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) AS e
        UNION ALL SELECT r.called || '.' || quote_ident(a.attname), r.relowner, e.*
        FROM relation AS r JOIN pg_attribute AS a ON a.attrelid = r.oid, aclexplode(a.attacl) AS e
        WHERE NOT a.attisdropped
        UNION ALL SELECT 'function ' || p.called, p.proowner, e.* FROM routine AS p,
        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e
        UNION ALL SELECT 'type ' || k.called, k.typowner, e.* FROM kind AS k,
        aclexplode(coalesce(k.typacl, acldefault('T', k.typowner))) AS e
        UNION ALL SELECT 'schema ' || n.nspname, n.nspowner, e.* FROM pg_namespace AS n
        JOIN space AS s ON s.oid = n.oid,
        aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS e
        -- Of the database what everybody may do: who connects to it is its owner's business.
        UNION ALL SELECT 'the database', d.datdba, e.* FROM pg_database AS d,
        aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS e
        WHERE d.datname = current_database() AND e.grantee = 0 AND e.privilege_type <> 'CONNECT'
    ) AS g WHERE g.grantee <> g.owner GROUP BY 2
    """,
)


def describe(conn: Connection) -> Description:
    """Return what the schema of a database is; the transaction's search_path is kept."""
    path = conn.execute("SHOW search_path").fetchall()[0][0]
    conn.execute("SELECT set_config('search_path', 'pg_catalog', true)")
    found: Description = {}
    for query in QUERIES:
        ours = conventions().placed(OURS + query)
        for kind, name, definition in conn.execute(ours.encode()).fetchall():
            found[kind, name] = definition or ""
    conn.execute("SELECT set_config('search_path', %s, true)", (path,))
    return found
