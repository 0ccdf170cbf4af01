"""Powers of roles, and settings, that a file may change and the description of a schema leaves out.

Attributes and memberships of roles belong to the server, and so do rights to set a parameter. Only
roles that the files name are looked at: somebody else may be at work on the same scratch server.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.engine.domain.chosen import conventions, domain
from conformance.engine.gate import published
from conformance.engine.postgres import roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.audit.description import Description
    from conformance.engine.audit.target import Connection

# Each returns (kind, name, definition).
QUERIES = (
    """
    SELECT 'setting', split_part(c.setting, '=', 1) || ' of '
            || coalesce(quote_ident(r.rolname), 'every role') || ' in this database',
        substr(c.setting, strpos(c.setting, '=') + 1)
    FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS c (setting)
    LEFT JOIN pg_roles AS r ON r.oid = s.setrole
    WHERE s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    """,
    """
    SELECT 'default', concat_ws(' ', a.privilege_type, 'on',
            CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
                WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' END,
            'to come', 'in ' || nullif(d.defaclnamespace, 0)::regnamespace::text, 'to',
            CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END),
        ''
    FROM pg_default_acl AS d, aclexplode(d.defaclacl) AS a WHERE a.grantee <> d.defaclrole
    """,
    """
    SELECT 'owner', 'table ' || format('%I.%I', n.nspname, c.relname),
        quote_ident(pg_get_userbyid(c.relowner))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN OUR SCHEMAS AND c.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT 'owner', 'function ' || p.oid::regprocedure, quote_ident(pg_get_userbyid(p.proowner))
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN OUR SCHEMAS
    UNION ALL
    SELECT 'owner', 'schema ' || quote_ident(n.nspname), quote_ident(pg_get_userbyid(n.nspowner))
    FROM pg_namespace AS n WHERE n.nspname IN OUR SCHEMAS
    """,
    """
    SELECT 'bound', format('%I.%I', n.nspname, c.relname), pg_get_partition_constraintdef(c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relispartition AND c.relkind IN ('r', 'p') AND n.nspname IN OUR SCHEMAS
        -- A hash is one of the parent's number, which another database has not.
        AND pg_get_partition_constraintdef(c.oid) !~ '\\msatisfies_hash_partition\\M'
    """,
    """
    SELECT 'storage', format('%I.%I', n.nspname, c.relname), 'is not vacuumed by itself any more'
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN pg_options_to_table(c.reloptions) AS o
    WHERE n.nspname IN OUR SCHEMAS AND o.option_name = 'autovacuum_enabled'
        AND NOT o.option_value::boolean
    UNION ALL
    SELECT 'storage', format('%I.%I', t.schemaname, t.tablename),
        'is published without a key: UPDATE and DELETE fail there'
    FROM pg_publication_tables AS t JOIN pg_publication AS p ON p.pubname = t.pubname
    JOIN pg_class AS c ON c.oid = format('%I.%I', t.schemaname, t.tablename)::regclass
    WHERE (p.pubupdate OR p.pubdelete) AND (c.relreplident = 'n' OR (c.relreplident = 'd'
        AND NOT EXISTS (SELECT FROM pg_index AS x WHERE x.indrelid = c.oid AND x.indisprimary)))
    """,
    published.FACTS,
    # What is named and called as the server's own, and fits some arguments better.
    """
    SELECT 'namesake', 'operator ' || o.oid::regoperator, '' FROM pg_operator AS o
    WHERE o.oid >= 16384 AND greatest(o.oprleft, o.oprright) < 16384 AND EXISTS (
        SELECT FROM pg_operator AS own WHERE own.oid < 16384 AND own.oprname = o.oprname
    ) AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e'
    )
    UNION ALL
    SELECT 'namesake', 'function ' || p.oid::regprocedure, '' FROM pg_proc AS p
    WHERE p.pronamespace = 'public'::regnamespace AND p.pronargs > 0
        AND 16384 > ALL (p.proargtypes::oid[]) AND EXISTS (
        SELECT FROM pg_proc AS own WHERE own.oid < 16384 AND own.proname = p.proname
            AND own.pronargs = p.pronargs AND own.prorettype <> 'trigger'::regtype
    ) AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
    """,
    """
    SELECT 'limit', 'of the database', CASE WHEN datallowconn THEN datconnlimit || ' sessions'
        ELSE 'nobody' END
    FROM pg_database
    WHERE datname = current_database() AND (datconnlimit <> -1 OR NOT datallowconn)
    """,
    # The description leaves out who may connect, which is its owner's business.
    """
    SELECT 'connect', 'CONNECT to ' || coalesce(quote_ident(r.rolname), 'PUBLIC'), ''
    FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS e
    LEFT JOIN pg_roles AS r ON r.oid = e.grantee
    WHERE d.datname = current_database() AND e.privilege_type = 'CONNECT' AND e.grantee <> d.datdba
    """,
    """
    SELECT 'event trigger', quote_ident(evtname),
        evtevent || ' ' || evtfoid::regprocedure || ' ' || evtenabled::text FROM pg_event_trigger
    UNION ALL
    SELECT 'publication', quote_ident(pubname), CASE WHEN puballtables THEN 'of all tables' END
    FROM pg_publication
    UNION ALL
    SELECT 'cast', format('from %s to %s', castsource::regtype, casttarget::regtype),
        castfunc::regprocedure::text FROM pg_cast AS c WHERE oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
    UNION ALL
    SELECT 'operator', oid::regoperator::text, oprcode::text FROM pg_operator AS o
    WHERE oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend AS d
        WHERE d.classid = 'pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e'
    )
    """,
    # Triggers of our tables may call what lies in other schemas.
    """
    SELECT 'function', format('%I.%I(%s)', n.nspname, p.proname,
            pg_get_function_identity_arguments(p.oid)), pg_get_functiondef(p.oid)
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^(pg_|information_schema$|conformance$)' AND n.nspname NOT IN OUR SCHEMAS
        AND p.prokind IN ('f', 'p') AND NOT EXISTS (
            SELECT FROM pg_depend AS d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        )
    """,
)
NEW = {
    "parameter": "this right is new",
    "limit": "lets in {} from now on",
    "namesake": "may be taken for the server's own of that name",
}
KINDS = ("role", "membership", "setting", "owner", *NEW)
# Settings with which a session neither keeps the rules nor may write.
SILENT, IDLE = "triggers are silent", "nothing can be written"
ON, OFF = ("on", "true", "yes", "1"), ("off", "false", "no", "0")
BEGINNING = {
    ("session_replication_role", "replica"): SILENT,
    ("session_replication_role", "local"): "some triggers are silent",
    **{("default_transaction_read_only", word): IDLE for word in ON},
    **{("standard_conforming_strings", word): "a backslash in a string escapes" for word in OFF},
    **{("synchronous_commit", word): "a crash takes what was committed" for word in OFF},
    **{("row_security", word): "tables with policies cannot be read" for word in OFF},
}
# Settings that end what takes longer, and how many milliseconds their units have.
ENDING = (
    "statement_timeout",
    "transaction_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
)
TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?")
UNITS = {"us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
SHORTEST = 1_000  # milliseconds
# To read only, and to be looked at.
READERS = re.compile(
    r"pg_(?:read_all_data|read_all_settings|read_all_stats|stat_scan_tables|monitor)"
)
OWN = {"$user", "pg_catalog"}  # schemas before `public`, in which nobody makes what has its names
READING = ("SELECT", "USAGE", "EXECUTE")


def describe(conn: Connection, text: str) -> Description:
    """Return what roles may do, and what else of a database no schema shows.

    Args:
        conn: to a scratch database.
        text: of all files: only roles that are named there are looked at.
    """
    named = roles.names(text)
    found: Description = {
        key: definition
        for key, (definition, parts) in roles.facts(conn).items()
        if roles.is_named(parts, named)
    }
    for query in QUERIES:
        for kind, name, definition in conn.execute(conventions().placed(query).encode()).fetchall():
            found[kind, name] = definition or ""
    return found


def gained(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield what some role may do that it might not, or no longer, each by the name to waive."""
    for key in sorted(before.keys() | after.keys()):
        kind, name = key
        old, new = before.get(key), after.get(key)
        if kind not in KINDS or old == new:
            continue
        if kind == "role":
            further = sorted(set((new or "").split()) - set((old or "").split()))
            if further or new is None:
                has = f"has {' and '.join(further)} from now on"
                yield f"role {name}", "is gone, with who logs in as it" if new is None else has
        elif kind == "membership":
            if became := _became(name, before, after):
                yield f"membership {name}", became
        elif kind == "setting" and (begins := _begins(name, new)):
            yield f"setting {name}", f"begins each session so that {begins}"
        elif kind in NEW and new is not None:
            yield f"{kind} {name}", NEW[kind].format(new)
        elif kind == "owner" and old is not None and new is not None:
            yield f"owner of {name}", f"is {new} from now on, and was {old}"


def _begins(name: str, value: str | None) -> str | None:
    """Return what a setting of a role comes to, if that is no harmless one."""
    setting, said = name.partition(" ")[0], (value or "").lower()
    time = TIME.fullmatch(said)
    if setting in ENDING and time:
        limit = float(time[1]) * UNITS[time[2] or "ms"]
        return f"what takes longer than {limit:g} ms is ended" if 0 < limit < SHORTEST else None
    if setting == "role" and value not in {None, "none"}:
        return f"it acts as {value}"
    if setting == "search_path" and value is not None:
        path = [each.strip(' "') for each in said.split(",")]
        ahead = path[: path.index("public")] if "public" in path else None
        if ahead is None:
            return "names do not lead to public"
        return "names lead elsewhere before public" if {*ahead} - OWN else None
    return BEGINNING.get((setting, said))


def _became(name: str, before: Description, after: Description) -> str:
    """Return what became of a membership, if that is no harmless one."""
    if ("membership", name) not in after:
        return "this membership is lost"
    member, _, group = name.rpartition(" in ")
    made = [each for each in (member, group) if ("role", each) in {*after} - {*before}]
    # A role that files make may be one as which the application logs in.
    harmless = READERS.fullmatch(group) or (group == domain().application and member in made)
    return "" if harmless or group in made else "this membership is new"


def shut_out(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield who may no longer connect; everybody is no matter where the application may."""
    let_in = ("connect", f"CONNECT to {domain().application}") in after
    for kind, name in sorted(before.keys() - after.keys()):
        if kind == "connect" and not (let_in and name == "CONNECT to PUBLIC"):
            yield name, "this right is lost"


def by_default(before: Description, after: Description) -> Iterator[tuple[str, str]]:
    """Yield what roles may do with what is made later, beside reading it, by the name to waive."""
    rights: dict[str, list[str]] = {}
    for kind, name in sorted(after.keys() - before.keys()):
        if kind == "default" and not name.startswith(READING):
            right, _, place = name.partition(" on ")
            rights.setdefault(place, []).append(right)
    for place, some in rights.items():
        yield f"default on {place}", f"these rights are new: {', '.join(some)}"


def others(before: Description, after: Description) -> Iterator[str]:
    """Yield in words what else of the server and the database is not as it was."""
    for key in sorted(before.keys() | after.keys()):
        kind, name = key
        old, new = before.get(key), after.get(key)
        shown = kind in {"setting", "event trigger", "publication", "cast", "operator"}
        if shown and old != new:
            became = f": {new}" if new else "" if new is not None else ", which is gone"
            yield f"changes the {kind} {name}{became}"
