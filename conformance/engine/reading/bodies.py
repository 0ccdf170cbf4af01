"""Bodies of functions, conditions and checks, read by PostgreSQL's own parser.

Nothing is run. What a body makes up while it runs (EXECUTE) cannot be read, and is said to be so.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from conformance.engine.reading import nodes
from conformance.engine.reading.nodes import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

# How PL/pgSQL has its parts parsed: expressions, and assignments with one to three names.
EXPRESSION, ASSIGNMENTS = 2, frozenset({3, 4, 5})
ASSIGNMENT = re.compile(r"\s*((?:\"[^\"]+\"|[\w.\[\]])+?)\s*(?::=|=)\s*(.*)", re.DOTALL)
ATOMIC = re.compile(r"\s*BEGIN ATOMIC\b(.*)\bEND\s*", re.DOTALL | re.IGNORECASE)
RETURN = re.compile(r"\s*RETURN\b(.*)", re.DOTALL | re.IGNORECASE)
WHOLE = "*"  # all columns of a row
RETURNED = re.compile(r"\bRETURN\s+(\w+)\s*;", re.IGNORECASE)
ASIDE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
ROWS = frozenset({"new", "old"})
ERRCODE = 0  # of RAISE, the option by which a handler chooses
WHERE_FROM = "PG_CONTEXT"  # who called, as text


@cache
def of_expression(text: str) -> Reading:
    """Return what an expression does."""
    reading = Reading()
    _sql(f"SELECT {text}", reading)
    return reading


@cache
def of_trigger(definition: str) -> tuple[frozenset[str], Reading]:
    """Return the columns that a trigger's UPDATE OF lists, and what its condition does."""
    from pglast.parser import parse_sql  # noqa: PLC0415 - slow, and rarely needed

    reading = Reading()
    (raw,) = parse_sql(definition)
    trigger: Any = raw.stmt
    if trigger.whenClause is not None:
        nodes.read(trigger.whenClause, reading)
    return frozenset(each.sval for each in trigger.columns or ()), reading


@cache
def of_function(
    language: str, definition: str, source: str, sql_body: str | None, *, said: bool = True
) -> Reading:
    """Return what a function does.

    Args:
        language: its language.
        definition: CREATE FUNCTION, with all names qualified.
        source: its text as it was given, where it was given as a string.
        sql_body: the same, where it was parsed when the function was made.
        said: whether that includes what RAISE says, which decides nothing where nobody catches it;
            a function that is called for it may write all the same.
    """
    reading = Reading()
    if language == "plpgsql":
        from pglast import parse_plpgsql  # noqa: PLC0415 - slow, and rarely needed

        for function in parse_plpgsql(definition):
            _plpgsql(function["PLpgSQL_function"], source, reading, said=said)
    elif language == "sql":
        if sql_body and (atomic := ATOMIC.fullmatch(sql_body)):
            _sql(atomic[1], reading)
        elif sql_body and (returned := RETURN.fullmatch(sql_body)):
            _sql(f"SELECT {returned[1]}", reading)
        else:
            _sql(source, reading)
    else:
        reading.is_made_up = True
    return reading


def statements(language: str, definition: str, source: str) -> tuple[list[str], list[str]]:
    """Return the variables of a function that was given as text, with their types, and its SQL.

    Args:
        language: `sql` or `plpgsql`.
        definition: CREATE FUNCTION, with all names qualified.
        source: its text.
    """
    from pglast import parse_plpgsql, split  # noqa: PLC0415 - slow, and rarely needed

    if language == "sql":
        return [], [*split(source)]
    variables, texts = [], []
    for function in parse_plpgsql(definition):
        body = function["PLpgSQL_function"]
        for each in body["datums"]:
            kind = each.get("PLpgSQL_var", {}).get("datatype", {}).get("PLpgSQL_type", {})
            if "lineno" in each.get("PLpgSQL_var", {}):  # else a parameter, or FOUND
                variables.append(f"{_name(each, 'PLpgSQL_var')} {kind.get('typname')}")
        for kind, part in _parts(body):
            if kind == "PLpgSQL_expr":
                text, mode = part["query"], part.get("parseMode", 0)
                assigned = ASSIGNMENT.fullmatch(text) if mode in ASSIGNMENTS else None
                if assigned or mode == EXPRESSION:
                    texts.append(f"SELECT {assigned[2] if assigned else text}")
                else:
                    texts.append(text)
    return variables, texts


def _plpgsql(function: Any, source: str, reading: Reading, *, said: bool) -> None:
    """Read a function as libpg_query describes it: datums, and a tree of statements."""
    datums = function["datums"]
    new = next((n for n, each in enumerate(datums) if _name(each, "PLpgSQL_rec") == "new"), None)
    variables = frozenset(_name(each, "PLpgSQL_var") for each in datums)
    messages = {id(each): each for each in _messages(function)}
    for kind, part in _parts(function):
        if kind == "PLpgSQL_expr" and id(part) not in messages:
            _expression(part, reading, variables)
        elif kind.startswith("PLpgSQL_stmt_dyn") or "dynquery" in part:
            reading.is_made_up = True
        elif kind == "PLpgSQL_exception":
            reading.catches = True
        elif part.get("kind") == WHERE_FROM:
            reading.values.add(WHERE_FROM)
        elif kind == "PLpgSQL_stmt_return" and new is not None and _returns_another(part):
            reading.assigns.add(WHOLE)
        for place in _targets(part):
            reading.assigns.update(_column(datums, place, new))
    apart = reading if said or reading.catches else Reading()
    for part in messages.values():
        _expression(part, apart, variables)
    _keep_acts(apart, reading)
    rows = {_name(each, "PLpgSQL_rec").lower() for each in datums} - ROWS
    if new is not None and rows.intersection(
        map(str.lower, RETURNED.findall(ASIDE.sub("", source)))
    ):
        reading.assigns.add(WHOLE)


def _keep_acts(said: Reading, reading: Reading) -> None:
    """Add what is done for a message to what a function does: calls of ours, and locks."""
    reading.calls.update(call for call in said.calls if call.schema)
    reading.locks |= said.locks
    reading.is_made_up |= said.is_made_up


def _messages(function: Any) -> Iterator[Any]:
    """Return the expressions that only people read: what RAISE says, but for its code."""
    for raised in (part for kind, part in _parts(function) if kind == "PLpgSQL_stmt_raise"):
        options = [each["PLpgSQL_raise_option"] for each in raised.get("options", ())]
        said = [raised.get("params"), [each for each in options if each["opt_type"] != ERRCODE]]
        yield from (part for kind, part in _parts(said) if kind == "PLpgSQL_expr")


def _returns_another(part: Any) -> bool:
    """Return whether a trigger returns what an expression makes of its row."""
    return "expr" in part and not _is_row(_tree(part["expr"]["PLpgSQL_expr"]["query"]))


def _is_row(tree: Any) -> bool:
    """Return whether what a trigger returns is the row as it stands, the old one, or nothing."""
    kind = type(tree).__name__
    if kind == "ColumnRef":
        return [getattr(each, "sval", "") for each in tree.fields] in [[each] for each in ROWS]
    if kind == "CoalesceExpr":
        return all(map(_is_row, tree.args))
    if kind == "CaseExpr":
        return all(map(_is_row, (*(each.result for each in tree.args), tree.defresult)))
    return tree is None or (kind == "A_Const" and bool(tree.isnull))


def _targets(part: Any) -> Iterator[int]:
    """Return the datums that a statement puts values INTO."""
    into = part.get("target")
    if isinstance(into, dict):
        for each in into.get("PLpgSQL_row", {}).get("fields", ()):
            yield each["varno"]
        if "PLpgSQL_rec" in into:
            yield into["PLpgSQL_rec"].get("dno", 0)


def _column(datums: Any, place: int, new: int | None) -> Iterator[str]:
    datum = datums[place]
    if place == new:
        yield WHOLE
    elif "PLpgSQL_recfield" in datum and datum["PLpgSQL_recfield"].get("recparentno", 0) == new:
        yield datum["PLpgSQL_recfield"]["fieldname"]


def _expression(part: Any, reading: Reading, variables: frozenset[str]) -> None:
    text, mode = part["query"], part.get("parseMode", 0)
    if mode in ASSIGNMENTS and (found := ASSIGNMENT.fullmatch(text)):
        target = found[1].lower().split(".")
        is_put_back = found[2].lower().split(".") == ["old", *target[1:]]  # as if nobody wrote it
        if target[0].split("[")[0] == "new" and not is_put_back:
            reading.assigns.add(target[1].split("[")[0].strip('"') if target[1:] else WHOLE)
        text, mode = found[2], EXPRESSION
    _sql(f"SELECT {text}" if mode == EXPRESSION else text, reading, variables)


def _sql(text: str, reading: Reading, variables: frozenset[str] = frozenset()) -> None:
    from pglast.parser import ParseError, parse_sql  # noqa: PLC0415 - slow, and rarely needed

    try:
        tree = parse_sql(text)
    except ParseError:
        reading.is_made_up = True  # what cannot be read may do anything
    else:
        nodes.read(tree, reading, variables)


def _tree(text: str) -> Any:
    """Return the tree of an expression; of what cannot be read, its text."""
    from pglast.parser import ParseError, parse_sql  # noqa: PLC0415 - slow, and rarely needed

    try:
        (raw,) = parse_sql(f"SELECT {text}")
    except ParseError:
        return text
    select: Any = raw.stmt
    return select.targetList[0].val if select.targetList else text


def _name(datum: Any, kind: str) -> str:
    return str(datum.get(kind, {}).get("refname", ""))


def _parts(node: object) -> Iterator[tuple[str, Any]]:
    """Walk what libpg_query says of PL/pgSQL, as pairs of a kind and what it holds."""
    if isinstance(node, dict):
        for kind, part in node.items():
            if isinstance(part, dict):
                yield kind, part
            yield from _parts(part)
    elif isinstance(node, list):
        for part in node:
            yield from _parts(part)
