"""Parts of files and bodies: their statements, and what bodies run or make up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from pglast import ast, parse_plpgsql, parse_sql
from pglast.parser import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

Node: TypeAlias = Any  # of pglast: what its statements share has no type
Loops: TypeAlias = "tuple[tuple[str, str], ...]"  # rows that a block goes through: (name, query)

QUERY = "query"  # what libpg_query calls the text of a statement in a body
OF_SCHEMA = re.compile(r"(?<![\w.\"])(?!pg_catalog\b|public\b)\w+\.(?=\w)")
DYNAMIC = ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors", "dynquery")


def queries(
    tree: Any, loops: Loops = (), *, dynamic: bool = False
) -> Iterator[tuple[str, Loops, bool]]:
    """Yield the parts of a body: text, what loops around it go through, whether it makes up SQL."""
    if isinstance(tree, list):
        for each in tree:
            yield from queries(each, loops, dynamic=dynamic)
    elif isinstance(tree, dict):
        for name, each in tree.items():
            if name == QUERY and isinstance(each, str):
                yield each, loops, dynamic
            elif name == "PLpgSQL_stmt_fors":
                yield from queries(each[QUERY], loops)
                record = each["var"].get("PLpgSQL_rec", {}).get("refname")
                own = ((record, each[QUERY]["PLpgSQL_expr"][QUERY]),) if record else ()
                yield from queries(each.get("body"), (*loops, *own))
            elif name in DYNAMIC:
                made = each if name == "dynquery" else each[QUERY]
                yield from queries(made, loops, dynamic=True)
                yield from queries(each.get("params"), loops)
                yield from queries(each.get("body"), loops)
            else:
                yield from queries(each, loops, dynamic=dynamic)


def body(text: str) -> list[dict[str, Any]] | None:
    """Return what libpg_query makes of a body; None where it cannot read it."""
    head, begins, rest = text.partition("BEGIN")
    # It knows no schema of a type but `public`.
    for each in (text, f"{OF_SCHEMA.sub('', head)}{begins}{rest}"):
        try:
            tree: list[dict[str, Any]] = parse_plpgsql(each)
        except ParseError:
            continue
        if any("action" in one["PLpgSQL_function"] for one in tree):
            return tree
    return None


def of_block(text: str) -> dict[str, bool] | None:
    """Return the parts of a body, and which make up SQL; None where it cannot be read."""
    tree = body(text)
    return None if tree is None else {query: dynamic for query, _, dynamic in queries(tree)}


def parsed(query: str) -> tuple[Node, ...]:
    """Return the statements of a part of a body; an expression as one that selects it."""
    for text in (query, f"SELECT {query}"):
        try:
            return tuple(raw.stmt for raw in parse_sql(text))
        except ParseError:
            continue
    return ()


def constant(query: str) -> str | None:
    """Return the text that an expression of SQL is; None where it is put together of more."""
    for node in parsed(query):
        if isinstance(node, ast.SelectStmt) and len(node.targetList or ()) == 1:
            [target] = node.targetList or ()
            return _text(target.val)
    return None


def _text(node: Node) -> str | None:
    """Return a string, or strings that are joined."""
    if isinstance(node, ast.A_Const):
        return node.val.sval if isinstance(node.val, ast.String) else None
    if isinstance(node, ast.A_Expr) and node.lexpr and last(node.name) == "||":
        parts = [_text(node.lexpr), _text(node.rexpr)]
        return None if None in parts else "".join(map(str, parts))
    return None


def statements(text: str) -> Iterator[tuple[Node, str, int]]:
    """Yield the statements of a file, each with its text and place; none where it is no SQL."""
    try:
        found = parse_sql(text)
    except ParseError:
        return  # the trial says so
    for raw in found:
        place = raw.stmt_location or 0
        yield raw.stmt, text[place:][: raw.stmt_len or None], place


def named(relation: Node) -> str:
    """Return the name of a relation, as identifiers."""
    parts = (relation.schemaname, relation.relname)
    return ".".join(quoted(part) for part in parts if part)


def last(names: Any) -> str:
    """Return a name without its schema."""
    return str(names[-1].sval)


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"{}"'.format(name.replace('"', '""'))
