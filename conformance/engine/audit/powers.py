"""Powers: who could switch off what enforces the rules, and whether somebody has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.engine.audit.findings import Fault
from conformance.engine.audit.owner import OWNER
from conformance.engine.domain.chosen import conventions, domain

if TYPE_CHECKING:
    from conformance.engine.audit.target import Connection

SUPERUSERS = "SELECT rolname FROM pg_roles WHERE rolsuper ORDER BY rolname"

# Each returns (role, what the role can do, how to end that); {owner} is the owner's oid.
QUERIES = (
    """
    SELECT pg_get_userbyid(o.owner), 'owns ' || count(*) || CASE count(*) WHEN 1 THEN ' object'
            ELSE ' objects' END || ' of the schema, such as ' || min(o.what),
        'give it to the owner of the others: ALTER … OWNER TO …'
    FROM (
        SELECT c.relowner AS owner, c.oid::regclass::text AS what, c.relnamespace AS space,
            'pg_class'::regclass AS class, c.oid FROM pg_class AS c
        WHERE c.relkind = 'r' AND c.relname <> 'schema_migrations'
        UNION ALL SELECT p.proowner, p.oid::regprocedure::text, p.pronamespace,
            'pg_proc'::regclass, p.oid FROM pg_proc AS p
        UNION ALL SELECT t.typowner, t.oid::regtype::text, t.typnamespace, 'pg_type'::regclass,
            t.oid FROM pg_type AS t WHERE t.typtype IN ('e', 'd')
        UNION ALL SELECT s.nspowner, 'schema ' || s.nspname, s.oid, 'pg_namespace'::regclass, s.oid
        FROM pg_namespace AS s WHERE s.nspname IN HELPER SCHEMAS
    ) AS o JOIN pg_namespace AS n ON n.oid = o.space
    WHERE n.nspname IN OUR SCHEMAS AND o.owner <> {owner}
        AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = o.owner)
        AND NOT EXISTS (
            SELECT FROM pg_depend AS d
            WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e'
        )
    GROUP BY o.owner
    """,
    """
    SELECT r.rolname, 'is a member of the owner, ' || pg_get_userbyid({owner}),
        format('REVOKE %I FROM %I', pg_get_userbyid({owner}), r.rolname)
    FROM pg_roles AS r
    WHERE r.oid <> {owner} AND NOT r.rolsuper AND pg_has_role(r.oid, {owner}, 'MEMBER')
    """,
    # Up to 15, whoever may create roles may become any of them that is no superuser.
    """
    SELECT r.rolname, 'may create roles, and so become the owner on this major',
        format('ALTER ROLE %I NOCREATEROLE', r.rolname)
    FROM pg_roles AS r WHERE r.rolcreaterole AND NOT r.rolsuper AND r.oid <> {owner}
        AND current_setting('server_version_num')::integer < 160000
        AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = {owner})
    """,
    """
    SELECT r.rolname, 'owns the database or the schema public, and so may drop any table in it',
        'give them to the owner of the tables'
    FROM pg_roles AS r WHERE NOT r.rolsuper AND r.oid <> {owner} AND (
        r.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
        OR r.rolname <> 'pg_database_owner'
        AND r.oid = (SELECT nspowner FROM pg_namespace WHERE nspname = 'public')
    )
    """,
    """
    SELECT r.rolname, 'may become a superuser, or write past the triggers, as a member of '
            || string_agg(p.rolname, ', ' ORDER BY p.rolname),
        format('REVOKE %s FROM %I', string_agg(p.rolname, ', ' ORDER BY p.rolname), r.rolname)
    FROM pg_roles AS r JOIN pg_roles AS p ON p.rolname IN (
        'pg_execute_server_program', 'pg_write_server_files', 'pg_create_subscription'
    )
    WHERE NOT r.rolsuper AND r.oid <> p.oid AND r.oid <> {owner}
        AND pg_has_role(r.oid, p.oid, 'MEMBER')
    GROUP BY r.rolname
    """,
    """
    SELECT r.rolname, 'may do more than an application should: ' || p.power, p.remedy
    FROM pg_roles AS r CROSS JOIN LATERAL (
        SELECT 'CREATEROLE' AS power, format('ALTER ROLE %I NOCREATEROLE', r.rolname) AS remedy
        WHERE r.rolcreaterole
        UNION ALL SELECT 'REPLICATION', format('ALTER ROLE %I NOREPLICATION', r.rolname)
        WHERE r.rolreplication
        UNION ALL SELECT 'BYPASSRLS', format('ALTER ROLE %I NOBYPASSRLS', r.rolname)
        WHERE r.rolbypassrls
        UNION ALL SELECT 'it is a member of pg_write_all_data',
            format('REVOKE pg_write_all_data FROM %I', r.rolname)
        WHERE pg_has_role(r.oid, 'pg_write_all_data', 'MEMBER')
    ) AS p
    WHERE r.rolname = '{application}' AND NOT r.rolsuper
    """,
    """
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
        'may ' || a.privilege_type || ' session_replication_role, which silences triggers',
        format('REVOKE %s ON PARAMETER session_replication_role FROM %s', a.privilege_type,
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS a
    WHERE p.parname = 'session_replication_role'
        AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.grantee AND r.rolsuper)
        AND a.grantee <> {owner}
    """,
    """
    SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee) END,
        'has ' || string_agg(DISTINCT a.privilege_type, ', ') || ' on ' || count(DISTINCT c.oid)
            || CASE count(DISTINCT c.oid) WHEN 1 THEN ' table, ' ELSE ' tables, such as ' END
            || min(c.oid::regclass::text),
        format('REVOKE %s ON ALL TABLES IN SCHEMA %I FROM %s',
            string_agg(DISTINCT a.privilege_type, ', '), min(n.nspname),
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace, aclexplode(c.relacl) AS a
    WHERE n.nspname IN OUR SCHEMAS AND c.relkind = 'r'
        AND a.privilege_type IN ('TRIGGER', 'TRUNCATE') AND a.grantee <> c.relowner
        AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.grantee AND r.rolsuper)
    GROUP BY a.grantee
    """,
    """
    SELECT coalesce(nullif(pg_get_userbyid(s.setrole), 'unknown (OID=0)'), 'every role'),
        'begins each session with ' || c.setting || ', which silences triggers',
        'ALTER ROLE or DATABASE … RESET session_replication_role'
    FROM pg_db_role_setting AS s, unnest(s.setconfig) AS c (setting)
    WHERE c.setting LIKE 'session_replication_role=%' AND c.setting NOT LIKE '%=origin'
        AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    UNION ALL
    SELECT 'every role', 'begins each session with session_replication_role=' || reset_val,
        'remove it from the configuration of the server'
    FROM pg_settings WHERE name = 'session_replication_role' AND reset_val <> 'origin'
    """,
    """
    SELECT 'of subscription ' || x.srsubid, 'writes to ' || x.srrelid::regclass::text
        || ' as a replica, which fires no trigger'
        || CASE x.srsubstate WHEN 'r' THEN '' ELSE '; it is not copied yet' END,
        'DROP SUBSCRIPTION …, or let it write elsewhere'
    FROM pg_subscription_rel AS x JOIN pg_class AS c ON c.oid = x.srrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname IN OUR SCHEMAS
    """,
)


def look(conn: Connection) -> tuple[list[Fault], list[str]]:
    """Return who could switch the rules off, other than the owner and superusers, who are noted."""
    owner = conn.execute(conventions().placed(OWNER).encode()).fetchall()
    if not owner:
        return [], []
    name = conn.execute("SELECT pg_get_userbyid(%s)", owner[0]).fetchall()[0][0]
    faults = [
        Fault(f"role {role}", str(what), str(remedy))
        for query in QUERIES
        for role, what, remedy in conn.execute(
            conventions()
            .placed(query)
            .replace("{owner}", str(int(owner[0][0])))
            .replace("{application}", domain().application)
            .encode()
        ).fetchall()
    ]
    superusers = ", ".join(role for (role,) in conn.execute(SUPERUSERS).fetchall())
    return faults, [f"could switch the rules off: the owner, {name}; superusers: {superusers}"]
