"""Roles of a server: what they may do, and how what some files changed of that is taken back.

Roles belong to the server, where the next run would find them. Others may make and change some
meanwhile: only those count that the files name.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import errors, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import psycopg

# (kind, name) -> what it is, and the names of the roles, settings or rights that it is made of.
Facts: TypeAlias = "dict[tuple[str, str], tuple[str, tuple[str, ...]]]"

WORD = re.compile(r"\w+")
# Each returns (kind, name, definition, parts), the first part the role that it is about or ''.
QUERIES = (
    """
    SELECT 'role', quote_ident(rolname), concat_ws(' ',
        CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
        CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
        CASE WHEN rolbypassrls THEN 'BYPASSRLS' END), ARRAY[rolname::text, oid::text]
    FROM pg_roles
    """,
    """
    SELECT 'membership', quote_ident(m.rolname) || ' in ' || quote_ident(r.rolname), '',
        ARRAY[m.rolname::text, r.rolname::text]
    FROM pg_auth_members AS a JOIN pg_roles AS m ON m.oid = a.member
    JOIN pg_roles AS r ON r.oid = a.roleid GROUP BY m.rolname, r.rolname
    """,
    """
    SELECT 'setting', split_part(c.setting, '=', 1) || ' of '
            || coalesce(quote_ident(r.rolname), 'every role'),
        substr(c.setting, strpos(c.setting, '=') + 1),
        ARRAY[coalesce(r.rolname::text, ''), split_part(c.setting, '=', 1)]
    FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS c (setting)
    LEFT JOIN pg_roles AS r ON r.oid = s.setrole WHERE s.setdatabase = 0
    """,
    """
    SELECT 'parameter', concat_ws(' ', a.privilege_type, 'on', p.parname, 'to',
            coalesce(quote_ident(r.rolname), 'PUBLIC')),
        '', ARRAY[coalesce(r.rolname::text, ''), a.privilege_type, p.parname]
    FROM pg_parameter_acl AS p, aclexplode(p.paracl) AS a LEFT JOIN pg_roles AS r
    ON r.oid = a.grantee
    """,
)
ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")


def names(text: str) -> set[str]:
    """Return the words of some files, in lower case."""
    return set(WORD.findall(text.lower()))


def is_named(parts: Sequence[str], named: set[str]) -> bool:
    """Return whether some words hold the role that a fact is about, its first part.

    What is about every role counts where they hold what it is about, too.
    """
    role, *rest = parts
    if role:
        return set(WORD.findall(role.lower())) <= named
    return "reset" in named or set(WORD.findall(rest[-1].lower())) <= named


def facts(conn: psycopg.Connection[Any]) -> Facts:
    """Return what each role of a server may do."""
    return {
        (kind, name): (definition, tuple(parts))
        for query in QUERIES
        for kind, name, definition, parts in conn.execute(query.encode()).fetchall()
    }


def take_back(conn: psycopg.Connection[Any], before: Facts, named: set[str]) -> None:
    """Give roles that some files name what they had, and drop those that are new.

    Args:
        conn: of a role that may do that; what it may not, stays.
        before: what roles were.
        named: the words of the files.
    """
    after = facts(conn)
    named_before, named_after = _by_id(before), _by_id(after)
    for oid in named_before.keys() & named_after.keys():
        was, now = named_before[oid], named_after[oid]
        if was != now and (is_named((was,), named) or is_named((now,), named)):
            rename = sql.SQL("ALTER ROLE {} RENAME TO {}")
            _try(conn, rename.format(sql.Identifier(now), sql.Identifier(was)))
            after = facts(conn)
    changed = {
        key: (before.get(key), after.get(key))
        for key in (*before, *after)
        if before.get(key) != after.get(key) and is_named((before.get(key) or after[key])[1], named)
    }
    for (kind, name), (old, new) in changed.items():
        if kind == "role" and old is None:
            _drop(conn, name)
        elif kind == "role" and new is None:
            continue  # dropped, with what only it knew
        else:
            with conn.transaction():
                for statement in _statements(kind, old, new):
                    _try(conn, statement)


def _by_id(some: Facts) -> dict[str, str]:
    """Return the names of roles by what stays when they get another one."""
    return {parts[1]: parts[0] for (kind, _), (_, parts) in some.items() if kind == "role"}


def _drop(conn: psycopg.Connection[Any], called: str) -> None:
    # As the server quotes it.
    _try(conn, sql.SQL("DROP ROLE IF EXISTS {}").format(sql.SQL(called)))


def _try(conn: psycopg.Connection[Any], statement: sql.Composed) -> None:
    with (
        suppress(
            errors.CantChangeRuntimeParam,
            errors.DependentObjectsStillExist,
            errors.InsufficientPrivilege,
            errors.InvalidParameterValue,
            errors.UndefinedObject,
        ),
        conn.transaction(),
    ):
        conn.execute(statement)


def _statements(
    kind: str, old: tuple[str, tuple[str, ...]] | None, new: tuple[str, tuple[str, ...]] | None
) -> Iterator[sql.Composed]:
    """Yield what makes one fact what it was."""
    definition = old[0] if old else ""
    role, *rest = (old or new or ("", ("",)))[1]
    everybody = "ALL" if kind == "setting" else "PUBLIC"
    who = sql.Identifier(role) if role else sql.SQL(everybody)
    if kind == "role":
        had = definition.split()
        words = " ".join(word if word in had else f"NO{word}" for word in ATTRIBUTES)
        yield sql.SQL("ALTER ROLE {} {}").format(who, sql.SQL(words))
    elif kind == "membership":
        verb = "GRANT {} TO {}" if old else "REVOKE {} FROM {}"
        yield sql.SQL(verb).format(sql.Identifier(rest[0]), who)
    elif kind == "setting":
        name = sql.Identifier(*rest[0].split("."))
        if old:
            # From what is set here: of a list, no text can be given in the place of its names.
            here = sql.SQL("SELECT set_config({}, {}, true)")
            yield here.format(sql.Literal(rest[0]), sql.Literal(definition))
            yield sql.SQL("ALTER ROLE {} SET {} FROM CURRENT").format(who, name)
        else:
            yield sql.SQL("ALTER ROLE {} RESET {}").format(who, name)
    elif kind == "parameter":
        verb = "GRANT {} ON PARAMETER {} TO {}" if old else "REVOKE {} ON PARAMETER {} FROM {}"
        yield sql.SQL(verb).format(sql.SQL(rest[0]), sql.Identifier(*rest[1].split(".")), who)
