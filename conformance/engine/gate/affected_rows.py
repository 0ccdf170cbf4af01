"""Queries for the rows that a statement would meet, which read and write nothing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pglast import ast, parse_sql
from pglast.enums import CmdType, MergeMatchKind
from pglast.parser import ParseError
from pglast.stream import RawStream
from pglast.visitors import Visitor

from conformance.engine.gate.parts import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.engine.gate.parts import Loops, Node
    from conformance.engine.gate.row_changes import RowChange

BY_INDEX = "which rows it meets, only the index tells"
BY_SOURCE = MergeMatchKind.MERGE_WHEN_NOT_MATCHED_BY_SOURCE
BY_TARGET = MergeMatchKind.MERGE_WHEN_NOT_MATCHED_BY_TARGET


class _Records(Visitor):
    """Writes `r.id` as `(r).id`, where `r` is a row that a block goes through."""

    def __init__(self, loops: Loops) -> None:
        super().__init__()
        self._names = {name for name, _ in loops}

    def visit_ColumnRef(self, _: object, node: Node) -> Node | None:  # noqa: N802 - pglast's name
        first, *rest = node.fields
        if not rest or getattr(first, "sval", None) not in self._names:
            return None
        return ast.A_Indirection(arg=ast.ColumnRef(fields=(first,)), indirection=tuple(rest))


def query(
    change: RowChange,
    columns: Mapping[str, str],
    constraints: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """Return what selects the places of rows that a statement takes; '' where it loses none.

    Args:
        change: the statement.
        columns: of its table today, with their types: a column that a file adds holds nothing.
        constraints: the keys of its table, with their columns.

    Raises:
        ValueError: nobody can tell from its text.
    """
    node = change.node
    if change.takes_all:
        return f"SELECT tableoid, ctid FROM {change.table}"
    node = _in_loops(node, change.loops)
    called = quoted(node.relation.alias.aliasname if node.relation.alias else node.relation.relname)
    if isinstance(node, ast.MergeStmt):
        conditions = [_all(each) for each in _merged(node, called, columns)]
        if not conditions:
            return ""
        where = _any(conditions)
    else:
        differs = _differing(called, change.targets, columns)
        if not (isinstance(node, ast.DeleteStmt) or differs):
            return ""
        if isinstance(node, ast.InsertStmt):
            where = _clashing(node, called, columns, differs, _keys(node, constraints))
        else:
            where = _simple(node, differs)
    if change.loops:
        rows = ", LATERAL ".join(
            f"(SELECT {quoted(name)} FROM ({_rewritten(text, change.loops)}) AS {quoted(name)}) "
            f"AS framecast_{number}"
            for number, (name, text) in enumerate(change.loops)
        )
        where = f"EXISTS (SELECT FROM {rows} WHERE {where})"
    places = f"SELECT {called}.tableoid, {called}.ctid FROM {_sql(node.relation)}"
    return f"{_with(node)}{places} WHERE {where}"


def _simple(node: Node, differs: str) -> str:
    """Return the condition of a DELETE, or of an UPDATE that changes something."""
    others = node.usingClause if isinstance(node, ast.DeleteStmt) else node.fromClause
    where = _all([_sql(node.whereClause) if node.whereClause else "", differs])
    if not others:
        return where
    return f"EXISTS (SELECT FROM {', '.join(map(_sql, others))} WHERE {where})"


def _merged(node: Node, called: str, columns: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the conditions of each part of a MERGE that deletes or changes rows."""
    earlier: dict[MergeMatchKind, list[str]] = {}
    source, join = _sql(node.sourceRelation), _sql(node.joinCondition)
    for clause in node.mergeWhenClauses:
        own = _sql(clause.condition) if clause.condition else "true"
        before = earlier.setdefault(clause.matchKind, [])
        conditions = [own, *(f"({each}) IS NOT TRUE" for each in before)]
        before.append(own)
        differs = _differing(called, clause.targetList or (), columns)
        changes = clause.commandType == CmdType.CMD_UPDATE and bool(differs)
        if clause.matchKind == BY_TARGET or not (
            changes or clause.commandType == CmdType.CMD_DELETE
        ):
            continue
        if clause.matchKind == BY_SOURCE:
            there = f"NOT EXISTS (SELECT FROM {source} WHERE {join})"
            yield [there, *conditions, differs]
        else:
            where = _all([join, *conditions, differs])
            yield [f"EXISTS (SELECT FROM {source} WHERE {where})"]


def _keys(node: Node, constraints: Mapping[str, Sequence[str]]) -> Sequence[str | None]:
    """Return the columns by which ON CONFLICT finds rows, None for an expression; [] for none."""
    infer = node.onConflictClause.infer
    if infer is None or infer.whereClause:
        return []
    if infer.conname:
        return constraints.get(infer.conname, [])
    return [each.name for each in infer.indexElems or ()]


def _clashing(
    node: Node,
    called: str,
    columns: Mapping[str, str],
    differs: str,
    keys: Sequence[str | None],
) -> str:
    """Return the condition of rows that ON CONFLICT … DO UPDATE changes."""
    clause = node.onConflictClause
    if not keys or None in keys or node.selectStmt is None:
        raise ValueError(BY_INDEX)
    further = _sql(clause.whereClause) if clause.whereClause else ""
    return _with_keys(node, called, columns, [each for each in keys if each], [further, differs])


def _with_keys(
    node: Node, called: str, columns: Mapping[str, str], keys: Sequence[str], further: list[str]
) -> str:
    """Return the condition of rows that have the keys of some that are inserted."""
    names = _filled(node, columns)
    typed = ", ".join(
        f"{quoted(name)}::{columns[name]} AS {quoted(name)}" for name in names if name in columns
    )
    given = ", ".join(map(quoted, names))
    rows = f"SELECT {typed} FROM ({_sql(node.selectStmt)}) AS framecast_given ({given})"
    same = [f"excluded.{quoted(key)} = {called}.{quoted(key)}" for key in keys]
    return f"EXISTS (SELECT FROM ({rows}) AS excluded WHERE {_all([*same, *further])})"


def _filled(node: Node, columns: Mapping[str, str]) -> list[str]:
    """Return the columns that an INSERT gives: where it names none, as many as it has values."""
    query = node.selectStmt
    given = [*(query.valuesLists or ()), query.targetList or ()][0] if query else ()
    starred = any(
        isinstance(getattr(each, "val", None), ast.ColumnRef)
        and isinstance(each.val.fields[-1], ast.A_Star)
        for each in given
    )
    some = [*columns] if starred else [*columns][: len(given)]
    return [each.name for each in node.cols or ()] or some


def twins(node: Node, columns: Mapping[str, str], keys: Sequence[Sequence[str]]) -> str:
    """Return what selects the places of rows whose keys an INSERT gives once more; '' for none."""
    names = _filled(node, columns)
    given = [each for each in keys if {*each} <= {*names}]
    if not given or node.selectStmt is None:
        return ""
    called = quoted(node.relation.alias.aliasname if node.relation.alias else node.relation.relname)
    where = _any(_with_keys(node, called, columns, each, []) for each in given)
    places = f"SELECT {called}.tableoid, {called}.ctid FROM {_sql(node.relation)}"
    return f"{_with(node)}{places} WHERE {where}"


def _differing(called: str, targets: tuple[Node, ...], columns: Mapping[str, str]) -> str:
    """Return the condition that assignments change a column of today; '' where none is one."""
    return _any(
        "true"
        if isinstance(each.val, ast.SetToDefault | ast.MultiAssignRef) or each.indirection
        else f"{called}.{quoted(each.name)} IS DISTINCT FROM ({_sql(each.val)})"
        for each in targets
        if not each.name or (each.name in columns and not _is_itself(each))  # none: the whole row
    )


def _is_itself(target: Node) -> bool:
    """Return whether an assignment gives a column what it holds."""
    names = getattr(target.val, "fields", None) or ()
    return [getattr(each, "sval", "") for each in names] == [target.name]


def _in_loops(node: Node, loops: Loops) -> Node:
    return _Records(loops)(node) if loops else node


def _rewritten(text: str, loops: Loops) -> str:
    """Return the query of a loop, which may name the rows of loops around it."""
    try:
        [raw] = parse_sql(text)
    except ParseError as error:
        raise ValueError(str(error)) from error
    return _sql(_in_loops(raw.stmt, loops))


def _with(node: Node) -> str:
    return f"WITH {_sql(node.withClause)} " if node.withClause else ""


def _all(conditions: list[str]) -> str:
    return " AND ".join(f"({each})" for each in conditions if each) or "true"


def _any(conditions: list[str] | Iterator[str]) -> str:
    return " OR ".join(f"({each})" for each in conditions)


def _sql(node: Node) -> str:
    return str(RawStream()(node))
