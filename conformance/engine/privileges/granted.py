"""Rights of a role by the catalogue of a server, as queries for their names."""

# What extensions bring is theirs.
OF_EXTENSION = (
    "SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid"
    " AND d.deptype = 'e'"
)
# What the suite puts beside a schema (see change_log.py) is no part of it.
OURS = "n.nspname NOT IN ('information_schema', 'conformance') AND n.nspname !~ '^pg_'"
OF_CLASS = f"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}"

# A right to what is yet to be made.
TO_COME = """a.privilege_type || ' on ' || CASE d.defaclobjtype WHEN 'r' THEN 'tables'
    WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types'
    WHEN 'n' THEN 'schemas' ELSE 'large objects' END || ' to come'"""

# Rights as the server has them, of the role itself, by membership, or of everybody. A right to a
# table is one to each of its columns, which are then not named; MAINTAIN came with PostgreSQL 17.
RIGHTS = f"""
SELECT r.name || ' ' || c.relname || CASE
        WHEN has_table_privilege(%(role)s, c.oid, r.name || ' WITH GRANT OPTION') THEN ' to grant'
        ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN unnest(
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
    || CASE WHEN current_setting('server_version_num')::integer >= 170000
        THEN ARRAY['MAINTAIN'] ELSE '{{}}' END) r (name)
WHERE {OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND has_table_privilege(%(role)s, c.oid, r.name)
UNION ALL
SELECT 'USAGE ' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {OURS} AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(%(role)s, c.oid, 'USAGE') END
UNION ALL
SELECT r.name || ' ' || c.relname || '.' || a.attname || CASE
        WHEN has_column_privilege(%(role)s, c.oid, a.attnum, r.name || ' WITH GRANT OPTION')
        THEN ' to grant' ELSE '' END
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) r (name)
WHERE {OURS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
    AND has_column_privilege(%(role)s, c.oid, a.attnum, r.name)
    AND NOT has_table_privilege(%(role)s, c.oid, r.name)
UNION ALL
SELECT 'EXECUTE ' || p.proname || CASE
        WHEN has_function_privilege(%(role)s, p.oid, 'EXECUTE WITH GRANT OPTION') THEN ' to grant'
        ELSE '' END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {OURS} AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
    AND NOT EXISTS ({OF_EXTENSION})
UNION ALL
SELECT r.name || ' ' || n.nspname || CASE
        WHEN has_schema_privilege(%(role)s, n.oid, r.name || ' WITH GRANT OPTION') THEN ' to grant'
        ELSE '' END
FROM pg_namespace n CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) r (name)
WHERE {OURS} AND has_schema_privilege(%(role)s, n.oid, r.name)
UNION ALL
SELECT r.name || ' of the database' FROM unnest(ARRAY['CREATE', 'TEMPORARY']) r (name)
WHERE has_database_privilege(%(role)s, current_database(), r.name)
UNION ALL
SELECT 'EXECUTE ' || p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
    AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
    AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
UNION ALL
SELECT 'be ' || r.rolname FROM pg_roles r
WHERE pg_has_role(%(role)s, r.oid, 'MEMBER') AND r.rolname NOT IN (%(role)s, %(group)s)
UNION ALL
SELECT a.power || ' by ' || r.rolname FROM pg_roles r, LATERAL (VALUES
    ('be a superuser', r.rolsuper), ('make roles', r.rolcreaterole),
    ('make databases', r.rolcreatedb), ('replicate', r.rolreplication),
    ('pass row security', r.rolbypassrls),
    -- People log in as roles of their own, which are its members.
    ('log in', r.rolcanlogin AND r.rolname = %(group)s)
) a (power, is_had)
WHERE r.rolname IN (%(role)s, %(group)s) AND a.is_had
UNION ALL
SELECT 'begin with ' || s.setting || ' by ' || r.rolname
FROM pg_db_role_setting d JOIN pg_roles r ON r.oid = d.setrole
CROSS JOIN unnest(d.setconfig) s (setting) WHERE r.rolname = %(group)s
    AND d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
UNION ALL
SELECT a.privilege_type || ' ' || p.parname
FROM pg_parameter_acl p, aclexplode(p.paracl) a
WHERE a.grantee = 0
    OR a.grantee IN (SELECT oid FROM pg_roles WHERE rolname IN (%(role)s, %(group)s))
UNION ALL
SELECT {TO_COME}
FROM pg_default_acl d, aclexplode(d.defaclacl) a
-- What everybody is to have was so before there was a schema: whoever owns the database said that.
WHERE a.grantee IN (SELECT oid FROM pg_roles WHERE rolname IN (%(role)s, %(group)s))
"""
# What everybody is to have, on a database that had nothing before its migrations. Where default
# privileges hold in all schemas, they say what PostgreSQL gives everybody anyway, too.
TO_COME_OF_EVERYBODY = f"""
SELECT {TO_COME} || ' by everybody'
FROM pg_default_acl d, aclexplode(d.defaclacl) a
WHERE a.grantee = 0 AND NOT (d.defaclnamespace = 0 AND EXISTS (
    SELECT FROM aclexplode(acldefault(d.defaclobjtype, d.defaclrole)) b
    WHERE (b.grantee, b.privilege_type) = (0, a.privilege_type)
))
"""
# Types that the role may not name, such as in a cast or in a table of its own.
LACKING = f"""
SELECT 'USAGE ' || t.oid::regtype FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {OURS} AND t.typtype IN ('e', 'd') AND NOT has_type_privilege(%(role)s, t.oid, 'USAGE')
"""
# What everybody may do, whoever that is: another role of the cluster cleans up, say.
OF_EVERYBODY = f"""
SELECT a.privilege_type || ' ' || o.name || ' by everybody'
FROM (
    SELECT c.relname::text, coalesce(c.relacl, acldefault('r', c.relowner))
    {OF_CLASS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT c.relname || '.' || t.attname, t.attacl
    FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND t.attacl IS NOT NULL
    UNION ALL
    SELECT p.proname, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE {OURS} AND NOT EXISTS ({OF_EXTENSION})
    UNION ALL
    SELECT n.nspname, coalesce(n.nspacl, acldefault('n', n.nspowner))
    FROM pg_namespace n WHERE {OURS}
) AS o (name, acl), aclexplode(o.acl) AS a
WHERE a.grantee = 0
"""
