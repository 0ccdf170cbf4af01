"""Variables of a body: the expressions that they hold, to be put in their place.

A variable that gets its value in one place alone, by its declaration, an assignment or SELECT INTO,
holds what stands there. All others nobody can tell without running the body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pglast import ast, parse_sql
from pglast.parser import ParseError
from pglast.visitors import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Node = Any  # of pglast: what its statements share has no type

FIRST = re.compile(r"\s*(\"[^\"]+\"|\w+)")  # the variable that an assignment begins with
ASSIGNED = re.compile(r"\s*(?P<target>\"[^\"]+\"|\w+)\s*:?=\s*(?P<value>.*)", re.DOTALL)
# What sets variables that it names by their place, which is another one in a trigger.
BY_PLACE = {"PLpgSQL_stmt_foreach_a", "PLpgSQL_diag_item", "PLpgSQL_stmt_open"}
DEEPEST = 5  # variables that lead to others


class _Values(Visitor):
    """Puts expressions in the place of variables."""

    def __init__(self, values: Mapping[str, Node]) -> None:
        super().__init__()
        self._values = values

    def visit_ColumnRef(self, _: object, node: Node) -> Node | None:  # noqa: N802 - pglast's name
        if len(node.fields) == 1:
            return self._values.get(getattr(node.fields[0], "sval", ""))
        return None


def put_in(node: Node, values: Mapping[str, Node]) -> Node:
    """Return a statement with expressions in the place of variables."""
    for _ in range(DEEPEST if values else 0):
        node = _Values(values)(node)
    return node


def values(tree: list[dict[str, Any]]) -> dict[str, Node]:
    """Return the expression that each variable of a body holds, where there is one alone.

    Args:
        tree: what libpg_query makes of the body.
    """
    found: dict[str, Node] = {}
    for each in tree:
        function = each["PLpgSQL_function"]
        sources: dict[str, list[str | None]] = {}
        types: dict[str, str] = {}
        declared = [datum.get("PLpgSQL_var", {}) for datum in function["datums"]]
        for variable in declared:
            if "lineno" in variable:
                name = variable["refname"]
                # One that is declared twice is not told apart.
                sources.setdefault(name, []).extend([None] if name in types else [])
                types[name] = variable["datatype"]["PLpgSQL_type"]["typname"]
                if "default_val" in variable:
                    sources[name].append(_text(variable["default_val"]))
        for name, source in _assigned(function["action"], declared):
            sources.setdefault(name, []).append(source)
        for name, given in sources.items():
            node = _typed(given[0], types[name]) if len(given) == 1 and name in types else None
            if node is not None:
                found[name] = node
    return found


def changed(tree: Any) -> set[str]:
    """Return the variables that a body assigns to, beside what loops do, or declares twice."""
    found: set[str] = set()
    for each in tree if isinstance(tree, list) else ():
        found |= changed(each)
    for name, each in tree.items() if isinstance(tree, dict) else ():
        if name == "PLpgSQL_stmt_assign" and (target := FIRST.match(_text(each["expr"]))):
            found.add(target[1].strip('"').lower())
        elif name == "target":  # of INTO and FETCH; of GET DIAGNOSTICS, its place alone
            known = isinstance(each, dict)
            found |= {one.partition(".")[0] for one in _named(each)} if known else {""}
        found |= changed(each)
    if isinstance(tree, dict) and "datums" in tree:
        named = [one.get("refname") for datum in tree["datums"] for one in datum.values()]
        found |= {one for one in named if one and (named.count(one) > 1 or "" in found)}
    return found


def _assigned(tree: Any, declared: list[dict[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Yield each variable that a part of a body sets, and to what; None where nobody can tell."""
    if isinstance(tree, list):
        for each in tree:
            yield from _assigned(each, declared)
    elif isinstance(tree, dict):
        for name, each in tree.items():
            if name in {"var", "fields"}:
                yield from ((one, None) for one in _named(each))
            elif name in BY_PLACE:
                yield from ((one["refname"], None) for one in declared if "lineno" in one)
            sets = _set_by(name, each)
            yield from sets
            yield from () if sets else _assigned(each, declared)


def _set_by(kind: str, statement: Any) -> list[tuple[str, str | None]]:
    """Return the variable that an assignment or a SELECT INTO sets, and to what."""
    if kind == "PLpgSQL_stmt_assign":
        found = ASSIGNED.fullmatch(_text(statement["expr"]))
        return [(found["target"].strip('"').lower(), found["value"])] if found else []
    if kind == "PLpgSQL_stmt_execsql" and statement.get("into"):
        names = [*_named(statement["target"].get("PLpgSQL_row", {}).get("fields", ()))]
        query = f"({_text(statement['sqlstmt'])})"
        return [(name, query if len(names) == 1 else None) for name in names]
    return []


def _named(target: Any) -> Iterator[str]:
    """Yield the variables of a target."""
    if isinstance(target, dict):
        target = [each for one in target.values() for each in (one.get("fields") or [one])]
    yield from (each.get("name") or each.get("refname") or "" for each in target)


def _text(expression: dict[str, Any]) -> str:
    return str(expression["PLpgSQL_expr"]["query"])


def _typed(source: str | None, kind: str) -> Node | None:
    if source is None:
        return None
    try:
        [raw] = parse_sql(f"SELECT CAST(({source}) AS {kind})")
    except ParseError:
        return None
    statement: Any = raw.stmt
    if not isinstance(statement, ast.SelectStmt):
        return None
    [target] = statement.targetList or ()
    return target.val
