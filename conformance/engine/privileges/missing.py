"""Privileges that a statement needs and the application's role does not have.

Read from the statement itself, not from a server: so what a server refuses for want of a right can
be compared with what it should.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.engine.domain.chosen import domain
from conformance.engine.domain.domain import Privileges
from conformance.engine.sql.tree import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.engine.sql.writes import Statement

# What a server says of whoever lacks a right.
PRIVILEGE = "42501"
OWNERS_SETTING = "session_replication_role"
NONE = Privileges("", {}, {}, frozenset())


def _privileges() -> Privileges:
    return domain().privileges or NONE


def missing_privilege(body: Iterable[Statement]) -> str:
    """Return the first right that the statements need and the role lacks, or ''."""
    return next((lack for statement in body for lack in lacks(statement.sql)), "")


def lacks(sql: str) -> Iterator[str]:
    """Return the rights that a statement needs and the role lacks, such as `UPDATE of usage.id`.

    What cannot be parsed needs none: a server refuses it for that.
    """
    from pglast.parser import ParseError, parse_sql  # noqa: PLC0415 - slow, and rarely needed

    try:
        tree = parse_sql(sql)
    except ParseError:
        return
    for node in below(tree):
        need = NEEDS.get(type(node).__name__)
        if need:
            yield from need(node)


def _insert(node: Any) -> Iterator[str]:
    columns = [each.name for each in node.cols or ()]
    yield from _write("INSERT", node.relation, columns)
    conflict = node.onConflictClause
    if conflict is not None:
        changed = [each.name for each in conflict.targetList or ()]
        yield from _write("UPDATE", node.relation, changed) if changed else ()


def _update(node: Any) -> Iterator[str]:
    yield from _write("UPDATE", node.relation, [each.name for each in node.targetList])


def _delete(node: Any) -> Iterator[str]:
    yield from _drop(node.relation)


def _merge(node: Any) -> Iterator[str]:
    for when in node.mergeWhenClauses:
        columns = [each.name for each in when.targetList or ()]
        kind = when.commandType.name
        if kind == "CMD_INSERT":
            yield from _write("INSERT", node.relation, columns)
        elif kind == "CMD_UPDATE":
            yield from _write("UPDATE", node.relation, columns)
        elif kind == "CMD_DELETE":
            yield from _drop(node.relation)


def _copy(node: Any) -> Iterator[str]:
    if node.is_from:
        columns = [each.sval for each in node.attlist or ()]
        yield from _write("INSERT", node.relation, columns)


def _truncate(node: Any) -> Iterator[str]:
    for relation in node.relations:
        yield f"TRUNCATE of {relation.relname}"


def _call(node: Any) -> Iterator[str]:
    *schema, name = (part.sval for part in node.funcname)
    mine = _privileges()
    if any(each in mine.closed for each in schema) or (
        schema == ["public"] and name not in mine.calls
    ):
        yield f"EXECUTE of {name}"


def _set(node: Any) -> Iterator[str]:
    if node.name == OWNERS_SETTING:
        yield f"SET of {node.name}"


def _read(node: Any) -> Iterator[str]:
    if node.schemaname in _privileges().closed:
        yield f"USAGE of {node.schemaname}"


NEEDS = {
    "InsertStmt": _insert,
    "UpdateStmt": _update,
    "DeleteStmt": _delete,
    "MergeStmt": _merge,
    "CopyStmt": _copy,
    "TruncateStmt": _truncate,
    "FuncCall": _call,
    "VariableSetStmt": _set,
    "RangeVar": _read,
}


def _write(kind: str, relation: Any, columns: Iterable[str]) -> Iterator[str]:
    """Return the lacking columns of a write; without columns, any right to the table will do."""
    mine = _privileges()
    granted = mine.inserts if kind == "INSERT" else mine.updates
    known = granted.get(relation.relname, frozenset())
    if not known:
        yield f"{kind} of {relation.relname}"
    for column in columns:
        if column not in known:
            yield f"{kind} of {relation.relname}.{column}"


def _drop(relation: Any) -> Iterator[str]:
    if relation.relname not in _privileges().deletes:
        yield f"DELETE of {relation.relname}"
