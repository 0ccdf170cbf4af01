"""Statements that keep a role out of the database: no schema shows who may log in.

On a scratch server nobody logs in as the application's role, so that what it may there says nothing
of a target. The files themselves do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pglast import ast, enums

from conformance.engine.domain.chosen import domain
from conformance.engine.gate.parts import constant, of_block, parsed
from conformance.engine.gate.parts import statements as statements_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.engine.deployment.migrations import Migration
    from conformance.engine.gate.parts import Node

# A string of pieces that limits who may log in.
KEEPING: Final = re.compile(
    r"\b(?:ROLE|USER)\b.*\b(?:NOLOGIN|CONNECTION\s+LIMIT|VALID\s+UNTIL|PASSWORD)\b",
    re.IGNORECASE | re.DOTALL,
)
LIMITS: Final = {
    "connectionlimit": "may have only so many sessions from now on",
    "validUntil": "may log in until some day only",
    "password": "has another password, or none",
}
UNLIMITED: Final = -1
PUBLIC: Final = "PUBLIC"


def of_file(file: Migration) -> Iterator[tuple[str, str]]:
    """Yield roles and databases that a file keeps people out of, each by the name to waive."""
    statements = [*_of_file(file)]
    made = {each.role for each in statements if isinstance(each, ast.CreateRoleStmt)}
    let_in = {role for each in statements for role in _connecting(each, given=True)}
    for each in statements:
        if isinstance(each, str):
            yield "ROLE in a string", f"may keep a role out: {' '.join(each.split())}"
        if isinstance(each, ast.AlterRoleStmt) and each.role and each.role.rolename not in made:
            for what in filter(None, map(_limited, each.options or ())):
                yield f"role {each.role.rolename}", what
        for role in _connecting(each, given=False):
            if role != PUBLIC or domain().application not in let_in:
                yield f"CONNECT to {role}", "this right is lost"


def _of_file(file: Migration) -> Iterator[Node | str]:
    """Yield the statements of a file and of its blocks, and strings that are such in pieces."""
    for node, text, _ in statements_of(file.sql):
        yield node
        if isinstance(node, ast.DoStmt):
            for query, dynamic in (of_block(text) or {}).items():
                made = constant(query) if dynamic else query
                yield from parsed(made or "")
                if made is None and KEEPING.search(query):
                    yield query


def _connecting(statement: object, *, given: bool) -> Iterator[str]:
    """Yield the roles that may connect to a database from now on, or may no longer."""
    if (
        isinstance(statement, ast.GrantStmt)
        and bool(statement.is_grant) == given
        and statement.objtype == enums.ObjectType.OBJECT_DATABASE
        and "connect" in ({each.priv_name for each in statement.privileges or ()} or {"connect"})
    ):
        for each in statement.grantees or ():
            yield str(each.rolename or PUBLIC)


def _limited(option: ast.DefElem) -> str:
    """Return what an option of ALTER ROLE takes from a role; '' where it takes nothing."""
    value = getattr(option.arg, "boolval", getattr(option.arg, "ival", None))
    if option.defname == "canlogin":
        return "" if value else "may not log in any more"
    if option.defname == "connectionlimit" and value == UNLIMITED:
        return ""
    return LIMITS.get(option.defname or "", "")
