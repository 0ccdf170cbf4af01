"""What a function, a condition or a check does: read from its text by PostgreSQL's own parser.

Nothing is run. What a body makes up while it runs (EXECUTE) cannot be read, and is said to be so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# How PL/pgSQL has its parts parsed: expressions, and assignments with one to three names.
EXPRESSION, ASSIGNMENTS = 2, frozenset({3, 4, 5})
ASSIGNMENT = re.compile(r"\s*((?:\"[^\"]+\"|[\w.\[\]])+?)\s*(?::=|=)\s*(.*)", re.DOTALL)
ATOMIC = re.compile(r"\s*BEGIN ATOMIC\b(.*)\bEND\s*", re.DOTALL | re.IGNORECASE)
RETURN = re.compile(r"\s*RETURN\b(.*)", re.DOTALL | re.IGNORECASE)
WRITES = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
WHOLE = "*"  # all columns of a row
DATE = re.compile(r"\s*\d{4}-\d\d?-\d\d?\b")
OF_TRANSACTIONS = frozenset({"xmin", "xmax", "cmin", "cmax", "ctid"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function: its schema, or '', its name, how many arguments, and the first text."""

    schema: str
    name: str
    arguments: int
    said: str = ""

    def __str__(self) -> str:
        """Return it as it is written."""
        dotted = f"{self.schema}.{self.name}" if self.schema else self.name
        return f"{dotted}('{self.said}')" if self.said else f"{dotted}()"


@dataclass(slots=True)
class Reading:
    """What some SQL does.

    Attributes:
        tables: all that it names, as `schema.name`, or `name` alone where it says no schema.
        written: those of them that it writes.
        calls: the functions that it calls.
        values: keywords that stand for values, such as `CURRENT_USER`.
        columns: system columns that tell transactions and places of rows.
        dates: days that it names.
        statements: other statements, such as `LockStmt`, by the parser's names.
        locks: whether it locks rows.
        assigns: columns of NEW that it assigns; `*` for the whole row.
        is_made_up: whether it runs text that it makes.
        catches: whether it catches errors.
    """

    tables: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    calls: set[Call] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    columns: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    statements: set[str] = field(default_factory=set)
    locks: bool = False
    assigns: set[str] = field(default_factory=set)
    is_made_up: bool = False
    catches: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it changes, or holds, what others see."""
        return bool(self.written or self.statements or self.locks)


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
        _nodes(trigger.whenClause, reading)
    return frozenset(each.sval for each in trigger.columns or ()), reading


@cache
def of_function(language: str, definition: str, source: str, sql_body: str | None) -> Reading:
    """Return what a function does.

    Args:
        language: its language.
        definition: CREATE FUNCTION, with all names qualified.
        source: its text as it was given, where it was given as a string.
        sql_body: the same, where it was parsed when the function was made.
    """
    reading = Reading()
    if language == "plpgsql":
        from pglast import parse_plpgsql  # noqa: PLC0415 - slow, and rarely needed

        for function in parse_plpgsql(definition):
            _plpgsql(function["PLpgSQL_function"], reading)
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


def _plpgsql(function: Any, reading: Reading) -> None:
    """Read a function as libpg_query describes it: datums, and a tree of statements."""
    datums = function["datums"]
    new = next((n for n, each in enumerate(datums) if _name(each, "PLpgSQL_rec") == "new"), None)
    for kind, part in _parts(function):
        if kind == "PLpgSQL_expr":
            _expression(part, reading)
        elif kind.startswith("PLpgSQL_stmt_dyn") or "dynquery" in part:
            reading.is_made_up = True
        elif kind == "PLpgSQL_exception":
            reading.catches = True
        for place in _targets(part):
            reading.assigns.update(_column(datums, place, new))


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


def _expression(part: Any, reading: Reading) -> None:
    text, mode = part["query"], part.get("parseMode", 0)
    if mode in ASSIGNMENTS and (found := ASSIGNMENT.fullmatch(text)):
        target = found[1].lower().split(".")
        if target[0].split("[")[0] == "new":
            reading.assigns.add(target[1].split("[")[0].strip('"') if target[1:] else WHOLE)
        text, mode = found[2], EXPRESSION
    _sql(f"SELECT {text}" if mode == EXPRESSION else text, reading)


def _sql(text: str, reading: Reading) -> None:
    from pglast.parser import ParseError, parse_sql  # noqa: PLC0415 - slow, and rarely needed

    try:
        tree = parse_sql(text)
    except ParseError:
        reading.is_made_up = True  # what cannot be read may do anything
    else:
        _nodes(tree, reading)


def _nodes(tree: object, reading: Reading) -> None:
    found = list(below(tree))
    named = {node.ctename for node in found if type(node).__name__ == "CommonTableExpr"}
    for node in found:
        kind = type(node).__name__
        if kind == "RangeVar" and (node.schemaname or node.relname not in named):
            reading.tables.add(_dotted(node))
        elif kind in WRITES:
            reading.written.add(_dotted(node.relation))
        elif kind == "SelectStmt":
            reading.locks |= bool(node.lockingClause)
        elif kind.endswith("Stmt") and kind != "RawStmt":
            reading.statements.add(kind)
        elif kind == "FuncCall":
            reading.calls.add(_call(node))
        elif kind == "SQLValueFunction":
            reading.values.add(node.op.name.removeprefix("SVFOP_"))
        elif kind == "ColumnRef":
            last = getattr(node.fields[-1], "sval", "")
            reading.columns |= {last} & OF_TRANSACTIONS
        elif kind == "A_Const" and DATE.match(getattr(node.val, "sval", "")):
            reading.dates.add(node.val.sval)


def _call(node: Any) -> Call:
    *schema, name = (part.sval for part in node.funcname)
    arguments = node.args or ()
    first = arguments[0] if arguments else None
    first = getattr(first, "arg", first)  # of a cast
    said = getattr(getattr(first, "val", None), "sval", "")
    return Call("".join(schema).replace("pg_catalog", ""), name, len(arguments), said)


def _dotted(relation: Any) -> str:
    schema = relation.schemaname
    return f"{schema}.{relation.relname}" if schema else str(relation.relname)


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


def below(node: Any) -> Iterator[Any]:
    """Walk a syntax tree of pglast, or a tuple of them."""
    yield node
    children: Iterable[Any]
    if isinstance(node, tuple):
        children = node
    else:
        children = (getattr(node, name) for name in getattr(node, "__slots__", ()))
    for child in children:
        if isinstance(child, tuple) or hasattr(child, "__slots__"):
            yield from below(child)
