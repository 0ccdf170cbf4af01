"""Acting as a role: a session that writes with its rights, and not with those of the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, sql

if TYPE_CHECKING:
    from conformance.engine.postgres import Server

MISSING = "{role!r}: the server has no such role, and the migrations under test make none"
NOT_NAMED = "{role!r}: the schema under test grants it nothing"
NOT_OURS = (
    "{role!r}: whom we connect as may not act as it: run GRANT {role} TO {user},"
    " or connect as a superuser"
)


# Of this database: the list of rights of an object in it names the role.
GRANTED = """
SELECT FROM pg_catalog.pg_shdepend AS d
WHERE d.dbid = (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = current_database())
    AND d.refclassid = 'pg_catalog.pg_authid'::regclass
    AND d.refobjid = to_regrole(quote_ident(%s)) AND d.deptype = 'a'
LIMIT 1
"""


class RoleError(Exception):
    """A role that the suite cannot act as; its text is one message, ready for a user."""


def become(connection: psycopg.Connection[Any], role: str) -> None:
    """Give up all rights but a role's, for the rest of a session.

    A superuser hands over the session itself, so that even SET ROLE is asked of the role.

    Raises:
        RoleError: There is no such role, or it is not for us to act as.
    """
    (superuser,) = connection.execute(
        "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    ).fetchone() or (False,)
    how = "SET SESSION AUTHORIZATION {}" if superuser else "SET ROLE {}"
    try:
        connection.execute(sql.SQL(how).format(sql.Identifier(role)))
    except (errors.UndefinedObject, errors.InvalidParameterValue):
        raise RoleError(MISSING.format(role=role)) from None
    except errors.InsufficientPrivilege:
        user = connection.info.user
        raise RoleError(NOT_OURS.format(role=role, user=user)) from None


def examine(server: Server, role: str) -> None:
    """Make sure that the suite can act as a role on a server; raises as `become`."""
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        become(connection, role)


def hindrance(conninfo: str, role: str) -> str:
    """Return why nothing can be tried as a role on a database with a schema, or ''.

    A role belongs to the whole server: one that this schema says nothing of is none of its own.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection:
        is_granted = bool(connection.execute(GRANTED, [role]).rowcount)
        try:
            become(connection, role)
        except RoleError as error:
            return str(error)
    return "" if is_granted else NOT_NAMED.format(role=role)
